/* SPDX-License-Identifier: ISC */
/* What json.h writes is JSON, whatever the strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/json.h"

static const char *
written(const char *text)
{
	static char *out;
	size_t size;
	struct json json;
	FILE *file;

	free(out);
	out = NULL;
	assert_non_null(file = open_memstream(&out, &size));
	json = json_start(file);
	json_string(&json, NULL, text);
	assert_int_equal(fclose(file), 0);
	return out;
}

static void
test_strings(void **state)
{
	(void)state;
	assert_string_equal(written(""), "\"\"");
	assert_string_equal(written("a \"b\" \\ /"), "\"a \\\"b\\\" \\\\ /\"");
	assert_string_equal(written("\n\t\x01\x1b[31m\x7f"),
			    "\"\\u000a\\u0009\\u0001\\u001b[31m\\u007f\"");
	assert_string_equal(written("M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x93\xac"),
			    "\"M\\u00fcller \\u20ac \\ud83d\\udcec\"");
	assert_string_equal(written("\xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"),
			    "\"\\uffff \\ud800\\udc00 \\udbff\\udfff\"");
}

/* A terminal obeys U+0080 to U+009F as well; and one of Latin-1 the second octet of U+00DB. */
static void
test_controls_behind_ascii(void **state)
{
	(void)state;
	assert_string_equal(written("\xc2\x80 \xc2\x9b[2J \xc2\xa0 \xc3\x9b[2J"),
			    "\"\\u0080 \\u009b[2J \\u00a0 \\u00db[2J\"");
}

/* RFC 3629 3 and 4: no overlong forms, no surrogates, nothing above U+10FFFF, nothing cut. */
static void
test_no_utf8(void **state)
{
	(void)state;
	assert_string_equal(written("\x80"), "\"\\ufffd\"");
	assert_string_equal(written("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
	assert_string_equal(written("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(written("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(written("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_string_equal(written("a\xe2\x82"), "\"a\\ufffd\\ufffd\"");
	assert_string_equal(written("\xf0\x9f\x93z"), "\"\\ufffd\\ufffd\\ufffdz\"");
}

static void
test_groups(void **state)
{
	char *out = NULL;
	size_t size;
	struct json json;
	FILE *file;

	(void)state;
	assert_non_null(file = open_memstream(&out, &size));
	json = json_start(file);
	json_array(&json, NULL);
	json_object(&json, NULL);
	json_number(&json, "n", INT64_MIN);
	json_bool(&json, "b", true);
	json_null(&json, "z");
	json_array(&json, "empty");
	json_end(&json);
	json_end(&json);
	json_string(&json, NULL, "x");
	json_end(&json);
	json_end(&json); /* one too many is nothing */
	assert_int_equal(fclose(file), 0);
	assert_string_equal(out, "[\n  {\n    \"n\": -9223372036854775808,\n    \"b\": true,\n"
				 "    \"z\": null,\n    \"empty\": []\n  },\n  \"x\"\n]\n");
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_controls_behind_ascii),
	    cmocka_unit_test(test_no_utf8),
	    cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
