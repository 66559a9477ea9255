/* SPDX-License-Identifier: ISC */
/* Fields of strangers and users that say this server wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/gate/smtp/claims.h"

#define AR "Authentication-Results: "
#define OTHERS AR "mx.example.net; spf=pass\r\n"

static const struct {
	const char *in, *out;
	unsigned removed;
} cases[] = {
    {"", "", 0},
    {"\r\n", "\r\n", 0},
    {"Subject: s", "Subject: s", 0},
    {"Subject: s\r\n folded\r\n\r\nbody\r\n", "Subject: s\r\n folded\r\n\r\nbody\r\n", 0},
    {AR "mail.example.org; spf=pass\r\nSubject: s\r\n\r\n", "Subject: s\r\n\r\n", 1},
    {"A: 1\r\n" AR "mail.example.org;\r\n\tspf=pass\r\n dkim=pass\r\nB: 2\r\n\r\n",
     "A: 1\r\nB: 2\r\n\r\n", 1},
    {AR "mail.example.org; spf=pass\r\n" AR "MAIL.example.org.; x\r\n" OTHERS "\r\n", OTHERS "\r\n",
     2},
    {OTHERS, OTHERS, 0},
    {OTHERS " more\r\n\r\n", OTHERS " more\r\n\r\n", 0},
    {AR "mail.example.org; spf=pass", "", 1},
    {AR "mx.example.net; spf=pass", AR "mx.example.net; spf=pass", 0},
    {"authentication-RESULTS \t:\r\n mail.example.org; x\r\n\r\n", "\r\n", 1},
    {AR "(a) \"mail.\\example.org\" (b) 1; x\r\n\r\n", "\r\n", 1},
    {"Authentication-Results\r\n : mail.example.org; x\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n", 1},
    {"Return-Path\r\n :x", "", 0},
    {"Return-Path\r\n\r\n :x", "Return-Path\r\n\r\n :x", 0},
    {"Return-Path\r\nA: 1\r\n", "Return-Path\r\nA: 1\r\n", 0},
    {"Return-Path\r\n x\r\n", "Return-Path\r\n x\r\n", 0},
    /* That nobody can read. */
    {AR "(never closed\r\n\r\n", "\r\n", 1},
    {AR "\r\n\r\n", "\r\n", 1},
    /* Return-Path, whoever it is of. */
    {"Return-Path: <a@b>\r\nA: 1\r\nreturn-path :\r\n <c@d>\r\n\r\n", "A: 1\r\n\r\n", 0},
    {"Return-Path: <a@b>", "", 0},
    /* Other names, and what is behind the header. */
    {"X-Return-Path: x\r\nReturn-Paths: x\r\n\r\nReturn-Path: x\r\n" AR "mail.example.org; x\r\n",
     "X-Return-Path: x\r\nReturn-Paths: x\r\n\r\nReturn-Path: x\r\n" AR "mail.example.org; x\r\n",
     0},
    {"A: 1\r\n Return-Path: x\r\n\r\n", "A: 1\r\n Return-Path: x\r\n\r\n", 0},
    {"Authentication-Results mail.example.org; x\r\n\r\n",
     "Authentication-Results mail.example.org; x\r\n\r\n", 0},
    {"ARC-" AR "i=1; mail.example.org; x\r\n\r\n", "ARC-" AR "i=1; mail.example.org; x\r\n\r\n", 0},
    /* Lines that are no field stay, and end nothing. */
    {"From a Mon\r\nno field\r\n" AR "mail.example.org; x\r\n\r\n",
     "From a Mon\r\nno field\r\n\r\n", 1},
    {" x\r\n" AR "mail.example.org; x\r\n y\r\n z", " x\r\n", 1},
};

struct output {
	char *text;
	size_t length;
};

static void
collect(void *arg, const char *bytes, size_t length)
{
	struct output *out = arg;

	assert_true(length > 0);
	out->text = realloc(out->text, out->length + length + 1);
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
	out->text[out->length] = '\0';
}

static struct output
run(const char *in, size_t piece, unsigned *removed)
{
	struct output out = {calloc(1, 1), 0};
	struct claims claims;
	size_t length = strlen(in);

	claims_init(&claims, "mail.example.org", collect, &out);
	for (size_t at = 0; at < length; at += piece)
		claims_next(&claims, in + at, length - at < piece ? length - at : piece);
	claims_end(&claims);
	*removed = claims.removed;
	claims_clear(&claims);
	return out;
}

/* In pieces of each size. */
static void
headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece <= strlen(cases[i].in) + 1; piece++) {
			unsigned removed;
			struct output out = run(cases[i].in, piece, &removed);

			assert_string_equal(out.text, cases[i].out);
			assert_int_equal(removed, cases[i].removed);
			free(out.text);
		}
	}
}

/* However long it is: its beginning decides, and no octet is lost. */
static void
long_fields(void **state)
{
	static const struct {
		const char *begin;
		bool stays;
	} fields[] = {
	    {OTHERS " ", true}, {AR "mail.example.org; spf=pass ", false}, {AR "(", false}};
	static char in[3 * CLAIMS_FIELD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (size_t n = CLAIMS_FIELD_MAX - 100; n < 2 * CLAIMS_FIELD_MAX + 10; n += 37) {
			unsigned removed;
			struct output out;
			size_t length = strlen(fields[i].begin);

			memset(in, 'x', n);
			memcpy(in, fields[i].begin, length);
			(void)snprintf(in + n, sizeof(in) - n, "\r\n y\r\nB: 2\r\n\r\nbody\r\n");
			out = run(in, n / 3 * 2, &removed);
			assert_string_equal(out.text,
					    fields[i].stays ? in : "B: 2\r\n\r\nbody\r\n");
			assert_int_equal(removed, fields[i].stays ? 0 : 1);
			free(out.text);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers),
	    cmocka_unit_test(long_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
