/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/hop_limit.h"
#include "worker/gate/smtp/data.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(s) s, sizeof(s) - 1
#define END "\r\n.\r\n"

struct outcome {
	char text[4096];
	size_t length;
	size_t used;
};

static void
feed(struct smtp_data *data, const char *in, size_t length, size_t piece, struct outcome *out)
{
	struct smtp_span span;

	out->length = out->used = 0;
	while (out->used < length && data->state != DATA_END) {
		size_t n = length - out->used < piece ? length - out->used : piece;
		size_t used = smtp_data_next(data, in + out->used, n, &span);

		assert_in_range(used, 1, n);
		out->used += used;
		if (span.length > 0)
			memcpy(out->text + out->length, span.bytes, span.length);
		out->length += span.length;
	}
}

static const struct {
	const char *in;
	size_t length;
	enum smtp_data_fault fault;
	const char *text; /* without a fault */
} cases[] = {
    {BYTES(".\r\n"), DATA_FINE, ""},
    {BYTES("\r\n.\r\n"), DATA_FINE, "\r\n"},
    {BYTES("a" END), DATA_FINE, "a\r\n"},
    {BYTES("a: b\r\n\r\nc\r\n\r\n" END), DATA_FINE, "a: b\r\n\r\nc\r\n\r\n\r\n"},
    {BYTES("..\r\n.\r\n"), DATA_FINE, ".\r\n"},
    {BYTES("..a\r\n...\r\n.b\r\nc.\r\n.\r\n"), DATA_FINE, ".a\r\n..\r\nb\r\nc.\r\n"},
    {BYTES("\x80\xff\x01\x7f" END), DATA_FINE, "\x80\xff\x01\x7f\r\n"},

    /* SMTP smuggling: none of these ends the data, all of them are refused. */
    {BYTES("a\n.\nMAIL" END), DATA_BARE_LF, NULL},
    {BYTES("a\n.\r\nMAIL" END), DATA_BARE_LF, NULL},
    {BYTES("a\r\n.\nMAIL" END), DATA_BARE_LF, NULL},
    {BYTES("a\r.\rMAIL" END), DATA_BARE_CR, NULL},
    {BYTES("a\r\n.\rMAIL" END), DATA_BARE_CR, NULL},
    {BYTES("a\r.\r\nMAIL" END), DATA_BARE_CR, NULL},
    {BYTES("a\r.\nMAIL" END), DATA_BARE_CR, NULL},
    {BYTES("a\n\r.\r\nMAIL" END), DATA_BARE_LF, NULL},
    {BYTES("a\r\r\nb" END), DATA_BARE_CR, NULL},
    {BYTES("a\r\n.\r\r\nb" END), DATA_BARE_CR, NULL},
    {BYTES("\n.\r\n" END), DATA_BARE_LF, NULL},
    {BYTES("\r.\r\n" END), DATA_BARE_CR, NULL},
    {BYTES(".\n" END), DATA_BARE_LF, NULL},
    {BYTES(".\r.\r\n" END), DATA_BARE_CR, NULL},
    {BYTES("\n" END), DATA_BARE_LF, NULL},
    {BYTES("a\r\n\n.\r\n" END), DATA_BARE_LF, NULL},
    {BYTES("a\0b" END), DATA_NUL, NULL},
    {BYTES("\0" END), DATA_NUL, NULL},
    {BYTES("a\r\n.\0\r\n.\r\n"), DATA_NUL, NULL},
    {BYTES("a\r\n.\0\r\nb" END), DATA_NUL, NULL},
};

/* In pieces of each size: the end mark and the faults lie across reads. */
static void
end_and_faults(void **state)
{
	struct smtp_data data;
	struct outcome out;
	size_t i, piece;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		for (piece = 1; piece <= cases[i].length; piece++) {
			smtp_data_init(&data, FRAMING_DOT, 1000);
			feed(&data, cases[i].in, cases[i].length, piece, &out);
			if (data.state != DATA_END || data.fault != cases[i].fault)
				fail_msg("case %zu, pieces of %zu: state %d, fault %s", i, piece,
					 (int)data.state, smtp_data_fault_name(data.fault));
			assert_int_equal(out.used, cases[i].length);
			if (cases[i].text == NULL)
				continue;
			assert_int_equal(out.length, strlen(cases[i].text));
			assert_memory_equal(out.text, cases[i].text, out.length);
			assert_int_equal(data.size, out.length);
		}
	}
}

