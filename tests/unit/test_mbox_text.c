/* SPDX-License-Identifier: ISC */
/* Messages in mbox files: what is one, what is about the file, and what was quoted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/mbox_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The message as a string; static. */
static const char *
message_of(const char *text, struct mbox_message *message)
{
	static char out[2048];
	size_t length = strlen(text);
	char *copy = malloc(length); /* so that reading past it shows */

	assert_non_null(copy);
	memcpy(copy, text, length);
	assert_true(2 * length < sizeof(out));
	mbox_read(copy, length, message, out);
	assert_true(message->length <= 2 * length);
	out[message->length] = '\0';
	free(copy);
	return out;
}

static void
test_messages(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
	    {"From a\n", ""},
	    {"From a", ""},
	    {"From a\nA: b\n\nc\n\n", "A: b\r\n\r\nc\r\n"},
	    {"From a\r\nA: b\r\n\r\nc\r\n\r\n", "A: b\r\n\r\nc\r\n"},
	    {"From a\nA: b\n\nc", "A: b\r\n\r\nc"},
	    /* Of two empty lines at the end one is the message's. */
	    {"From a\nA: b\n\nc\n\n\n", "A: b\r\n\r\nc\r\n\r\n"},
	    {"From a\nA: b\n\n>From c\n>>From d\n>Fro\n> From\n",
	     "A: b\r\n\r\nFrom c\r\n>From d\r\n>Fro\r\n> From\r\n"},
	    {"From a\nStatus: RO\nA: b\nX-Keywords: x\n  y\nB: c\n\nStatus: z\n",
	     "A: b\r\nB: c\r\n\r\nStatus: z\r\n"},
	    {"From a\nX-UID: 5\nX-IMAPbase: 1 2\nStatusx: z\n\n", "Statusx: z\r\n"},
	    {"From a\nA: b\rc\n\nd\re\n", "A: b\rc\r\n\r\nd\re\r\n"},
	};
	struct mbox_message message;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(message_of(rows[i].text, &message), rows[i].message);
}

static void
test_fields(void **state)
{
	struct mbox_message message;

	(void)state;
	message_of("From a\nStatus: RO\nX-Status: AFTDx\nX-Keywords: $Later,Work  a(b \n\n",
		   &message);
	assert_int_equal(message.flags, MESSAGE_SEEN | MESSAGE_ANSWERED | MESSAGE_FLAGGED |
					    MESSAGE_DRAFT | MESSAGE_DELETED);
	assert_string_equal(message.keywords, "$Later Work");
	assert_false(message.is_internal);
	assert_false(message.has_date);
	message_of("From a\nX-IMAP: 1 2\n\n", &message);
	assert_true(message.is_internal);
	assert_int_equal(message.flags, 0);
	/* In the body it is text. */
	message_of("From a\nA: b\n\nX-IMAP: 1 2\nStatus: R\n", &message);
	assert_false(message.is_internal);
	assert_int_equal(message.flags, 0);
}

/* More keywords than there is room for. */
static void
test_many_keywords(void **state)
{
	struct mbox_message message;
	size_t size = 1 << 16, used;
	char *text = malloc(size), *out = malloc(2 * size);

	(void)state;
	assert_non_null(text);
	assert_non_null(out);
	used = strlcpy(text, "From a\nX-Keywords:", size);
	while (used < size - 10)
		used += strlcpy(text + used, " keyword", size - used);
	mbox_read(text, used, &message, out);
	assert_true(strlen(message.keywords) > sizeof(message.keywords) - 20);
	assert_memory_equal(message.keywords, "keyword keyword", 15);
	free(text);
	free(out);
}

static void
test_dates(void **state)
{
	static const struct {
		const char *line;
		bool has;
		int64_t date;
	} rows[] = {
	    {"From ann@example.net Sat Jan  6 01:05:34 1996\n", true, 820890334},
	    {"From ann@example.net  Sat Jan  6 01:05 1996\n", true, 820890300},
	    {"From - Thu Jan 01 00:00:00 1970\n", true, 0},
	    {"From \"a b\"@example.net Tue May  9 06:13:20 1995 remote from x\n", true, 800000000},
	    {"From ann@example.net\n", false, 0},
	    {"From ann Sat Jan  6\n", false, 0},
	};
	struct mbox_message message;
	char line[MBOX_FROM_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		message_of(rows[i].line, &message);
		assert_int_equal(message.has_date, rows[i].has);
		assert_int_equal(message.date, rows[i].date);
	}
	message_of(mbox_from_line(800000000, line), &message);
	assert_true(message.has_date);
	assert_int_equal(message.date, 800000000);
	assert_string_equal(mbox_from_line(INT64_MAX, line),
			    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
}

static void
test_lines(void **state)
{
	char out[32];

	(void)state;
	assert_true(mbox_is_from_line("From ", 5));
	assert_false(mbox_is_from_line("From", 4));
	assert_false(mbox_is_from_line("from a", 6));
	assert_true(mbox_must_quote(">>From ", 7));
	assert_true(mbox_must_quote("From x", 6));
	assert_false(mbox_must_quote("> From", 6));
	assert_false(mbox_must_quote(">>>", 3));
	assert_false(mbox_must_quote("", 0));
	assert_int_equal(text_to_crlf("\na\r\nb\n\n\r", 9, out), 12);
	assert_memory_equal(out, "\r\na\r\nb\r\n\r\n\r", 12);
	assert_int_equal(text_to_crlf("", 0, out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),      cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_many_keywords), cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
