/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/session/tag.h"

#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
tags(void **state)
{
	static const struct {
		const char *path;
		char separator;
		const char *tag;
	} cases[] = {
	    {"alice+lists@example.org", '+', "lists"},
	    {"Alice+Lists@Example.ORG", '+', "Lists"},
	    {"alice+a+b@example.org", '+', "a+b"},
	    {"alice-lists@example.org", '-', "lists"},
	    {"alice+" LONG "@example.org", '+', LONG},
	    {"alice+\xc3\xa4@example.org", '+', "\xc3\xa4"},
	    /* None. */
	    {"alice@example.org", '+', ""},
	    {"alice+@example.org", '+', ""},
	    {"alice+lists@example.org", '-', ""},
	    {"alice+lists@example.org", '\0', ""},
	    {"alice+lists@example.net", '+', ""},
	    {"alice+lists@xexample.org", '+', ""},
	    {"bob+lists@example.org", '+', ""},
	    {"alic+lists@example.org", '+', ""},
	    {"alicee+lists@example.org", '+', ""},
	    {"+lists@example.org", '+', ""},
	    {"alice", '+', ""},
	    {"al@example.org", '+', ""},
	    {"@example.org", '+', ""},
	    {"", '+', ""},
	    /* Not as a folder. */
	    {"alice+a/b@example.org", '+', ""},
	    {"alice+/@example.org", '+', ""},
	    {"alice+x" LONG "@example.org", '+', ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char tag[TAG_SIZE];

		print_message("%s\n", cases[i].path);
		memset(tag, 'x', sizeof(tag));
		tag_of("alice@example.org", cases[i].path, cases[i].separator, tag);
		assert_string_equal(tag, cases[i].tag);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tags)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
