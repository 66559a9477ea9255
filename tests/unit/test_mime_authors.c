/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/authors.h"

/* FIELDS: a header without its empty line. ADDRESSES: "local@domain local@domain". */
static const struct {
	const char *fields;
	enum authors_fault fault;
	const char *addresses; /* without a fault */
} cases[] = {
    {"From: a@x\r\n", AUTHORS_FINE, "a@x"},
    {"fRoM :a@x\r\n", AUTHORS_FINE, "a@x"},
    {"Subject: s\r\n\tfolded\r\nFrom: Alice <a@x>\r\nTo: b@y\r\n", AUTHORS_FINE, "a@x"},
    {"From: \"B@y, or so\" <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: =?utf-8?Q?B=40y?= <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: John Q. Public <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: [Team] Alice <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: M\xfcller <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: a@x (Alice, not b@y)\r\n", AUTHORS_FINE, "a@x"},
    {"From: (b@y (nested \\) c@z)) a (in) @ (the) x (middle)\r\n", AUTHORS_FINE, "a@x"},
    {"From:\r\n Alice\r\n <a\r\n @x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: a . b @ x . y\r\n", AUTHORS_FINE, "a.b@x.y"},
    {"From: <a@x>\r\n", AUTHORS_FINE, "a@x"},
    {"From: \"a b\"@x\r\n", AUTHORS_FINE, "a b@x"},
    {"From: \"a\\\"b\"@x\r\n", AUTHORS_FINE, "a\"b@x"},
    {"From: \"a\".b@x\r\n", AUTHORS_FINE, "a.b@x"},
    {"From: a@[192.0.2.1]\r\n", AUTHORS_FINE, "a@[192.0.2.1]"},
    {"From: \xc3\xa4@b\xc3\xbc"
     "cher.example\r\n",
     AUTHORS_FINE,
     "\xc3\xa4@b\xc3\xbc"
     "cher.example"},
    /* Several, with a Sender, and groups (RFC 6854). */
    {"From: a@x, B <b@y>,c@z\r\nSender: d@x\r\n", AUTHORS_FINE, "a@x b@y c@z d@x"},
    {"Sender: d@x\r\nFrom: Team: a@x, b@y;\r\n", AUTHORS_FINE, "d@x a@x b@y"},
    {"From: Team: a@x;, b@y\r\n", AUTHORS_FINE, "a@x b@y"},
    {"From: Nobody:;, a@x\r\n", AUTHORS_FINE, "a@x"},
    {"From: , a@x, ,\r\n", AUTHORS_FINE, "a@x"},
    /* Both are shown by some program. */
    {"From: b@y <a@x>\r\n", AUTHORS_FINE, "b@y a@x"},
    {"From: root\r\n", AUTHORS_FINE, "root@"},
    /* A resent message's are others' business. */
    {"Resent-From: b@y\r\nFrom: a@x\r\n", AUTHORS_FINE, "a@x"},

    {"", AUTHORS_MISSING, NULL},
    {"Subject: s\r\n", AUTHORS_MISSING, NULL},
    {"X-From: a@x\r\n", AUTHORS_MISSING, NULL},
    {"Sender: a@x\r\n", AUTHORS_MISSING, NULL},
    {"From: a@x\r\nFrom: a@x\r\n", AUTHORS_TWICE, NULL},
    {"From: a@x\r\nFROM : b@y\r\n", AUTHORS_TWICE, NULL},
    {"Sender: a@x\r\nSender: b@y\r\nFrom: a@x\r\n", AUTHORS_TWICE, NULL},

    /* A field is there, and says nobody's address: what it shows instead is anybody's. */
    {"From:\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: ,\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: (a@x)\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: Nobody:;\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: \"a@x\":;\r\n", AUTHORS_BAD_FIELD, NULL},
    {"Sender: \"a@x\":;\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@x\r\nSender:\r\n", AUTHORS_BAD_FIELD, NULL},

    {"From: a@\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: @x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: <>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: Alice <a>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: Alice <a@x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: Alice a@x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: <a@x> b@y\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: <a@x> <b@y>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@x b@y\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@x y\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@x@y\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@x; b@y\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: <@b,@c:a@x>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: <a@x,b@y>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: Team: a@x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: A: B: a@x;\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: \"Alice <a@x>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: (Alice <a@x>\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a@[192.0.2.1\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a\\b@x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: \"a\"\"b\"@x\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: John Smith\r\n", AUTHORS_BAD_FIELD, NULL},
    {"From: a\x01@x\r\n", AUTHORS_BAD_FIELD, NULL},

    {"From: a@x\r\nno field\r\n", AUTHORS_BAD_HEADER, NULL},
    {" From: a@x\r\n", AUTHORS_BAD_HEADER, NULL},
    {"From: a@x\r\n: b\r\n", AUTHORS_BAD_HEADER, NULL},
    {"From: a@x\nSubject: s\r\n", AUTHORS_BAD_HEADER, NULL},
    {"From: a@x\n\r\n", AUTHORS_BAD_HEADER, NULL},
    {"Subject: s\rFrom: b@y\r\nFrom: a@x\r\n", AUTHORS_BAD_HEADER, NULL},
    {"Fr\xc3\xb6m: a@x\r\n", AUTHORS_BAD_HEADER, NULL},
};

