/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "worker/relay/capabilities.h"
#include "worker/relay/reply.h"

/* Feeds all of it, in pieces of STEP octets; the result of the first reply's end. */
static enum reply_result
feed(struct reply_parser *p, const char *data, size_t length, size_t step, size_t *used)
{
	enum reply_result result = REPLY_MORE;
	size_t n;

	reply_start(p);
	for (*used = 0; *used < length; *used += n) {
		size_t part = length - *used < step ? length - *used : step;

		result = reply_feed(p, data + *used, part, &n);
		if (result == REPLY_END || result == REPLY_BAD) {
			*used += n;
			return result;
		}
	}
	return result == REPLY_LINE ? REPLY_MORE : result;
}

static const struct {
	const char *octets;
	enum reply_result result;
	unsigned code;
	const char *status;
	const char *text;
} cases[] = {
    {"250 Ok\r\n", REPLY_END, 250, "", "Ok"},
    {"250\r\n", REPLY_END, 250, "", ""},
    {"250 \r\n", REPLY_END, 250, "", ""},
    {"250 bare LF\n", REPLY_END, 250, "", "bare LF"},
    {"250-one\r\n250-two\r\n250 three\r\n", REPLY_END, 250, "", "one two three"},
    {"250-\r\n250 x\r\n", REPLY_END, 250, "", "x"},
    {"550 5.1.1 Nobody\r\n", REPLY_END, 550, "5.1.1", "Nobody"},
    {"550-5.7.26 No\r\n550 5.7.26 DMARC\r\n", REPLY_END, 550, "5.7.26", "No DMARC"},
    {"452 4.123.999\r\n", REPLY_END, 452, "4.123.999", ""},
    {"550 4.1.1 Other class\r\n", REPLY_END, 550, "", "4.1.1 Other class"},
    {"550 5.1.1234 Too long\r\n", REPLY_END, 550, "", "5.1.1234 Too long"},
    {"550 5.1. x\r\n", REPLY_END, 550, "", "5.1. x"},
    {"550 5..1 x\r\n", REPLY_END, 550, "", "5..1 x"},
    {"550 5.1.1x\r\n", REPLY_END, 550, "", "5.1.1x"},
    {"354 3.0.0 Go\r\n", REPLY_END, 354, "", "3.0.0 Go"},
    {"220 a\rb\tc\x80\r\n", REPLY_END, 220, "", "a?b?c?"},
    {"220 a\r\r\n", REPLY_END, 220, "", "a?"},
    {"250 Ok", REPLY_MORE, 0, "", ""},
    {"250-Ok\r\n", REPLY_MORE, 250, "", "Ok"},
    {"250-one\r\n251 two\r\n", REPLY_BAD, 0, NULL, NULL},
    {"150 x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"650 x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"260 x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"25x x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"25\r\n", REPLY_BAD, 0, NULL, NULL},
    {"\r\n", REPLY_BAD, 0, NULL, NULL},
    {"2500 x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"250_x\r\n", REPLY_BAD, 0, NULL, NULL},
    {" 250 x\r\n", REPLY_BAD, 0, NULL, NULL},
    {"HTTP/1.1 400 Bad Request\r\n", REPLY_BAD, 0, NULL, NULL},
    {"SSH-2.0-OpenSSH\r\n", REPLY_BAD, 0, NULL, NULL},
};

static void
octets_become_a_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i].octets);

		for (size_t step = 1; step <= length; step++) {
			struct reply_parser p;
			size_t used;

			assert_int_equal(feed(&p, cases[i].octets, length, step, &used),
					 cases[i].result);
			if (cases[i].text == NULL)
				continue;
			assert_int_equal(p.reply.code, cases[i].code);
			assert_int_equal(p.reply.said, cases[i].code != 0);
			assert_string_equal(p.reply.status, cases[i].status);
			assert_string_equal(p.reply.text, cases[i].text);
		}
	}
}

static void
replies_follow_each_other(void **state)
{
	static const char octets[] =
	    "250 2.1.0 one\r\n550-5.1.1 two\r\n550 5.1.1 three\r\n354 go\r\n";
	static const char *const texts[] = {"one", "two three", "go"};
	struct reply_parser p;
	size_t at = 0, n, count = 0;

	(void)state;
	reply_start(&p);
	while (at < sizeof(octets) - 1) {
		enum reply_result result = reply_feed(&p, octets + at, sizeof(octets) - 1 - at, &n);

		assert_int_not_equal(result, REPLY_BAD);
		at += n;
		if (result == REPLY_END)
			assert_string_equal(p.reply.text, texts[count++]);
	}
	assert_int_equal(count, 3);
	assert_string_equal(p.reply.status, "");
}

