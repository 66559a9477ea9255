/* SPDX-License-Identifier: ISC */
/* What is too long, too deep, too much, cut off; sets and modified UTF-7 by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imap_dump.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A text of PREFIX, N times REPEATED, SUFFIX; the caller's to free. */
static char *
build(const char *prefix, const char *repeated, size_t n, const char *suffix)
{
	size_t length = strlen(repeated), i;
	char *text = malloc(strlen(prefix) + n * length + strlen(suffix) + 1), *at;

	assert_non_null(text);
	at = stpcpy(text, prefix);
	for (i = 0; i < n; i++)
		at = stpcpy(at, repeated);
	(void)stpcpy(at, suffix);
	return text;
}

/* Feeds all; the last step but MORE and CONTINUE is what counts. */
static enum imap_step
feed(struct imap_parser *parser, const char *in)
{
	enum imap_step step, last = IMAP_STEP_MORE;
	size_t length = strlen(in), used;

	while (length > 0) {
		step = imap_parser_feed(parser, in, length, &used);
		in += used;
		length -= used;
		if (step == IMAP_STEP_MESSAGE) {
			in += imap_parser_literal(parser)->octets;
			length -= imap_parser_literal(parser)->octets;
		}
		if (step != IMAP_STEP_MORE && step != IMAP_STEP_CONTINUE)
			last = step;
		if (step == IMAP_STEP_FATAL)
			break;
	}
	return last;
}

/* IN is refused with TEXT, and the parser goes on behind it. */
static void
refused(const char *in, const char *text)
{
	struct imap_parser *parser = imap_parser_new();

	assert_int_equal(feed(parser, in), IMAP_STEP_BAD);
	assert_string_equal(imap_parser_tag(parser), "a");
	if (strstr(imap_parser_error(parser), text) == NULL)
		print_error("of: %.60s\n", in);
	assert_non_null(strstr(imap_parser_error(parser), text));
	assert_int_equal(feed(parser, "b NOOP\r\n"), IMAP_STEP_COMMAND);
	assert_string_equal(imap_parser_tag(parser), "b");
	imap_parser_free(parser);
}

static void
refused_and_freed(char *in, const char *text)
{
	refused(in, text);
	free(in);
}

static void
test_too_much(void **state)
{
	static const char too_long[] = "A command can't have more than 65536 octets outside";

	(void)state;
	refused_and_freed(build("a FETCH 1", ",7", 1000000, " FLAGS\r\n"), too_long);
	refused_and_freed(build("a UID SEARCH ", "(", 10000, "\r\n"), "50 levels");
	refused_and_freed(build("a SEARCH ", "OR (", 10000, "\r\n"), "50 levels");
	refused_and_freed(build("a SEARCH ", "OR OR ", 60, "SEEN SEEN\r\n"), "50 levels");
	refused_and_freed(build("a SEARCH ", "NOT ", 10000, "\r\n"), "Expected a search key");
	refused_and_freed(build("a LIST \"\" ", "(", 10000, "\r\n"), "Expected a mailbox name");
	refused_and_freed(build("a FETCH 1 ", "(", 10000, "\r\n"), "Expected a data item");
	refused_and_freed(build("a FETCH 1 (UID ", "BODY[] ", 300, "UID)\r\n"), "256 sections");
	refused_and_freed(build("a FETCH 1 BODY[1", ".1", 101, "]\r\n"), "100 levels");
	refused_and_freed(build("a SORT (", "DATE ", 100, "DATE) UTF-8 ALL\r\n"), "sort keys");
	refused_and_freed(build("a ID (", "\"a\" \"b\" ", 40, "\"a\" NIL)\r\n"), "30 fields");
	refused_and_freed(build("a SELECT ", "x", 70000, "\r\n"), too_long);
	refused_and_freed(build("a NOOP ", "x", 3000000, "{3+}\r\nabc {2+}\r\nab\r\n"), too_long);
	refused_and_freed(build("a LOGIN ", "{1+}\r\nx ", 12000, "\r\n"), too_long);
	refused("a SELECT {1048570}\r\n", "can't have more than 1048576 octets");
	refused("a SELECT {9223372036854775807}\r\n", "can't have more than 1048576 octets");
	refused("a APPEND x {18446744073709551617}\r\n", "2^63 - 1");
	refused("a SELECT {4294967297+\r\n", "Expected");
}

