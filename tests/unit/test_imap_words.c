/* SPDX-License-Identifier: ISC */
/* What posternctl understands of an IMAP server's responses, and of a checkup's lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/checkup_lines.h"
#include "ctl/imap_words.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char *copied;

/* On the heap, with nothing behind it; the parsers change it. */
static char *
copy(const char *text, size_t length)
{
	free(copied);
	copied = malloc(length == 0 ? 1 : length);
	assert_non_null(copied);
	memcpy(copied, text, length);
	return copied;
}

#define COPY(text) copy(text, strlen(text)), strlen(text)

/* Words as text: atoms as they are, strings in <>, ! for what can't be read. */
static const char *
words_of(const char *text)
{
	static char out[512];
	struct words words = {copy(text, strlen(text)), NULL};
	size_t used = 0;
	struct word word;

	words.end = words.at + strlen(text);
	out[0] = '\0';
	do {
		const char *format[] = {
		    [WORD_END] = "%.*s",   [WORD_ATOM] = "%.*s ",  [WORD_STRING] = "<%.*s> ",
		    [WORD_OPEN] = "%.*s ", [WORD_CLOSE] = "%.*s ", [WORD_BAD] = "%.*s!"};

		word = words_next(&words);
		/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
		used += (size_t)snprintf(out + used, sizeof(out) - used, format[word.kind],
					 (int)word.length, word.at == NULL ? "" : word.at);
	} while (word.kind != WORD_END && word.kind != WORD_BAD);
	return out;
}

static void
test_words(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
	    {"", ""},
	    {"1 FETCH (UID 5)", "1 FETCH ( UID 5 ) "},
	    {"\"a b\" \"\" \"\\\"\\\\\"", "<a b> <> <\"\\> "},
	    {"{3}\r\na\") ~{2}\r\nbc {1+}\r\nd", "<a\")> <bc> <d> "},
	    {"{0}\r\n", "<> "},
	    {"BODY[HEADER.FIELDS (A \"b\")] NIL", "BODY[HEADER.FIELDS (A \"b\")] NIL "},
	    {"~x ~", "~x ~ "},
	    {"\"a", "!"},
	    {"\"a\\", "!"},
	    {"{3}\r\nab", "!"},
	    {"{}\r\n", "!"},
	    {"{3\r\nabc", "!"},
	    {"{99999999999999999999}\r\na", "!"},
	    {"{3}", "!"},
	    {"a  b", "a !"},
	    {"a\r\nb", "a !"},
	};
	struct words words;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(words_of(rows[i].text), rows[i].words);
	words.at = copy("(a (b) \"c\") d", 13);
	words.end = words.at + 13;
	assert_true(words_skip(&words));
	assert_int_equal(words.end - words.at, 2);
	assert_true(words_skip(&words));
	assert_false(words_skip(&words));
	words.at = copy("(a", 2);
	words.end = words.at + 2;
	assert_false(words_skip(&words));
	words.at = copy(")", 1);
	words.end = words.at + 1;
	assert_false(words_skip(&words));
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t number;
	} rows[] = {{"0", true, 0},           {"4294967295", true, UINT32_MAX},
		    {"4294967296", false, 0}, {"", false, 0},
		    {"-1", false, 0},         {"1a", false, 0},
		    {"007", true, 7},         {"99999999999999999999", false, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];
		struct word word = {WORD_ATOM, text, strlen(rows[i].text)};
		uint64_t number = 0;

		strlcpy(text, rows[i].text, sizeof(text));
		assert_int_equal(word_number(&word, UINT32_MAX, &number), rows[i].good);
		assert_int_equal(number, rows[i].number);
		word.kind = WORD_STRING;
		assert_false(word_number(&word, UINT32_MAX, &number));
	}
}

