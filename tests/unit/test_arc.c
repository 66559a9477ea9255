/* SPDX-License-Identifier: ISC */
/* Chains are verified in tests/system/test_arc.py; here is which fields are one, and what they say.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/filter/arc.h"

#define SET(i, cv)                                               \
	"ARC-Seal: i=" i "; cv=" cv "; a=rsa-sha256; b=eA==\r\n" \
	"ARC-Message-Signature: i=" i "; h=from; b=eA==\r\n"     \
	"ARC-Authentication-Results: i=" i "; a.example; spf=pass\r\n"

#define RESULTS(value)                                                     \
	"ARC-Seal: i=1; cv=none\r\nARC-Message-Signature: i=1; h=from\r\n" \
	"ARC-Authentication-Results: " value "\r\n"

static const struct {
	const char *header;
	size_t count;
	const char *problem;
} chains[] = {
    {"From: a@b.example\r\n", 0, NULL},
    {SET("1", "none"), 1, NULL},
    {SET("3", "pass") SET("1", "none") SET("2", "pass"), 3, NULL},
    {"arc-seal: i=1; cv=none\r\nARC-AUTHENTICATION-RESULTS:\r\n i\t=\r\n 1 ; x\r\n"
     "ARC-Message-Signature: i=1; b=\r\n",
     1, NULL},
    {RESULTS("i=1 (a); x"), 1, NULL},
    {RESULTS("(a (\\) ;))\r\n (b) i(c)=(d)1(e)(f); x"), 1, NULL},
    {RESULTS("i=1 (a; x"), 1, "a field of the chain has no i= from 1 to 50"},
    {RESULTS("i=1 (a)0; x"), 1, "a field of the chain has no i= from 1 to 50"},
    {RESULTS("(i=1; x)"), 1, "a field of the chain has no i= from 1 to 50"},
    {SET("1", "none") SET("3", "pass"), 3, "a field of the chain is missing"},
    {SET("2", "pass"), 2, "a field of the chain is missing"},
    {SET("1", "none") "ARC-Seal: i=2; cv=pass\r\n", 2, "a field of the chain is missing"},
    {SET("1", "none") "ARC-Authentication-Results: i=2; x\r\n", 2,
     "a field of the chain is missing"},
    {SET("1", "none") SET("1", "none"), 1, "an i= is there twice"},
    {SET("0", "none"), 0, "a field of the chain has no i= from 1 to 50"},
    {SET("51", "none"), 0, "a field of the chain has no i= from 1 to 50"},
    {SET("99999999999999999999", "none"), 0, "a field of the chain has no i= from 1 to 50"},
    {SET("x", "none"), 0, "a field of the chain has no i= from 1 to 50"},
    {SET("1", "pass"), 1, "a seal's cv= can't be"},
    {SET("1", "none") SET("2", "none"), 2, "a seal's cv= can't be"},
    {SET("1", "none") SET("2", "fail"), 2, "it had failed before"},
    {SET("1", "fail") SET("2", "pass"), 2, "a seal's cv= can't be"},
    {"ARC-Seal: i=1; cv=none; h=from\r\nARC-Message-Signature: i=1\r\n"
     "ARC-Authentication-Results: i=1;\r\n",
     1, "a seal has h="},
    {"ARC-Seal: i=1; b=\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1;\r\n", 1,
     "a seal has no cv="},
};

static void
sets_are_a_chain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		char text[2048];
		int length = snprintf(text, sizeof(text), "%s\r\nbody\r\n", chains[i].header);
		struct message *message = message_new(text, -1, (uint64_t)length);
		const char *problem;
		struct arc arc;

		assert_non_null(message);
		problem = arc_collect(message, &arc);
		if (chains[i].problem == NULL)
			assert_null(problem);
		else
			assert_string_equal(problem, chains[i].problem);
		assert_int_equal(arc.count, chains[i].count);
		message_free(message);
	}
}

static const struct {
	const char *value;
	const char *from; /* NULL: it says nothing */
} words[] = {
    {"i=1; a.example; dmarc=pass header.from=B.Example", "b.example"},
    {"i=1; a.example;\r\n\tspf=pass smtp.mailfrom=x@y;\r\n\tDMARC=Pass (p=none)\r\n\t"
     "policy.dmarc=none header.from=b.example; dkim=none",
     "b.example"},
    {"i=1; a.example; dmarc=fail header.from=b.example", NULL},
    {"i=1; a.example; dmarc=pass; spf=pass header.from=b.example", NULL},
    {"i=1; a.example; spf=pass dmarc=pass header.from=b.example", NULL},
    {"i=1; a.example; x=y (; dmarc=pass header.from=b.example)", NULL},
    {"i=1; a.example; x=y (\\); dmarc=pass header.from=b.example)", NULL},
    {"i=1; a.example; x=\"; dmarc=pass header.from=b.example\"", NULL},
    {"i=1; a.example; x=\"a\\\";dmarc=pass header.from=b.example \"@c; dmarc=fail", NULL},
    {"i=1; a.example; x=\"\\\\\"; dmarc=pass header.from=b.example", "b.example"},
    {"i=1; a.example; x=\"a\\\"(b\"; dmarc=pass header.from=b.example", "b.example"},
    {"i=1; a.example; x=\\\"; dmarc=pass header.from=b.example\"", NULL},
    {"i=1; a.example; dmarc=pass x=\"\\", NULL},
    {"i=1; a.example; dmarc=pass header.from=", NULL},
    {"i=1; a.example; dmarc=pass header.from=-", NULL},
    {"i=1; a.example; dmarc=pass header.from=B\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example"},
    {"i=1; a.example; dmarc=pass header.from=\xff.example", NULL},
    {"i=1; a.example; dmarc=pass header.from=b.example", "b.example"},
    {"dmarc=pass header.from=b.example", NULL},
    {"i=1; a.example; none", NULL},
    {"", NULL},
    {"(", NULL},
    {"\"", NULL},
};

static void
a_set_says_what_it_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct mime_text value = {words[i].value, strlen(words[i].value)};
		char from[HOST_NAME_SIZE];

		assert_int_equal(arc_dmarc_passed(value, from), words[i].from != NULL);
		if (words[i].from != NULL)
			assert_string_equal(from, words[i].from);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sets_are_a_chain),
	    cmocka_unit_test(a_set_says_what_it_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