/* Of the end mark: whatever was wrong before, in pieces of each size. */
static void
end_in_doubt(void **state)
{
	static const struct {
		const char *in;
		size_t length;
		bool alone; /* also where nothing follows */
		bool more;  /* where something does */
	} ends[] = {
	    {BYTES(".\r\n"), false, false},
	    {BYTES("a\r\n\r\n.\r\n"), false, false},
	    {BYTES("a\0\r\n.\r\n"), false, false},
	    {BYTES("a\rb\r\n.\r\n"), false, true},
	    {BYTES("a\nb\r\n.\r\n"), false, true},
	    {BYTES("a\0b\rc\r\n.\r\n"), false, true},
	    {BYTES("a\r\r\nb\r\n.\r\n"), false, true},
	    {BYTES("a\r\r\n\r\n.\r\n"), false, true},
	    {BYTES("\r\r\n.\r\n"), true, true},
	    {BYTES("\n\r\n.\r\n"), true, true},
	    {BYTES("a\r\r\n.\r\n"), true, true},
	    {BYTES("a\n\r\n.\r\n"), true, true},
	    {BYTES("a\r\r\r\n.\r\n"), true, true},
	    {BYTES("a\r\n\r\r\n.\r\n"), true, true},
	    {BYTES("a\r\n.\r\r\n.\r\n"), true, true},
	    {BYTES("a\r\n.\n\r\n.\r\n"), true, true},
	    {BYTES("a\0b\r\nc\r\r\n.\r\n"), true, true},
	    {BYTES("a\0b\r\n\n\r\n.\r\n"), true, true},
	};
	struct smtp_data data;
	struct outcome out;

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		for (size_t piece = 1; piece <= ends[i].length; piece++) {
			smtp_data_init(&data, FRAMING_DOT, 1000);
			feed(&data, ends[i].in, ends[i].length, piece, &out);
			assert_int_equal(data.state, DATA_END);
			if (smtp_data_end_in_doubt(&data, false) != ends[i].alone ||
			    smtp_data_end_in_doubt(&data, true) != ends[i].more)
				fail_msg("case %zu, pieces of %zu", i, piece);
		}
	}
}

static void
what_follows_the_end_is_left(void **state)
{
	struct smtp_data data;
	struct smtp_span span;
	struct outcome out;

	(void)state;
	smtp_data_init(&data, FRAMING_DOT, 1000);
	feed(&data, BYTES("a\r\n.\r\nQUIT\r\n.\r\n"), 1000, &out);
	assert_int_equal(out.used, 6);
	assert_int_equal(smtp_data_next(&data, "QUIT", 4, &span), 0);
	assert_int_equal(span.length, 0);
}

static void
size_is_bounded(void **state)
{
	struct smtp_data data;
	struct outcome out;

	(void)state;
	smtp_data_init(&data, FRAMING_DOT, 6); /* without what stuffing and the end mark add */
	feed(&data, BYTES("..bcd" END), 3, &out);
	assert_int_equal(data.fault, DATA_FINE);
	assert_int_equal(data.size, 6);
	smtp_data_init(&data, FRAMING_DOT, 5);
	feed(&data, BYTES("..bcd" END), 3, &out);
	assert_int_equal(data.fault, DATA_TOO_BIG);
	assert_int_equal(data.state, DATA_END);
}

static void
lines_are_bounded(void **state)
{
	char *in = malloc(SMTP_TEXT_LINE_MAX + 10);
	struct smtp_data data;
	struct smtp_span span;
	size_t extra, used, n;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		memset(in, 'x', SMTP_TEXT_LINE_MAX + extra);
		memcpy(in + SMTP_TEXT_LINE_MAX + extra, END, 5);
		n = SMTP_TEXT_LINE_MAX + extra + 5;
		smtp_data_init(&data, FRAMING_DOT, UINT64_MAX);
		for (used = 0; data.state != DATA_END;)
			used += smtp_data_next(&data, in + used, n - used < 1000 ? n - used : 1000,
					       &span);
		assert_int_equal(used, n);
		assert_int_equal(data.fault, extra == 0 ? DATA_FINE : DATA_LONG_LINE);
	}
	free(in);
}

static void
received(struct smtp_data *data, size_t fields, size_t piece)
{
	static char in[4096];
	struct outcome out;
	size_t n = 0, i;

	for (i = 0; i < fields; i++)
		n += (size_t)snprintf(in + n, sizeof(in) - n, "%s: x\r\n",
				      i % 2 == 0 ? "Received" : "RECEIVED");
	n += (size_t)snprintf(in + n, sizeof(in) - n,
			      "X-Received: x\r\nReceive: x\r\n Received: x\r\n\r\n"
			      "Received: in the body\r\n.\r\n");
	smtp_data_init(data, FRAMING_DOT, 100000);
	feed(data, in, n, piece, &out);
}

static void
loops_end(void **state)
{
	struct smtp_data data;
	size_t piece;

	(void)state;
	for (piece = 1; piece < 20; piece++) {
		received(&data, HOP_LIMIT - 1, piece);
		assert_int_equal(data.received, HOP_LIMIT - 1);
		assert_int_equal(data.fault, DATA_FINE);
		received(&data, HOP_LIMIT, piece);
		assert_int_equal(data.fault, DATA_LOOP);
	}
}

static void
each_fault_has_its_reply(void **state)
{
	int fault;

	(void)state;
	assert_null(smtp_data_reply(DATA_FINE));
	for (fault = DATA_BARE_LF; fault <= DATA_LOOP; fault++) {
		assert_int_equal(smtp_data_reply((enum smtp_data_fault)fault)[0], '5');
		assert_true(strlen(smtp_data_fault_name((enum smtp_data_fault)fault)) > 0);
	}
	assert_non_null(strstr(smtp_data_reply(DATA_BARE_LF), "550 5.6.0"));
	assert_non_null(strstr(smtp_data_reply(DATA_BARE_LF), "bare LF"));
	assert_non_null(strstr(smtp_data_reply(DATA_BARE_CR), "bare CR"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(end_in_doubt),
	    cmocka_unit_test(end_and_faults),
	    cmocka_unit_test(what_follows_the_end_is_left),
	    cmocka_unit_test(size_is_bounded),
	    cmocka_unit_test(lines_are_bounded),
	    cmocka_unit_test(loops_end),
	    cmocka_unit_test(each_fault_has_its_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