/* The literal's announcement may fall where the line became too long. */
static void
test_too_long_cut_anywhere(void **state)
{
	char *in = build("a SELECT ", "x", 65540, "{6+}\r\nb NOOP\r\nc NOOP\r\n");
	size_t length = strlen(in), cut;

	(void)state;
	for (cut = 65500; cut < length; cut++) {
		struct imap_parser *parser = imap_parser_new();
		char *first = strndup(in, cut);

		feed(parser, first);
		assert_int_equal(feed(parser, in + cut), IMAP_STEP_COMMAND);
		assert_string_equal(imap_parser_tag(parser), "c");
		free(first);
		imap_parser_free(parser);
	}
	free(in);
}

/* As much as is allowed is allowed. */
static void
test_much(void **state)
{
	struct imap_parser *parser = imap_parser_new();
	char *in;

	(void)state;
	in = build("a FETCH 1", ",7", 32700, " FLAGS\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	assert_int_equal(imap_parser_command(parser)->fetch.set.count, 32701);
	imap_set_resolve(&imap_parser_command(parser)->fetch.set, 10);
	assert_int_equal(imap_parser_command(parser)->fetch.set.count, 2);
	free(in);
	in = build("a SEARCH ", "OR SEEN ", 8000, "ALL\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	free(in);
	in = build("a SEARCH ", "(NOT ", 50, "SEEN");
	assert_int_equal(feed(parser, in), IMAP_STEP_MORE);
	assert_true(imap_parser_busy(parser));
	free(in);
	in = build("", ")", 50, "\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	free(in);
	in = build("a APPEND x", " {1+}\r\nx", 100000, "\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	assert_int_equal(imap_parser_command(parser)->append.message_count, 100000);
	free(in);
	in = build("a APPEND x CATENATE (", "URL {1+}\r\nx ", 7000, "URL x)\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_BAD); /* too long */
	free(in);
	in = build("a APPEND x CATENATE (", "URL {1+}\r\nx ", 5500, "TEXT {1+}\r\nx)\r\n");
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	free(in);
	imap_parser_free(parser);
}

/* Every command ends anywhere, and what follows on a new line is read as nothing but that. */
static void
test_cut_off(void **state)
{
	static const char *const commands[] = {
	    "a SELECT \"x y\" (QRESYNC (7 9 1:4 (1,2 5,6)))",
	    "a FETCH 1:*,4 (UID BODY.PEEK[1.2.HEADER.FIELDS (From \"To\")]<1.2>) (CHANGEDSINCE 1)",
	    "a UID SEARCH RETURN (MIN PARTIAL 1:2) CHARSET UTF-8 OR (FROM x) NOT SINCE 1-Jan-2020",
	    "a LIST (SUBSCRIBED) \"\" (a b) RETURN (STATUS (SIZE) METADATA (/shared/x))",
	    "a UID STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen x)",
	    "a NOTIFY SET STATUS (subtree (a b) (MessageNew MessageExpunge)) (selected NONE)",
	    "a SETMETADATA \"\" (/private/x NIL /shared/y \"z\")",
	    "a APPEND x (\\Seen) \" 1-Jan-1970 01:00:00 +0100\" CATENATE (URL \"x\" URL y)",
	    "a REPLACE 1 x UTF8 (",
	    "a SORT (REVERSE DATE) UTF-8 MODSEQ \"/flags/x\" all 5",
	};
	size_t i, cut;

	(void)state;
	for (i = 0; i < COUNT(commands); i++) {
		for (cut = 0; cut <= strlen(commands[i]); cut++) {
			struct imap_parser *parser = imap_parser_new();
			char *in = strndup(commands[i], cut);
			enum imap_step step;

			assert_int_equal(feed(parser, in), IMAP_STEP_MORE);
			step = feed(parser, "\r\n");
			assert_true(step == IMAP_STEP_BAD || step == IMAP_STEP_COMMAND);
			assert_int_equal(feed(parser, "b NOOP\r\n"), IMAP_STEP_COMMAND);
			assert_string_equal(imap_parser_tag(parser), "b");
			free(in);
			imap_parser_free(parser);
		}
	}
}

static void
test_reset(void **state)
{
	struct imap_parser *parser = imap_parser_new();

	(void)state;
	assert_int_equal(feed(parser, "a SELECT {10}\r\n"), IMAP_STEP_MORE);
	assert_string_equal(imap_parser_tag(parser), "a");
	imap_parser_reset(parser);
	assert_int_equal(feed(parser, "b NOOP\r\n"), IMAP_STEP_COMMAND);
	imap_parser_free(parser);
}

static void
resolve(const char *set, uint32_t max, const char *expected)
{
	struct imap_parser *parser = imap_parser_new();
	char in[256], out[256];

	snprintf(in, sizeof(in), "a COPY %s x\r\n", set);
	assert_int_equal(feed(parser, in), IMAP_STEP_COMMAND);
	imap_set_resolve(&imap_parser_command(parser)->copy.set, max);
	imap_dump(imap_parser_command(parser), out, sizeof(out));
	snprintf(in, sizeof(in), "a COPY %s <x>", expected);
	assert_string_equal(out, in);
	imap_parser_free(parser);
}

static void
test_sets(void **state)
{
	struct store_range ranges[] = {{2, 4}, {7, 7}, {9, UINT32_MAX}};
	struct imap_set set = {ranges, 3, false};

	(void)state;
	resolve("1", 9, "1");
	resolve("3,1,2", 9, "1:3");
	resolve("5:3,9,8:*", 9, "3:5,8:9");
	resolve("*", 9, "9");
	resolve("*,1:*", 0, "");
	resolve("12:*", 9, "9:12");
	resolve("1:4294967295,7", 9, "1:4294967295");
	resolve("4294967295,4294967294", 9, "4294967294:4294967295");
	resolve("1:10,2:3,11", 9, "1:11");
	assert_false(imap_set_has(&set, 1));
	assert_true(imap_set_has(&set, 2));
	assert_true(imap_set_has(&set, 4));
	assert_false(imap_set_has(&set, 5));
	assert_true(imap_set_has(&set, 7));
	assert_false(imap_set_has(&set, 8));
	assert_true(imap_set_has(&set, UINT32_MAX));
	set.count = 0;
	assert_false(imap_set_has(&set, 1));
}

static void
test_utf7(void **state)
{
	static const struct {
		const char *utf7, *utf8;
	} both[] = {
	    {"", ""},
	    {"INBOX", "INBOX"},
	    {"a&-b", "a&b"},
	    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
						"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
	    {"&AOQ-&-&AOQ-", "\xc3\xa4&\xc3\xa4"},
	    {"&2Dzf-&-", NULL},
	    {"&2D3eAA-", "\xf0\x9f\x98\x80"},
	    {"&AAE-", "\x01"},
	};
	static const char *const wrong[] = {
	    "&",     "&x",       "&AOQ",      "&AOQ-&AOQ-", "&AGE-", "&AA-",   "&AOR-",    "&2D0-",
	    "&3gA-", "&3gDYPQ-", "a\xc3\xa4", "a\x01",      "&A/Q-", "&AAAA-", "&2D3YPQ-",
	};
	char out[100];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(both); i++) {
		const char *in = both[i].utf7;

		if (both[i].utf8 == NULL) {
			assert_int_equal(imap_utf7_decode(in, strlen(in), out, sizeof(out)), -1);
			continue;
		}
		assert_int_equal(imap_utf7_decode(in, strlen(in), out, sizeof(out)), 0);
		assert_string_equal(out, both[i].utf8);
		assert_int_equal(
		    imap_utf7_encode(both[i].utf8, strlen(both[i].utf8), out, sizeof(out)), 0);
		assert_string_equal(out, in);
	}
	for (i = 0; i < COUNT(wrong); i++)
		assert_int_equal(imap_utf7_decode(wrong[i], strlen(wrong[i]), out, sizeof(out)),
				 -1);
	assert_int_equal(imap_utf7_encode("\xff", 1, out, sizeof(out)), -1);
	assert_int_equal(imap_utf7_encode("\xed\xa0\x80", 3, out, sizeof(out)), -1);
	assert_int_equal(imap_utf7_encode("\xc3\xa4", 2, out, 5), -1);
	assert_int_equal(imap_utf7_encode("\xc3\xa4", 2, out, 6), 0);
}

/* What is right, but needs more than there is now: said so, skipped, and the next one is taken. */
static void
test_room(void **state)
{
	char *texts[] = {
	    build("a SEARCH SUBJECT {5000+}\r\n", "x", 5000, "\r\n"),
	    build("a SEARCH SUBJECT {5000}\r\n", "", 0, ""),
	    build("a UID FETCH ", "1,", 5000, "1 FLAGS\r\n"),
	    build("a SEARCH ", "NOT SEEN ", 1000, "1\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct imap_parser *parser = imap_parser_new();

		imap_parser_set_room(parser, 1000);
		assert_int_equal(feed(parser, texts[i]), IMAP_STEP_BAD);
		assert_true(imap_parser_is_limit(parser));
		assert_string_equal(imap_parser_tag(parser), "a");
		/* Short ones always go. */
		imap_parser_set_room(parser, 0);
		assert_int_equal(feed(parser, "b UID FETCH 1:3,5 (FLAGS UID)\r\n"),
				 IMAP_STEP_COMMAND);
		assert_int_equal(feed(parser, "c NONSENSE\r\n"), IMAP_STEP_BAD);
		assert_false(imap_parser_is_limit(parser));
		imap_parser_set_room(parser, IMAP_ARENA_MAX);
		if (strchr(texts[i], '}') == NULL)
			assert_int_equal(feed(parser, texts[i]), IMAP_STEP_COMMAND);
		imap_parser_free(parser);
		free(texts[i]);
	}
}

/* What a command points to is good when the parser has gone on. */
static void
test_given_away(void **state)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_arena arena;
	struct imap_notify notify;

	(void)state;
	assert_int_equal(
	    feed(parser, "a NOTIFY SET (mailboxes (one two) (MailboxName)) (inboxes NONE)\r\n"),
	    IMAP_STEP_COMMAND);
	notify = imap_parser_command(parser)->notify;
	imap_parser_give(parser, &arena);
	assert_string_equal(imap_parser_tag(parser), "a");
	assert_int_equal(feed(parser, "b NOTIFY SET (mailboxes three (MailboxName))\r\n"),
			 IMAP_STEP_COMMAND);
	assert_int_equal(notify.count, 2);
	assert_string_equal(notify.groups[0].filter.mailboxes[1], "two");
	assert_int_equal(notify.groups[1].filter.kind, IMAP_FILTER_INBOXES);
	imap_parser_free(parser);
	imap_arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_too_much),   cmocka_unit_test(test_too_long_cut_anywhere),
	    cmocka_unit_test(test_much),       cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_reset),      cmocka_unit_test(test_sets),
	    cmocka_unit_test(test_utf7),       cmocka_unit_test(test_room),
	    cmocka_unit_test(test_given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
