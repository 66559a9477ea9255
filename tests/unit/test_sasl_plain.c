/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/base64.h"
#include "common/sasl_external.h"
#include "common/sasl_plain.h"

/* RFC 4648 10, and what lies beside it. DECODED NULL: refused. */
static const struct {
	const char *text;
	const char *decoded;
} base64_cases[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zm8=", "fo"},
    {"Zm9v", "foo"},
    {"Zm9vYg==", "foob"},
    {"Zm9vYmE=", "fooba"},
    {"Zm9vYmFy", "foobar"},
    {"++//", "\xfb\xef\xff"},
    {"Zg", NULL},
    {"Zg=", NULL},
    {"Z===", NULL},
    {"====", NULL},
    {"=", NULL},
    {"Zh==", NULL}, /* bits behind the last byte */
    {"Zm9=", NULL},
    {"Zg==Zg==", NULL},
    {"Zm=v", NULL},
    {"Zm9v\r\n", NULL},
    {" m9v", NULL},
    {"Zm-_", NULL},
    {"Zm9\x80", NULL},
};

static void
base64_is_decoded_strictly(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(base64_cases) / sizeof(base64_cases[0]); i++) {
		const char *want = base64_cases[i].decoded;
		char out[16];
		size_t n = 99;
		int r = base64_decode(base64_cases[i].text, strlen(base64_cases[i].text), out,
				      sizeof(out), &n);

		assert_int_equal(r, want == NULL ? -1 : 0);
		if (want == NULL)
			continue;
		assert_int_equal(n, strlen(want));
		assert_memory_equal(out, want, n);
	}
}

static void
base64_keeps_to_its_room(void **state)
{
	char out[4] = {0, 0, 0, 'x'};
	size_t n;

	(void)state;
	assert_int_equal(base64_decode("Zm9v", 4, out, 3, &n), 0);
	assert_int_equal(base64_decode("Zm9v", 4, out, 2, &n), -1);
	assert_int_equal(base64_decode("Zm8=", 4, out, 2, &n), 0);
	assert_int_equal(base64_decode("Zm9vYg==", 8, out, 3, &n), -1);
	assert_int_equal(out[3], 'x');
}

static void
plain_is_taken_apart(void **state)
{
	static const char full[] = "admin\0alice@example.org\0pass word";
	static const char bare[] = "\0alice\0p";
	struct sasl_plain p;

	(void)state;
	assert_int_equal(sasl_plain_parse(full, sizeof(full) - 1, &p), 0);
	assert_string_equal(p.authzid, "admin");
	assert_string_equal(p.authcid, "alice@example.org");
	assert_int_equal(p.password_length, 9);
	assert_memory_equal(p.password, "pass word", 9);
	assert_int_equal(sasl_plain_parse(bare, sizeof(bare) - 1, &p), 0);
	assert_string_equal(p.authzid, "");
}

static void
plain_refuses_the_rest(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} bad[] = {
	    {"", 0},
	    {"\0", 1},
	    {"\0\0", 2},
	    {"\0alice", 6},
	    {"\0alice\0", 7},
	    {"\0\0secret", 8},
	    {"alice", 5},
	    {"alice\0secret", 12},
	    {"\0alice\0secret\0", 14},
	    {"\0a\0b\0c", 6},
	};
	struct sasl_plain p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sasl_plain_parse(bad[i].bytes, bad[i].length, &p), -1);
}

static void
plain_keeps_to_the_sizes(void **state)
{
	char message[LOGIN_TAIL_MAX], user[ADDRESS_SIZE], password[PASSWORD_SIZE];

	(void)state;
	memset(user, 'u', sizeof(user));
	memset(password, 'p', sizeof(password));
	assert_int_equal(
	    sasl_plain_compose(message, user, ADDRESS_SIZE - 1, password, PASSWORD_SIZE - 1),
	    ADDRESS_SIZE + PASSWORD_SIZE);
	assert_int_equal(sasl_plain_compose(message, user, ADDRESS_SIZE, password, 1), 0);
	assert_int_equal(sasl_plain_compose(message, user, 1, password, PASSWORD_SIZE), 0);
	assert_int_equal(sasl_plain_compose(message, user, 0, password, 1), 0);
	assert_int_equal(sasl_plain_compose(message, user, 1, password, 0), 0);
	user[3] = '\0';
	assert_int_equal(sasl_plain_compose(message, user, 9, password, 9), 0);
}

/* Nothing of a refused message stays behind. */
static void
plain_wipes_what_it_refuses(void **state)
{
	static const char zero[LOGIN_TAIL_MAX];
	char message[LOGIN_TAIL_MAX];
	size_t n;

	(void)state;
	assert_int_equal(sasl_plain_decode("AGFsaWNlAHM=", 12, message, &n), 0);
	assert_int_equal(n, 8);
	assert_memory_equal(message, "\0alice\0s", 8);
	assert_int_equal(sasl_plain_decode("AGFsaWNlAHMA", 12, message, &n), -1);
	assert_memory_equal(message, zero, sizeof(zero));
	assert_int_equal(sasl_plain_decode("AGFsaWNlAHM!", 12, message, &n), -1);
	assert_memory_equal(message, zero, sizeof(zero));
	assert_int_equal(sasl_plain_decode("", 0, message, &n), -1);
}

static void
external_is_an_identity_or_none(void **state)
{
	char authorization[ADDRESS_SIZE], text[BASE64_ENCODED(ADDRESS_SIZE) + 1];

	(void)state;
	assert_int_equal(sasl_external_decode("", 0, authorization), 0);
	assert_string_equal(authorization, "");
	assert_int_equal(sasl_external_decode("YWxpY2U=", 8, authorization), 0);
	assert_string_equal(authorization, "alice");
	assert_int_equal(sasl_external_decode("YWxpY2U", 7, authorization), -1);
	assert_int_equal(sasl_external_decode("=", 1, authorization), -1);
	assert_int_equal(sasl_external_decode("AAAA", 4, authorization), -1);
	assert_int_equal(sasl_external_decode("YQBi", 4, authorization), -1);
	memset(text, 'A' + 1, sizeof(text));
	assert_int_equal(
	    sasl_external_decode(text, BASE64_ENCODED(ADDRESS_SIZE - 1), authorization),
	    (ADDRESS_SIZE - 1) % 3 == 0 ? 0 : -1);
	assert_int_equal(sasl_external_decode(text, sizeof(text) / 4 * 4, authorization), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_is_decoded_strictly),
	    cmocka_unit_test(base64_keeps_to_its_room),
	    cmocka_unit_test(plain_is_taken_apart),
	    cmocka_unit_test(plain_refuses_the_rest),
	    cmocka_unit_test(plain_keeps_to_the_sizes),
	    cmocka_unit_test(plain_wipes_what_it_refuses),
	    cmocka_unit_test(external_is_an_identity_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
