/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/lines.h"

struct output {
	char text[4096];
	size_t length, calls, fail_at;
};

static int
keep(const char *bytes, size_t length, void *arg)
{
	struct output *out = arg;

	if (++out->calls == out->fail_at)
		return -1;
	assert_true(length <= sizeof(out->text) - 1 - out->length);
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
	return 0;
}

static const struct {
	const char *in;
	size_t length;
	const char *out; /* NULL: as it was */
} cases[] = {
#define CASE(in, out)                   \
	{                               \
		in, sizeof(in) - 1, out \
	}
    CASE("", NULL),
    CASE("A: b\r\n\r\nx\r\n", NULL),
    CASE("A: b\r\n\r\nno end", NULL),
    /* It says binary, and is lines. */
    CASE("MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n",
	 "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n"),
    CASE("mime-version: 1.0\r\nContent-Transfer-Encoding:\r\n binary\r\nA: b\r\n\r\na\nb",
	 "mime-version: 1.0\r\nA: b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQpi\r\n"),
    /* It says nothing, and is none. */
    CASE("A: b\r\n\r\n\0", "A: b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n"
			   "AA==\r\n"),
    /* What is encoded can't be encoded again. */
    CASE("Content-Transfer-Encoding: base64\r\n\r\nAA\nAA\r\r\n",
	 "Content-Transfer-Encoding: base64\r\n\r\nAA\r\nAA\r\n\r\n"),
    CASE("Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: binary\r\n"
	 "MIME-Version: 1.0\r\n\r\npre\nface\0\r\n--x\r\n\r\ntext\r\n--x\r\n"
	 "Content-Transfer-Encoding: BINARY\r\nContent-Type: a/b\r\n\r\n\r.\r\r\n--x--\r\nend\r",
	 "Content-Type: multipart/mixed; boundary=x\r\nMIME-Version: 1.0\r\n"
	 "Content-Transfer-Encoding: 8bit\r\n\r\npre\r\nface?\r\n--x\r\n\r\ntext\r\n--x\r\n"
	 "Content-Type: a/b\r\nContent-Transfer-Encoding: "
	 "base64\r\n\r\nDS4N\r\n\r\n--x--\r\nend\r\n"),
    CASE("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\na\nb",
	 "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n"
	 "Content-Transfer-Encoding: base64\r\n\r\nYQpi\r\n"),
#undef CASE
};

static void
messages_become_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want = cases[i].out != NULL ? cases[i].out : cases[i].in;
		struct output out = {.length = 0};

		assert_int_equal(mime_to_lines(cases[i].in, cases[i].length, keep, &out), 0);
		out.text[out.length] = '\0';
		if (strcmp(out.text, want) != 0)
			fail_msg("%zu: \"%s\"", i, out.text);
	}
}

static void
an_end_that_takes_no_more(void **state)
{
	static char big[40000];
	struct output out = {.fail_at = 1};

	(void)state;
	memcpy(big, "A: b\r\n\r\n", 8);
	assert_int_equal(mime_to_lines(big, sizeof(big), keep, &out), -1);
	assert_int_equal(out.calls, 1);
}

static void
lines(void **state)
{
	char line[1002];

	(void)state;
	assert_true(mime_is_lines("", 0));
	assert_true(mime_is_lines("a\r\n\r\nb", 6));
	assert_false(mime_is_lines("a\n", 2));
	assert_false(mime_is_lines("a\r", 2));
	assert_false(mime_is_lines("\0", 1));
	memset(line, 'x', sizeof(line));
	assert_true(mime_is_lines(line, 998));
	assert_false(mime_is_lines(line, 999));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_become_lines),
	    cmocka_unit_test(an_end_that_takes_no_more),
	    cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
