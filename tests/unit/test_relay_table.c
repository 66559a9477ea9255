/* SPDX-License-Identifier: ISC */
/* Which route a domain takes, and which tables are none. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/relay/table.h"

static struct mr_route
route_for(const char *domain)
{
	struct mr_route route = {.port = 25, .connections = 20, .tls = RELAY_TLS_OPPORTUNISTIC};

	strlcpy(route.domain, domain, sizeof(route.domain));
	return route;
}

static struct table *
table_of(const char *const *domains, size_t count)
{
	const struct mr_table head = {
	    .routes = (uint32_t)count, .reply_seconds = 60, .listeners = {{.port = 2525}}};
	struct table *table = table_begin(&head);

	assert_non_null(table);
	for (size_t i = 0; i < count; i++) {
		struct mr_route route = route_for(domains[i]);

		assert_false(table_is_whole(table));
		assert_int_equal(table_add(table, &route), 0);
	}
	assert_true(table_is_whole(table));
	return table;
}

static void
the_most_specific_wins(void **state)
{
	static const char *const domains[] = {"*", "a.example", ".example", ".b.example",
					      "x.b.example"};
	static const char *const finds[][2] = {
	    {"a.example", "a.example"},
	    {"example", "*"},
	    {"c.example", ".example"},
	    {"b.example", ".example"},
	    {"y.b.example", ".b.example"},
	    {"x.b.example", "x.b.example"},
	    {"z.x.b.example", ".b.example"},
	    {"anexample", "*"},
	    {"", "*"},
	    {"aa.example", ".example"},
	    {"sub.a.example", ".example"},
	    {"xb.example", ".example"},
	};
	struct table *table = table_of(domains, 5);

	(void)state;
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
		assert_string_equal(table_find(table, finds[i][0])->domain, finds[i][1]);
	assert_false(table_takes_literals(table));
	table_release(table);
}

static void
equal_is_equal_in_all(void **state)
{
	static const char *const one[] = {"a.example", "*"}, *const two[] = {"b.example", "*"};
	struct table *a = table_of(one, 2), *b = table_of(one, 2), *c = table_of(two, 2);

	(void)state;
	assert_true(table_equal(a, b));
	assert_false(table_equal(a, c));
	table_release(table_hold(a));
	assert_non_null(table_find(a, "x"));
	table_release(a);
	table_release(b);
	table_release(c);
	table_release(NULL);
}

static void
no_domain(struct mr_route *r)
{
	r->domain[0] = '\0';
}
static void
long_domain(struct mr_route *r)
{
	memset(r->domain, 'a', sizeof(r->domain));
}
static void
odd_host(struct mr_route *r)
{
	strlcpy(r->host, "a\r\nb", sizeof(r->host));
}
static void
long_host(struct mr_route *r)
{
	memset(r->host, 'a', sizeof(r->host));
}
static void
odd_helo(struct mr_route *r)
{
	strlcpy(r->helo, "a b", sizeof(r->helo));
}
static void
port_zero(struct mr_route *r)
{
	r->port = 0;
}
static void
port_large(struct mr_route *r)
{
	r->port = 65536;
}
static void
odd_protocol(struct mr_route *r)
{
	r->protocol = RELAY_PROTOCOL_COUNT;
}
static void
odd_tls(struct mr_route *r)
{
	r->tls = RELAY_TLS_COUNT;
}
static void
odd_flag(struct mr_route *r)
{
	r->implicit_tls = 2;
}
static void
no_connections(struct mr_route *r)
{
	r->connections = 0;
}
static void
many_connections(struct mr_route *r)
{
	r->connections = RELAY_CONNECTIONS_MAX + 1;
}
static void
not_inbound(struct mr_route *r)
{
	r->inbound = 2;
}
static void
long_user(struct mr_route *r)
{
	memset(r->user, 'a', sizeof(r->user));
}
static void
long_password(struct mr_route *r)
{
	memset(r->password, 'a', sizeof(r->password));
}
static void
open_login(struct mr_route *r)
{
	strlcpy(r->user, "u", sizeof(r->user));
}
static void
open_implicit(struct mr_route *r)
{
	r->implicit_tls = 1;
}
static void
v6_as_v4(struct mr_route *r)
{
	r->source[0].s6_addr[0] = 0x20;
}
static void
v4_as_v6(struct mr_route *r)
{
	memset(r->source[1].s6_addr + 10, 255, 3);
}

static void
odd_certificate(struct mr_route *r)
{
	strlcpy(r->certificate, "../a", sizeof(r->certificate));
}
static void
long_certificate(struct mr_route *r)
{
	memset(r->certificate, 'a', sizeof(r->certificate));
}
static void
not_zero_either(struct mr_route *r)
{
	r->zero2[2] = 1;
}

static void
what_is_no_route(void **state)
{
	static void (*const spoil[])(struct mr_route *) = {
	    no_domain,       long_domain,      odd_host,        long_host,  odd_helo,
	    port_zero,       port_large,       odd_protocol,    odd_tls,    odd_flag,
	    no_connections,  many_connections, not_inbound,     long_user,  long_password,
	    odd_certificate, long_certificate, not_zero_either, open_login, open_implicit,
	    v6_as_v4,        v4_as_v6,
	};
	const struct mr_table head = {.routes = 1, .reply_seconds = 60};

	(void)state;
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		struct table *table = table_begin(&head);
		struct mr_route route = route_for("*");

		spoil[i](&route);
		assert_int_equal(table_add(table, &route), -1);
		table_release(table);
	}
}

static void
what_is_no_table(void **state)
{
	static const struct mr_table heads[] = {
	    {.routes = 0, .reply_seconds = 60},
	    {.routes = RELAY_ROUTES_MAX + 1, .reply_seconds = 60},
	    {.routes = 1, .reply_seconds = 60, .address_literals = 2},
	    {.routes = 1, .reply_seconds = 60, .listeners = {{.port = 65536}}},
	    {.routes = 1, .reply_seconds = 60, .zero = 1},
	    {.routes = 1, .reply_seconds = 0},
	    {.routes = 1, .reply_seconds = RELAY_REPLY_SECONDS_MAX + 1},
	};
	const struct mr_table two = {.routes = 2, .reply_seconds = 60};
	struct mr_route all = route_for("*"), one = route_for("a.example");
	struct table *table;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_null(table_begin(&heads[i]));
	/* Nothing for "*", two for it, one too many. */
	table = table_begin(&two);
	assert_int_equal(table_add(table, &one), 0);
	assert_int_equal(table_add(table, &one), -1);
	table_release(table);
	table = table_begin(&two);
	assert_int_equal(table_add(table, &all), 0);
	assert_int_equal(table_add(table, &all), -1);
	table_release(table);
	table = table_begin(&two);
	assert_int_equal(table_add(table, &all), 0);
	assert_int_equal(table_add(table, &one), 0);
	assert_int_equal(table_add(table, &one), -1);
	table_release(table);
}