static void
test_folder_names(void **state)
{
	static const char *const bad[] = {"",     "/",     "a/",   "/a",       "a//b",
					  ".",    "..",    "a/..", "../a",     "a/./b",
					  "a\nb", "a\x7f", "\xff", "\xc2\x9b", "\x1b[2J"};
	char name[FOLDER_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (folder_name_is_fine(bad[i], strlen(bad[i])))
			fail_msg("\"%s\" is fine", bad[i]);
	assert_true(folder_name_is_fine("Entw\xc3\xbcrfe/a.b/...", 17));
	assert_false(folder_name_is_fine("a\0b", 3));
	memset(name, 'a', sizeof(name));
	assert_true(folder_name_is_fine(name, FOLDER_NAME_MAX));
	assert_false(folder_name_is_fine(name, FOLDER_NAME_MAX + 1));
}

static void
test_fetch(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
	    {"5 EXISTS", 0},
	    {"OK [X] y", 0},
	    {"1 FETCH", -1},
	    {"1 FETCH (UID 0)", -1},
	    {"1 FETCH (UID 4294967296)", -1},
	    {"1 FETCH (UID 5", -1},
	    {"1 FETCH (UID 5) x", -1},
	    {"1 FETCH (FLAGS \\Seen)", -1},
	    {"1 FETCH (FLAGS (a)", -1},
	    {"1 FETCH (INTERNALDATE \"soon\")", -1},
	    {"1 FETCH (BODY[] (x))", -1},
	    {"1 FETCH (\"UID\" 5)", -1},
	    {"1 FETCH (X-OTHER (a (b)) UID 5)", 1},
	    {"1 FETCH ()", 1},
	};
	static const char whole[] =
	    "7 FETCH (UID 5 FLAGS (\\seen $Later \\Recent Work \\Deleted) RFC822.SIZE 12 "
	    "INTERNALDATE "
	    "\" 9-May-1995 08:13:20 +0200\" SAVEDATE NIL BODY[] {3}\r\na\r\n)";
	struct fetched fetched;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int result = read_fetch(COPY(rows[i].text), &fetched);

		if (result != rows[i].result)
			fail_msg("%s: %d", rows[i].text, result);
	}
	assert_int_equal(read_fetch(COPY(whole), &fetched), 1);
	assert_int_equal(fetched.has, FETCHED_UID | FETCHED_FLAGS | FETCHED_SIZE |
					  FETCHED_INTERNALDATE | FETCHED_BODY);
	assert_int_equal(fetched.uid, 5);
	assert_int_equal(fetched.flags, MESSAGE_SEEN | MESSAGE_DELETED);
	assert_string_equal(fetched.keywords, "$Later Work");
	assert_int_equal(fetched.size, 12);
	assert_int_equal(fetched.internaldate, 800000000);
	assert_int_equal(fetched.body_length, 3);
	assert_memory_equal(fetched.body, "a\r\n", 3);
	assert_int_equal(read_fetch(COPY("7 FETCH (FLAGS () UID 5)"), &fetched), 1);
	assert_string_equal(fetched.keywords, "");
}

static void
test_list(void **state)
{
	struct listed listed;
	struct statused status;

	(void)state;
	assert_int_equal(
	    read_list(COPY("LIST (\\Subscribed \\HasNoChildren \\Trash \\archive) \"/\" "
			   "\"Bin \\\"1\\\"\""),
		      &listed),
	    1);
	assert_string_equal(listed.name, "Bin \"1\"");
	assert_string_equal(listed.uses, "Trash Archive");
	assert_true(listed.selectable && listed.subscribed);
	assert_int_equal(read_list(COPY("LIST (\\NonExistent) NIL x"), &listed), 1);
	assert_true(!listed.selectable && !listed.subscribed);
	/* A name that posternctl doesn't want is empty, and the list goes on. */
	assert_int_equal(read_list(COPY("LIST () \"/\" \"../x\""), &listed), 1);
	assert_string_equal(listed.name, "");
	assert_int_equal(read_list(COPY("STATUS x ()"), &listed), 0);
	assert_int_equal(read_list(COPY("LIST () \"/\""), &listed), -1);
	assert_int_equal(read_list(COPY("LIST (\\A"), &listed), -1);

	assert_int_equal(read_status(COPY("STATUS INBOX (MESSAGES 3 UNSEEN 1 SIZE 9000000000 X (y) "
					  "UIDNEXT 4 UIDVALIDITY 7)"),
				     &status),
			 1);
	assert_string_equal(status.name, "INBOX");
	assert_int_equal(status.messages, 3);
	assert_int_equal(status.size, 9000000000);
	assert_int_equal(status.uidvalidity, 7);
	assert_int_equal(status.has, STATUS_MESSAGES | STATUS_UNSEEN | STATUS_SIZE |
					 STATUS_UIDNEXT | STATUS_UIDVALIDITY);
	assert_int_equal(read_status(COPY("STATUS x (MESSAGES -3)"), &status), -1);
	assert_int_equal(read_status(COPY("STATUS x (MESSAGES"), &status), -1);
	assert_int_equal(read_status(COPY("LIST () NIL x"), &status), 0);
}

