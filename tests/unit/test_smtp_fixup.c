/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/gate/smtp/fixup.h"

#define DATE "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
#define ID "Message-ID: <000102030405060708090a0b0c0d0e0f@mail.example.org>\r\n"
#define FROM "From: <alice@example.org>\r\n"

static const struct {
	const char *in;
	const char *out;
} cases[] = {
    {"Date: x\r\nMessage-ID: y\r\nFrom: z\r\n\r\nBody\r\n",
     "Date: x\r\nMessage-ID: y\r\nFrom: z\r\n\r\nBody\r\n"},
    {"Subject: s\r\n\r\nBody\r\n", DATE ID FROM "Subject: s\r\n\r\nBody\r\n"},
    {"", DATE ID FROM},
    {"\r\n", DATE ID FROM "\r\n"},
    {"\r\nFrom: in the body\r\n", DATE ID FROM "\r\nFrom: in the body\r\n"},
    /* Only header. */
    {"From: a\r\n", DATE ID "From: a\r\n"},
    /* In any case, with blanks before the colon, folded. */
    {"DATE : x\r\nmessage-id\t:\r\n y\r\nfrom:\r\n\tz\r\n\r\n",
     "DATE : x\r\nmessage-id\t:\r\n y\r\nfrom:\r\n\tz\r\n\r\n"},
    /* Names that only begin so, or are behind a fold. */
    {"Dates: x\r\nX-From: a\r\n From: b\r\n\r\n",
     DATE ID FROM "Dates: x\r\nX-From: a\r\n From: b\r\n\r\n"},
    /* What is taken out, with the lines that continue it. */
    {"From: a\r\nBcc: b@x,\r\n c@x\r\nDate: d\r\nReturn-Path: <e>\r\nbCC : f\r\n"
     "Resent-Bcc: g\r\nMessage-ID: h\r\n\r\nBcc: stays\r\n",
     "From: a\r\nDate: d\r\nMessage-ID: h\r\n\r\nBcc: stays\r\n"},
    {"Bcc: b\r\n\tc\r\n\td\r\n", DATE ID FROM},
    {"From: a\r\nDate: b\r\nMessage-ID: c\r\nBcc: d\r\n\r\n",
     "From: a\r\nDate: b\r\nMessage-ID: c\r\n\r\n"},
    {"Bccs: stays\r\nFrom: a\r\n\r\n", DATE ID "Bccs: stays\r\nFrom: a\r\n\r\n"},
    /* A line that is no field: what follows is the body, for everybody. */
    {"Hello world\r\nFrom: b\r\n\r\n", DATE ID FROM "\r\nHello world\r\nFrom: b\r\n\r\n"},
    {" folded\r\nFrom: b\r\n", DATE ID FROM "\r\n folded\r\nFrom: b\r\n"},
    {": no name\r\nFrom: b\r\n", DATE ID FROM "\r\n: no name\r\nFrom: b\r\n"},
    {"From: a\r\nno colon\r\nBcc: b\r\n", DATE ID "From: a\r\n\r\nno colon\r\nBcc: b\r\n"},
    {"F\xc3\xa4: a\r\n\r\n", DATE ID FROM "\r\nF\xc3\xa4: a\r\n\r\n"},
    {"From alice Mon\r\nFrom: b\r\n", DATE ID FROM "\r\nFrom alice Mon\r\nFrom: b\r\n"},
    /* 8-bit in values passes. */
    {"From: \xff\r\nSubject: \xe4\r\n\r\n\xe4\r\n",
     DATE ID "From: \xff\r\nSubject: \xe4\r\n\r\n\xe4\r\n"},
};

struct output {
	char *text;
	size_t length;
};

static void
collect(void *arg, const char *bytes, size_t length)
{
	struct output *out = arg;

	out->text = realloc(out->text, out->length + length + 1);
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
	out->text[out->length] = '\0';
}

static struct output
run(const char *in, size_t length, size_t piece, const char *from)
{
	struct fixup_values values = {.hostname = "mail.example.org", .from = from};
	struct output out = {calloc(1, 1), 0};
	struct smtp_fixup fixup;

	for (size_t i = 0; i < sizeof(values.random); i++)
		values.random[i] = (uint8_t)i;
	smtp_fixup_init(&fixup, &values, collect, &out);
	for (size_t at = 0; at < length; at += piece)
		smtp_fixup_next(&fixup, in + at, length - at < piece ? length - at : piece);
	smtp_fixup_end(&fixup);
	assert_null(fixup.header);
	return out;
}

/* In pieces of each size. */
static void
headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece <= strlen(cases[i].in) + 1; piece++) {
			struct output out =
			    run(cases[i].in, strlen(cases[i].in), piece, "alice@example.org");

			assert_string_equal(out.text, cases[i].out);
			free(out.text);
		}
	}
}

/* The null sender is nobody to write into From. */
static void
no_sender(void **state)
{
	struct output out = run("Subject: s\r\n\r\n", 14, 100, "");

	(void)state;
	assert_string_equal(out.text, DATE ID "Subject: s\r\n\r\n");
	free(out.text);
}

/* A header too long to be kept has what is added at its end; none of it is lost. */
static void
long_header(void **state)
{
	static const char begin[] = "Bcc: x\r\nTo: ", end[] = "\r\n\r\nBody\r\n";
	size_t length = sizeof(begin) - 1 + FIXUP_HEADER_MAX + sizeof(end) - 1;
	char *in = malloc(length + 1);

	(void)state;
	memset(in, 'a', length);
	memcpy(in, begin, sizeof(begin) - 1);
	memcpy(in + length - sizeof(end) + 1, end, sizeof(end));
	for (size_t piece = 1; piece <= length; piece = piece * 7 + 1) {
		struct output out = run(in, length, piece, "alice@example.org");

		assert_int_equal(out.length, length - 8 + strlen(DATE ID FROM));
		assert_memory_equal(out.text, "To: a", 5);
		assert_string_equal(out.text + out.length - strlen(DATE ID FROM "\r\n\r\nBody\r\n"),
				    "\r\n" DATE ID FROM "\r\nBody\r\n");
		free(out.text);
	}
	free(in);
}

/* A name longer than any is no field. */
static void
long_name(void **state)
{
	char in[FIXUP_NAME_MAX + 16], want[sizeof(in) + 200];
	struct output out;

	(void)state;
	memset(in, 'n', sizeof(in));
	snprintf(in + FIXUP_NAME_MAX, sizeof(in) - FIXUP_NAME_MAX, ": a\r\n");
	snprintf(want, sizeof(want), "%s\r\n%s", DATE ID FROM, in);
	out = run(in, strlen(in), 1000, "alice@example.org");
	assert_string_equal(out.text, want);
	free(out.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers),
	    cmocka_unit_test(no_sender),
	    cmocka_unit_test(long_header),
	    cmocka_unit_test(long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