static struct in6_addr
address_of(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

/* LOCAL: the address is this host's. */
static void
where_we_listen(void **state)
{
	static const struct {
		const char *listens, *address;
		uint16_t port;
		bool local, own;
	} cases[] = {
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1", 25, false, true},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1", 26, true, false},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", 25, true, false},
	    {"::ffff:192.0.2.1", "::ffff:0.0.0.0", 25, true, true},
	    {"::ffff:0.0.0.0", "::ffff:192.0.2.1", 25, true, true},
	    {"::ffff:0.0.0.0", "::ffff:192.0.2.1", 25, false, false},
	    {"::ffff:0.0.0.0", "2001:db8::1", 25, true, false},
	    {"::", "2001:db8::1", 25, true, true},
	    {"::", "::ffff:192.0.2.1", 25, true, false},
	    {"2001:db8::1", "2001:db8::1", 25, false, true},
	    {"2001:db8::1", "2001:db8::2", 25, true, false},
	    {"2001:db8::1", "2001:db8::1", 0, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mr_table head = {
		    .routes = 1,
		    .reply_seconds = 60,
		    .listeners = {{.port = 9}, {address_of(cases[i].listens), 25}}};
		struct in6_addr address = address_of(cases[i].address);
		struct table *table = table_begin(&head);

		assert_int_equal(table_is_listener(table, &address, cases[i].port, cases[i].local),
				 cases[i].own);
		table_release(table);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_most_specific_wins), cmocka_unit_test(equal_is_equal_in_all),
	    cmocka_unit_test(what_is_no_route),       cmocka_unit_test(what_is_no_table),
	    cmocka_unit_test(where_we_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
