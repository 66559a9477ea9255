/* SPDX-License-Identifier: ISC */
/* Search programs against messages: row by row, and against a plain scan of a corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/summary.h"
#include "common/mime/text.h"
#include "worker/session/imap/parse.h"
#include "worker/session/imap/search.h"

struct mail {
	const char *octets;
	struct store_message message;
	struct store_summary summary;
	struct mime_summary block;
	uint32_t number;
	unsigned reads;
};

static struct mail mails[] = {
    {.octets = "From: =?iso-8859-1?q?J=FCrgen?= <j@example.org>\r\nTo: b@x\r\n"
	       "Subject: =?utf-8?B?R3LDvMOfZQ==?= aus K=?utf-8?Q?=C3=B6ln?=\r\n"
	       "Date: Mon, 7 Feb 1994 23:30:00 -0800\r\nX-Empty:\r\n\r\nHello World\r\n",
     .message = {.uid = 10,
		 .size = 100,
		 .internaldate = 760752000 /* 9 Feb 1994 */,
		 .modseq = 5,
		 .flags = STORE_SEEN,
		 .keywords = "work $Forwarded",
		 .object = "E1"},
     .number = 1},
    {.octets = "From: x@y\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
	       "--a\r\nContent-Type: text/plain; charset=koi8-r\r\n"
	       "Content-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n"
	       "--a\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n"
	       "\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\r\n"
	       "--a\r\nContent-Type: image/png\r\n\r\nsecret\r\n--a--\r\n",
     .message = {.uid = 20,
		 .size = 200,
		 .internaldate = 1000000000,
		 .modseq = 6,
		 .savedate = 1000000000,
		 .flags = STORE_FLAGGED | STORE_DELETED,
		 .keywords = "",
		 .object = "E2"},
     .number = 2},
    {.octets = "Subject: plain\r\nCc: copy@x\r\nBcc: blind@x\r\n\r\nbye\r\n",
     .message = {.uid = 30,
		 .size = 300,
		 .internaldate = 1000000100,
		 .modseq = 7,
		 .keywords = "work",
		 .object = "E3"},
     .number = 3},
};
#define MAILS (sizeof(mails) / sizeof(*mails))

static const char *
read_mail(const struct store_message *message, size_t *length, void *arg)
{
	struct mail *mail = arg;

	assert_ptr_equal(message, &mail->message);
	mail->reads++;
	*length = strlen(mail->octets);
	return mail->octets;
}

static int
set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAILS; i++) {
		struct mime_message message;

		assert_int_equal(mime_parse(mails[i].octets, strlen(mails[i].octets), &message), 0);
		assert_int_equal(
		    mime_summarize(&message, mails[i].message.internaldate, &mails[i].block), 0);
		mails[i].summary.sent_day = mails[i].block.sent_day;
		mails[i].summary.kept = mails[i].block.kept;
		mails[i].message.summary = &mails[i].summary;
		mime_free(&message);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAILS; i++)
		mime_summary_free(&mails[i].block);
	return 0;
}

/* Parses "SEARCH ..." and makes it ready. */
static struct imap_searcher *
make(struct imap_parser *parser, const char *line, enum imap_search_open expected)
{
	static const struct store_range saved[] = {{20, 30}};
	const struct imap_search_world world = {
	    .max_number = 3, .max_uid = 30, .saved = saved, .saved_count = 1, .now = 1000000200};
	struct imap_searcher *searcher;
	size_t used = 0, at = 0;
	enum imap_step step;

	do {
		step = imap_parser_feed(parser, line + at, strlen(line) - at, &used);
		at += used;
	} while (step == IMAP_STEP_CONTINUE);
	if (step != IMAP_STEP_COMMAND)
		fail_msg("%s: %s", line, imap_parser_error(parser));
	assert_int_equal(imap_searcher_new(imap_parser_command(parser)->search.program,
					   imap_parser_command(parser)->search.charset, &world,
					   &searcher),
			 expected);
	return searcher;
}

/* Which match, as a number with a bit for each. */
static unsigned
ask(struct imap_searcher *searcher)
{
	unsigned found = 0;

	for (size_t i = 0; i < MAILS; i++) {
		struct imap_candidate candidate = {.message = &mails[i].message,
						   .number = mails[i].number,
						   .recent = i == 2,
						   .read = read_mail,
						   .arg = &mails[i]};
		int matches = imap_searcher_matches(searcher, &candidate);

		assert_int_not_equal(matches, -1);
		found |= (unsigned)matches << i;
	}
	return found;
}