static void
test_dates(void **state)
{
	static const char *const bad[] = {"",
					  "32-May-1995 06:13:20 +0000",
					  "00-May-1995 06:13:20 +0000",
					  "09-Mai-1995 06:13:20 +0000",
					  "09-May-1995 24:13:20 +0000",
					  "09-May-1995 06:13:20  0000",
					  "09-May-1995 06:13:20 +0060",
					  "09-May-1995 06:13:20 +000",
					  "9-May-1995 06:13:20 +0000",
					  "09-May-19x5 06:13:20 +0000"};
	static const int64_t seconds[] = {0, 800000000, -1, 253402300799};
	char text[DATE_TIME_SIZE];
	int64_t read;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (read_date_time(bad[i], strlen(bad[i]), &read))
			fail_msg("\"%s\" is a date", bad[i]);
	assert_true(read_date_time(" 9-may-1995 01:43:20 -0430", 26, &read));
	assert_int_equal(read, 800000000);
	for (size_t i = 0; i < COUNT(seconds); i++) {
		write_date_time(seconds[i], text);
		assert_true(read_date_time(text + 1, strlen(text) - 2, &read));
		assert_int_equal(read, seconds[i]);
	}
	assert_string_equal(write_date_time(INT64_MAX, text), "\"01-Jan-1970 00:00:00 +0000\"");
}

static void
test_checkup_lines(void **state)
{
	static const struct {
		const char *line;
		enum checkup_line_kind kind;
		const char *text;
	} rows[] = {
	    {"finding folder Entw\xc3\xbcrfe", CHECKUP_LINE_FINDING, "folder Entw\xc3\xbcrfe"},
	    {"finding a\x1b[2J\x7f\xc2\x9b", CHECKUP_LINE_FINDING, "a?[2J???"},
	    {"finding a\xff\xc3\xbc", CHECKUP_LINE_FINDING, "a???"},
	    {"finding ", CHECKUP_LINE_FINDING, ""},
	    {"failed disk", CHECKUP_LINE_FAILED, "disk"},
	    {"done 1 2 3 4 5 6 0", CHECKUP_LINE_DONE, NULL},
	    {"done 1 2 3 4 5 6", CHECKUP_LINE_BAD, NULL},
	    {"done 1 2 3 4 5 6 0 ", CHECKUP_LINE_BAD, NULL},
	    {"done 1 2 3 4 5 6 0 7", CHECKUP_LINE_BAD, NULL},
	    {"done 1 2 3 4 5 6 -1", CHECKUP_LINE_BAD, NULL},
	    {"done 1  3 4 5 6 7 8", CHECKUP_LINE_BAD, NULL},
	    {"done 1 2 3 4 5 6 99999999999999999999", CHECKUP_LINE_BAD, NULL},
	    {"finding", CHECKUP_LINE_BAD, NULL},
	    {"Finding x", CHECKUP_LINE_BAD, NULL},
	    {"", CHECKUP_LINE_BAD, NULL},
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct checkup_line read;

		strlcpy(line, rows[i].line, sizeof(line));
		read = checkup_line_read(line, strlen(line));
		assert_int_equal(read.kind, rows[i].kind);
		if (rows[i].text != NULL)
			assert_string_equal(read.text, rows[i].text);
		if (read.kind == CHECKUP_LINE_DONE)
			for (uint64_t n = 0; n < CHECKUP_NUMBERS; n++)
				assert_int_equal(read.numbers[n], (n + 1) % CHECKUP_NUMBERS);
	}
	strlcpy(line, "finding a", sizeof(line));
	assert_int_equal(checkup_line_read(line, 10).kind, CHECKUP_LINE_BAD); /* a NUL in it */
}

static int
forget(void **state)
{
	(void)state;
	free(copied);
	copied = NULL;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),         cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_folder_names),  cmocka_unit_test(test_fetch),
	    cmocka_unit_test(test_list),          cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_checkup_lines),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
