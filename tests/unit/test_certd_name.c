/* SPDX-License-Identifier: ISC */
/* Host names and addresses in certificates, lists of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certd/name.h"
#include "common/proto/types.h"

static void
test_san(void **state)
{
	static const char *const dns[] = {"mail.example.org",  "localhost", "*.example.org",
					  "xn--mnchen-3ya.de", "a-b.c",     "1and1.com",
					  "0.example"};
	static const char *const invalid[] = {
	    "",           ".",   "a.",  ".a",    "a..b",    "-a.b",      "a-.b",
	    "a_b.c",      "*",   "*.",  "*.org", "a.*.org", "*a.b.org",  "1.2.3",
	    "192.0.2.1.", "::g", "a b", "a/b",   "a@b",     "999.1.1.1", "\xc3\xa4.de"};
	uint8_t address[16];
	size_t length;
	char label[70];

	(void)state;
	for (size_t i = 0; i < sizeof(dns) / sizeof(dns[0]); i++)
		assert_int_equal(san_parse(dns[i], NULL, NULL), SAN_DNS);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_int_equal(san_parse(invalid[i], NULL, NULL), SAN_INVALID);
	assert_int_equal(san_parse("192.0.2.1", address, &length), SAN_IP);
	assert_int_equal(length, 4);
	assert_memory_equal(address, "\xc0\x00\x02\x01", 4);
	assert_int_equal(san_parse("2001:db8::1", address, &length), SAN_IP);
	assert_int_equal(length, 16);
	memset(label, 'a', sizeof(label));
	strcpy(label + 63, ".de");
	assert_int_equal(san_parse(label, NULL, NULL), SAN_DNS);
	memset(label, 'a', sizeof(label));
	strcpy(label + 64, ".de");
	assert_int_equal(san_parse(label, NULL, NULL), SAN_INVALID);
}

static void
test_split(void **state)
{
	static const char two[] = "one\0two";
	const char *names[4];

	(void)state;
	assert_true(names_split(two, sizeof(two), 2, names, 4));
	assert_string_equal(names[0], "one");
	assert_string_equal(names[1], "two");
	assert_false(names_split(two, sizeof(two), 1, names, 4));     /* something follows */
	assert_false(names_split(two, sizeof(two), 3, names, 4));     /* one is missing */
	assert_false(names_split(two, sizeof(two) - 1, 2, names, 4)); /* no NUL behind it */
	assert_false(names_split(two, sizeof(two), 2, names, 1));     /* too many */
	assert_false(names_split(two, sizeof(two), 0, names, 4));
	assert_false(names_split("", 0, 0, names, 4));
	assert_false(names_split("\0", 2, 2, names, 4)); /* empty ones */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_san),
	    cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
