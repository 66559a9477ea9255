/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/address.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define L64 "0123456789012345678901234567890123456789012345678901234567890123"
#define L63 "012345678901234567890123456789012345678901234567890123456789012"

static const struct {
	const char *text;
	enum address_error error;
	const char *local, *domain;
	const char *formatted; /* NULL: as text */
} cases[] = {
    {"a@b", ADDRESS_OK, "a", "b", NULL},
    {"Alice.B@Example.ORG", ADDRESS_OK, "Alice.B", "example.org", "Alice.B@example.org"},
    {"!#$%&'*+-/=?^_`{|}~@b", ADDRESS_OK, "!#$%&'*+-/=?^_`{|}~", "b", NULL},
    {"\"a b\"@c.d", ADDRESS_OK, "a b", "c.d", NULL},
    {"\"a\\\"\\\\b\"@c.d", ADDRESS_OK, "a\"\\b", "c.d", NULL},
    {"\"plain\"@c.d", ADDRESS_OK, "plain", "c.d", "plain@c.d"},
    {"\"pl\\ain\"@c.d", ADDRESS_OK, "plain", "c.d", "plain@c.d"},
    {"\"a@b\"@c.d", ADDRESS_OK, "a@b", "c.d", NULL},
    {"\"\"@c.d", ADDRESS_OK, "", "c.d", NULL},
    {"\".a\"@c.d", ADDRESS_OK, ".a", "c.d", NULL},
    {"a@[192.0.2.1]", ADDRESS_OK, "a", "[192.0.2.1]", NULL},
    {"a@[IPv6:2001:db8::1]", ADDRESS_OK, "a", "[IPv6:2001:db8::1]", NULL},
    {"a@[ipv6:::ffff:192.0.2.1]", ADDRESS_OK, "a", "[ipv6:::ffff:192.0.2.1]", NULL},
    {L64 "@c.d", ADDRESS_OK, L64, "c.d", NULL},
    {"a@" L63 "." L63, ADDRESS_OK, "a", L63 "." L63, NULL},
    {"a@x_y.z", ADDRESS_OK, "a", "x_y.z", NULL},

    {"", ADDRESS_EMPTY, NULL, NULL, NULL},
    {"a", ADDRESS_NO_DOMAIN, NULL, NULL, NULL},
    {"a@", ADDRESS_NO_DOMAIN, NULL, NULL, NULL},
    {"@b", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {".a@b", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"a.@b", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"a..c@b", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"a b@c", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"a\tb@c", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"\"a@b", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"\"a\\", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"\"a\"b@c", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"\"a\r\n\"@c", ADDRESS_BAD_LOCAL, NULL, NULL, NULL},
    {"a@b@c", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@b..c", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@.b", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@b.", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@-b", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@b-", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@b c", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@b>", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@" L64 ".b", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[192.0.2.256]", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[192.0.2.1", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[2001:db8::1]", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[IPv6:192.0.2.1]", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[]", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {"a@[", ADDRESS_BAD_DOMAIN, NULL, NULL, NULL},
    {L64 L64 L64 "x@c.d", ADDRESS_OK, L64 L64 L64 "x", "c.d", NULL},
    {"\"" L64 " x\"@c.d", ADDRESS_OK, L64 " x", "c.d", NULL},
    {L64 L64 L64 L63 "@c", ADDRESS_TOO_LONG, NULL, NULL, NULL},
    {"\"" L64 L64 L64 L63 "\"@c", ADDRESS_TOO_LONG, NULL, NULL, NULL},
    {"a@" L63 "." L63 "." L63 "." L63 ".b", ADDRESS_DOMAIN_TOO_LONG, NULL, NULL, NULL},
    {"a@" L63 "." L63 "." L63 "." L63, ADDRESS_TOO_LONG, NULL, NULL, NULL},
    {"\xc3\xa4@b", ADDRESS_NOT_ASCII, NULL, NULL, NULL},
    {"a\xc3\xa4@b", ADDRESS_NOT_ASCII, NULL, NULL, NULL},
    {"a@\xc3\xa4.b", ADDRESS_NOT_ASCII, NULL, NULL, NULL},
    {"\"\xc3\xa4\"@b", ADDRESS_NOT_ASCII, NULL, NULL, NULL},
};

static void
mailboxes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct address a;
		enum address_error error;
		size_t length;

		error = address_parse(cases[i].text, strlen(cases[i].text), &a);
		if (error != cases[i].error)
			fail_msg("%s: %s", cases[i].text, address_error_text(error));
		if (error != ADDRESS_OK)
			continue;
		assert_string_equal(a.local, cases[i].local);
		assert_string_equal(a.domain, cases[i].domain);
		length = address_format(&a, text, sizeof(text));
		assert_int_equal(length, strlen(text));
		assert_string_equal(text, cases[i].formatted != NULL ? cases[i].formatted
								     : cases[i].text);
	}
}

static void
nul_is_no_end(void **state)
{
	char domain[HOST_NAME_SIZE];
	struct address a;

	(void)state;
	assert_int_equal(address_parse("a\0@b", 4, &a), ADDRESS_BAD_LOCAL);
	assert_int_equal(address_parse("\"a\0\"@b", 6, &a), ADDRESS_BAD_LOCAL);
	assert_int_equal(address_parse("a@b\0c", 5, &a), ADDRESS_BAD_DOMAIN);
	assert_int_equal(address_parse_literal("[1.2.3.4\0]", 10, domain), ADDRESS_BAD_DOMAIN);
}

static void
format_cuts_what_does_not_fit(void **state)
{
	struct address a = {"alice", "example.org"};
	char out[8];

	(void)state;
	assert_int_equal(address_format(&a, out, sizeof(out)), 7);
	assert_string_equal(out, "alice@e");
	assert_int_equal(address_format(&a, out, 1), 0);
	assert_int_equal(address_format(&a, out, 0), 0);
}

static void
every_error_has_words(void **state)
{
	int e;

	(void)state;
	for (e = ADDRESS_OK; e <= ADDRESS_TOO_LONG; e++)
		assert_true(strlen(address_error_text((enum address_error)e)) > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mailboxes),
	    cmocka_unit_test(nul_is_no_end),
	    cmocka_unit_test(format_cuts_what_does_not_fit),
	    cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
