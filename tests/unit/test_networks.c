/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "worker/gate/networks.h"

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct network
network(const char *text, uint8_t bits)
{
	return (struct network){.address = address(text), .bits = bits};
}

static const struct {
	const char *network;
	uint8_t bits;
	const char *address;
	bool contains;
} cases[] = {
    {"::", 0, "2001:db8::1", true},
    {"::", 0, "::ffff:192.0.2.1", true},
    {"::ffff:192.0.2.0", 120, "::ffff:192.0.2.255", true},
    {"::ffff:192.0.2.0", 120, "::ffff:192.0.3.0", false},
    {"::ffff:10.0.0.0", 104, "::ffff:10.255.1.2", true},
    {"::ffff:10.0.0.0", 104, "::ffff:11.0.0.0", false},
    {"::ffff:192.0.2.128", 121, "::ffff:192.0.2.129", true},
    {"::ffff:192.0.2.128", 121, "::ffff:192.0.2.127", false},
    {"::ffff:0.0.0.0", 96, "::ffff:203.0.113.9", true},
    {"::ffff:0.0.0.0", 96, "2001:db8::1", false},
    {"2001:db8::", 32, "2001:db8:ffff::1", true},
    {"2001:db8::", 32, "2001:db9::1", false},
    {"2001:db8::1", 128, "2001:db8::1", true},
    {"2001:db8::1", 128, "2001:db8::2", false},
    {"2001:db8::1", 129, "2001:db8::1", false},
    {"fe80::", 10, "febf::1", true},
    {"fe80::", 10, "fec0::1", false},
};

static void
networks_contain_addresses(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct network n = network(cases[i].network, cases[i].bits);
		struct in6_addr a = address(cases[i].address);

		assert_int_equal(network_contains(&n, &a), cases[i].contains);
	}
}

static void
deny_comes_before_allow(void **state)
{
	struct network list[2] = {network("2001:db8::", 32), network("2001:db8:bad::", 48)};
	struct in6_addr good = address("2001:db8::1"), bad = address("2001:db8:bad::1"),
			other = address("::ffff:192.0.2.1");

	(void)state;
	assert_true(networks_permit(list, 1, 1, &good));
	assert_false(networks_permit(list, 1, 1, &bad));
	assert_false(networks_permit(list, 1, 1, &other));
	assert_true(networks_permit(list, 1, 0, &bad));
	assert_true(networks_permit(list + 1, 0, 1, &other));
	assert_false(networks_permit(list + 1, 0, 1, &bad));
	assert_true(networks_permit(NULL, 0, 0, &bad));
}

static void
ipv4_peers_are_mapped(void **state)
{
	struct sockaddr_storage from = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&from;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&from;
	struct in6_addr want = address("::ffff:192.0.2.7");
	struct peer peer;

	(void)state;
	in->sin_family = AF_INET;
	in->sin_port = htons(2525);
	in->sin_addr.s_addr = inet_addr("192.0.2.7");
	assert_true(peer_from_sockaddr(&peer, &from));
	assert_memory_equal(&peer.address, &want, sizeof(want));
	assert_int_equal(peer.port, 2525);
	in6->sin6_family = AF_INET6;
	in6->sin6_addr = address("2001:db8::7");
	assert_true(peer_from_sockaddr(&peer, &from));
	assert_memory_equal(&peer.address, &in6->sin6_addr, sizeof(peer.address));
	from.ss_family = AF_UNIX;
	assert_false(peer_from_sockaddr(&peer, &from));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(networks_contain_addresses),
	    cmocka_unit_test(deny_comes_before_allow),
	    cmocka_unit_test(ipv4_peers_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