/* A line of 100,000 octets is taken for what fits; one that does not end is not. */
static void
long_lines_are_cut(void **state)
{
	enum { LONG = 100000 };
	char *octets = malloc(LONG + 8);
	struct reply_parser p;
	size_t used;

	(void)state;
	assert_non_null(octets);
	memcpy(octets, "550 ", 4);
	memset(octets + 4, 'x', LONG);
	memcpy(octets + 4 + LONG, "\r\n", 2);
	assert_int_equal(feed(&p, octets, LONG + 6, 4096, &used), REPLY_END);
	assert_int_equal(strlen(p.line), REPLY_LINE_SIZE - 1);
	assert_int_equal(strlen(p.reply.text), REPLY_TEXT_SIZE - 1);
	free(octets);
}

static void
endless_replies_are_bad(void **state)
{
	enum { MEGABYTE = 1048576 };
	char *octets = malloc(MEGABYTE);
	struct reply_parser p;
	size_t used;

	(void)state;
	assert_non_null(octets);
	memset(octets, 'x', MEGABYTE);
	memcpy(octets, "250 ", 4);
	assert_int_equal(feed(&p, octets, MEGABYTE, 1000, &used), REPLY_BAD);
	assert_int_equal(used, REPLY_OCTETS_MAX + 1);
	for (size_t i = 0; i + 8 <= MEGABYTE; i += 8)
		memcpy(octets + i, "250-xx\r\n", 8);
	assert_int_equal(feed(&p, octets, MEGABYTE, 1000, &used), REPLY_BAD);
	assert_int_equal(used, REPLY_LINES_MAX * 8 + 1);
	free(octets);
}

static const struct {
	const char *line;
	uint32_t can;
	uint64_t size;
} ehlo[] = {
    {"PIPELINING", CAN_PIPELINING, 0},
    {"8bitmime", CAN_8BITMIME, 0},
    {"SIZE", CAN_SIZE, 0},
    {"SIZE 1000", CAN_SIZE, 1000},
    {"SIZE 18446744073709551615", CAN_SIZE, UINT64_MAX},
    {"SIZE 18446744073709551616", CAN_SIZE, 0},
    {"SIZE -1", CAN_SIZE, 0},
    {"SIZE 12x", CAN_SIZE, 0},
    {"STARTTLS", CAN_STARTTLS, 0},
    {"STARTTLSX", 0, 0},
    {"STARTTL", 0, 0},
    {"DSN", CAN_DSN, 0},
    {"SMTPUTF8", CAN_SMTPUTF8, 0},
    {"CHUNKING", CAN_CHUNKING, 0},
    {"ENHANCEDSTATUSCODES", CAN_ENHANCED, 0},
    {"AUTH PLAIN LOGIN", 0, 0},
    {"BINARYMIME", CAN_BINARYMIME, 0},
    {"REQUIRETLS", CAN_REQUIRETLS, 0},
    {"LIMITS RCPTMAX=20 MAILMAX=5", CAN_LIMITS, 0},
    {"", 0, 0},
};

static void
lines_become_capabilities(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ehlo) / sizeof(ehlo[0]); i++) {
		struct capabilities caps = {0};

		capabilities_line(&caps, ehlo[i].line);
		assert_int_equal(caps.can, ehlo[i].can);
		assert_true(caps.size == ehlo[i].size);
	}
}

/* RFC 9422 3 */
static void
limits(void **state)
{
	static const struct {
		const char *line;
		uint64_t rcpt, mail;
	} lines[] = {
	    {"LIMITS RCPTMAX=20 MAILMAX=5", 20, 5},
	    {"limits  mailmax=7", 0, 7},
	    {"LIMITS RCPTDOMAINMAX=1 RCPTMAX=3", 3, 0},
	    {"LIMITS RCPTMAX=x", 0, 0},
	    {"LIMITS", 0, 0},
	    {"LIMITS XRCPTMAX=20", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct capabilities caps = {0};

		capabilities_line(&caps, lines[i].line);
		assert_true(caps.rcpt_max == lines[i].rcpt);
		assert_true(caps.mail_max == lines[i].mail);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(octets_become_a_reply),
	    cmocka_unit_test(replies_follow_each_other),
	    cmocka_unit_test(long_lines_are_cut),
	    cmocka_unit_test(endless_replies_are_bad),
	    cmocka_unit_test(lines_become_capabilities),
	    cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
