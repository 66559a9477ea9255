/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "worker/filter/host_names.h"

static struct in6_addr
address(const char *text)
{
	struct in6_addr out;

	assert_int_equal(inet_pton(AF_INET6, text, &out), 1);
	return out;
}

static void
names_of_addresses(void **state)
{
	struct in6_addr v4 = address("::ffff:192.0.2.17"), v6 = address("2001:db8::a5");
	char out[HOST_NAME_SIZE], zone[HOST_NAME_SIZE];

	(void)state;
	assert_true(host_reverse(&v4, "bl.example", out));
	assert_string_equal(out, "17.2.0.192.bl.example");
	assert_true(host_reverse(&v6, "ip6.arpa", out));
	assert_string_equal(out, "5.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
				 "ip6.arpa");
	/* The longest zone: with its labels 255 octets. */
	memset(zone, 'z', sizeof(zone));
	zone[255 - 11] = '\0';
	assert_true(host_reverse(&v4, zone, out));
	assert_int_equal(strlen(out), 255);
	zone[255 - 11] = 'z';
	zone[255 - 10] = '\0';
	assert_false(host_reverse(&v4, zone, out));
}

static void
helo_names(void **state)
{
	static const struct {
		const char *helo;
		bool good;
	} rows[] = {
	    {"mx.example.org", true},
	    {"mx.example.org.", true},
	    {"[192.0.2.17]", true},
	    {"[192.0.2.18]", false},
	    {"[IPv6:2001:db8::1]", false},
	    {"[ipv6:::ffff:192.0.2.17]", true},
	    {"[192.0.2]", false},
	    {"[]", false},
	    {"[", false},
	    {"localhost", false},
	    {"", false},
	    {".", false},
	    {"example.", false},
	    {".example", false},
	    {"192.0.2.17", false},
	    {"MX.own.test", false},
	    {"mx.own.test.", false},
	    {"mx.own.test2", true},
	    {"1.2.3.4.5a", true},
	};
	struct in6_addr client = address("::ffff:192.0.2.17");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(host_helo_problem(rows[i].helo, &client, "mx.own.test") == NULL,
				 rows[i].good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_addresses),
	    cmocka_unit_test(helo_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