static const struct {
	const char *program;
	unsigned found;
	unsigned words; /* for the index */
} rows[] = {
    {"ALL", 7, 0},
    {"SEEN", 1, 0},
    {"UNSEEN", 6, 0},
    {"NOT SEEN", 6, 0},
    {"NOT NOT SEEN", 1, 0},
    {"FLAGGED DELETED", 2, 0},
    {"OR SEEN FLAGGED", 3, 0},
    {"NOT OR SEEN FLAGGED", 4, 0},
    {"KEYWORD WORK", 5, 0},
    {"UNKEYWORD work", 2, 0},
    {"KEYWORD wor", 0, 0},
    {"RECENT", 4, 0},
    {"OLD", 3, 0},
    {"2:*", 6, 0},
    {"1,3", 5, 0},
    {"UID 15:25", 2, 0},
    {"UID 40:*", 4, 0},
    {"$", 6, 0},
    {"UID $ UNDELETED", 4, 0},
    {"LARGER 200", 4, 0},
    {"SMALLER 200", 1, 0},
    {"BEFORE 9-Feb-1994", 0, 0},
    {"ON 9-Feb-1994", 1, 0},
    {"SINCE 9-Feb-1994", 7, 0},
    {"SENTON 7-Feb-1994", 1, 0},
    {"SENTBEFORE 8-Feb-1994", 1, 0},
    {"SENTSINCE 8-Feb-1994", 6, 0},
    {"SAVEDSINCE 1-Jan-1990", 2, 0},
    {"SAVEDATESUPPORTED", 7, 0},
    {"OLDER 200", 3, 0},
    {"YOUNGER 200", 6, 0},
    {"YOUNGER 100", 4, 0},
    {"MODSEQ 6", 6, 0},
    {"EMAILID E2", 2, 0},
    {"FROM \"ju\"", 1, 1}, /* decomposed: RFC 5051 */
    {"FROM {4}\r\nJ\xc3\xbcr", 1, 1},
    {"FROM EXAMPLE.ORG", 1, 1},
    {"SUBJECT {6}\r\nGR\xc3\xbcSS", 1, 1},
    {"CHARSET ISO-8859-1 SUBJECT {5}\r\ngr\xfc\xdf"
     "e",
     1, 1},
    {"CC copy", 4, 1},
    {"BCC blind", 4, 1},
    {"TO b@x", 1, 1},
    {"HEADER X-Empty \"\"", 1, 1},
    {"HEADER x-none \"\"", 0, 1},
    {"NOT HEADER subject \"\"", 2, 0},
    {"BODY world", 1, 1},
    {"BODY secret", 0, 1},
    {"TEXT image/png", 2, 1},
    {"BODY {12}\r\n\xd0\x9f\xd0\xa0\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", 2, 1},
    {"BODY {9}\r\n\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab", 2, 1},
    {"BODY \"\"", 7, 0},
    {"OR BODY world BODY bye", 5, 0},
    {"BODY world SUBJECT aus", 1, 2},
    {"(BODY world (SUBJECT aus))", 1, 2},
    {"NOT (BODY world)", 6, 0},
};

static void
test_rows(void **state)
{
	struct imap_parser *parser = imap_parser_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct imap_searcher *searcher;
		char line[200];
		size_t words;
		unsigned found;

		(void)snprintf(line, sizeof(line), "a SEARCH %s\r\n", rows[i].program);
		searcher = make(parser, line, IMAP_SEARCH_OPEN);
		found = ask(searcher);
		if (found != rows[i].found)
			fail_msg("%s: %u instead of %u", rows[i].program, found, rows[i].found);
		(void)imap_searcher_words(searcher, &words);
		if (words != rows[i].words)
			fail_msg("%s: %zu words", rows[i].program, words);
		imap_searcher_free(searcher);
	}
	assert_null(make(parser, "a SEARCH CHARSET KLINGON ALL\r\n", IMAP_SEARCH_BADCHARSET));
	imap_parser_free(parser);
}

/* What is kept of headers answers as the headers do. */
static void
test_rows_not_kept(void **state)
{
	for (size_t i = 0; i < MAILS; i++)
		mails[i].summary.kept = "";
	test_rows(state);
	for (size_t i = 0; i < MAILS; i++)
		mails[i].summary.kept = mails[i].block.kept;
}

/* What is cheap goes first: the octets are not read for a message that its flags rule out. */
static void
test_costs(void **state)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_searcher *searcher = make(
	    parser, "a SEARCH BODY x OR BODY world SEEN FLAGGED UID 1:50\r\n", IMAP_SEARCH_OPEN);
	const struct store_range *ranges;
	size_t count;

	(void)state;
	for (size_t i = 0; i < MAILS; i++)
		mails[i].reads = 0;
	(void)ask(searcher);
	assert_int_equal(mails[0].reads, 0);
	assert_int_equal(mails[1].reads, 1);
	assert_int_equal(mails[2].reads, 0);
	assert_false(imap_searcher_has_modseq(searcher));
	assert_true(imap_searcher_uids(searcher, &ranges, &count));
	assert_int_equal(count, 1);
	assert_int_equal(ranges[0].last, 50);
	imap_searcher_free(searcher);
	searcher = make(parser, "a SEARCH MODSEQ 1 NOT UID 3 1:2\r\n", IMAP_SEARCH_OPEN);
	assert_true(imap_searcher_has_modseq(searcher));
	assert_true(imap_searcher_has_numbers(searcher));
	assert_false(imap_searcher_uids(searcher, &ranges, &count));
	imap_searcher_free(searcher);
	imap_parser_free(parser);
}

/* No octets are read for a field that is kept with the summary. */
static void
test_kept_cost(void **state)
{
	struct imap_parser *parser = imap_parser_new();
	struct imap_searcher *searcher =
	    make(parser, "a SEARCH OR SUBJECT plain HEADER message-ID x NOT FROM y\r\n",
		 IMAP_SEARCH_OPEN);

	(void)state;
	mails[2].reads = 0;
	assert_int_equal(ask(searcher), 4);
	assert_int_equal(mails[2].reads, 0);
	assert_true((imap_searcher_wants(searcher) & STORE_WANT_SUMMARY) != 0);
	imap_searcher_free(searcher);
	imap_parser_free(parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_rows_not_kept),
	    cmocka_unit_test(test_kept_cost),
	    cmocka_unit_test(test_costs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