static bool
collect(const char *local, const char *domain, void *arg)
{
	char *text = arg, one[1100];

	snprintf(one, sizeof(one), "%s%s@%s", text[0] == '\0' ? "" : " ", local, domain);
	assert_true(strlcat(text, one, 4096) < 4096);
	return true;
}

static enum authors_fault
read_copy(const char *text, size_t length, bool whole, char out[4096])
{
	char *copy = malloc(length); /* reading past its end is seen */
	enum authors_fault fault;

	memcpy(copy, text, length);
	out[0] = '\0';
	fault = authors_read(copy, length, whole, collect, out);
	free(copy);
	return fault;
}

static void
fields(void **state)
{
	char text[1024], out[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int length =
		    snprintf(text, sizeof(text), "%s\r\nFrom: in the body\r\n", cases[i].fields);
		enum authors_fault fault = read_copy(text, (size_t)length, true, out);

		if (fault != cases[i].fault)
			fail_msg("%s: %d", cases[i].fields, fault);
		if (fault == AUTHORS_FINE)
			assert_string_equal(out, cases[i].addresses);
		/* The header alone, and as the begin of more. */
		assert_int_equal(read_copy(text, strlen(cases[i].fields), true, out), fault);
		assert_int_equal(read_copy(text, (size_t)length, false, out), fault);
	}
}

/* What is cut off could have had a second From in it. */
static void
cut(void **state)
{
	static const char text[] = "Subject: s\r\nFrom: a@x\r\n\r\n";
	char out[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(read_copy(text, i, false, out), AUTHORS_CUT);
	assert_int_equal(read_copy(text, sizeof(text) - 1, false, out), AUTHORS_FINE);
	/* A NUL hides nothing. */
	assert_int_equal(read_copy("From: a@x\r\nX: \0\r\n\r\n", 20, true, out),
			 AUTHORS_BAD_HEADER);
	assert_int_equal(read_copy("From: a@x\r", 10, true, out), AUTHORS_BAD_HEADER);
	assert_int_equal(read_copy("From: a@x", 9, true, out), AUTHORS_FINE);
}

/* Up to *ARG of them. */
static bool
count(const char *local, const char *domain, void *arg)
{
	(void)local;
	(void)domain;
	return --*(size_t *)arg > 0;
}

static void
many(void **state)
{
	size_t left = 3, length = 6 + ((size_t)AUTHORS_MAX + 1) * 4;
	char *text = malloc(length);

	(void)state;
	memcpy(text, "From: ", 6);
	for (size_t i = 0; i <= AUTHORS_MAX; i++)
		memcpy(text + 6 + i * 4, "a@x,", 4);
	assert_int_equal(authors_read(text, length, true, count, &left), AUTHORS_STOPPED);
	assert_int_equal(left, 0);
	left = SIZE_MAX;
	assert_int_equal(authors_read(text, length - 4, true, count, &left), AUTHORS_FINE);
	assert_int_equal(left, SIZE_MAX - AUTHORS_MAX);
	assert_int_equal(authors_read(text, length, true, count, &left), AUTHORS_BAD_FIELD);
	free(text);
}

/* A part that fits nowhere is no address; a long display-name is nothing bad. */
static void
long_parts(void **state)
{
	char text[4 * AUTHOR_PART_SIZE], out[4096];
	char name[AUTHOR_PART_SIZE + 1];

	(void)state;
	memset(name, 'n', AUTHOR_PART_SIZE);
	name[AUTHOR_PART_SIZE] = '\0';
	snprintf(text, sizeof(text), "From: %s <a@x>\r\n", name);
	assert_int_equal(read_copy(text, strlen(text), true, out), AUTHORS_FINE);
	snprintf(text, sizeof(text), "From: %s@x\r\n", name);
	assert_int_equal(read_copy(text, strlen(text), true, out), AUTHORS_BAD_FIELD);
	snprintf(text, sizeof(text), "From: a@%s\r\n", name);
	assert_int_equal(read_copy(text, strlen(text), true, out), AUTHORS_BAD_FIELD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields),
	    cmocka_unit_test(cut),
	    cmocka_unit_test(many),
	    cmocka_unit_test(long_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
