/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/relay/hops.h"
#include "worker/relay/own.h"
#include "worker/relay/route.h"
#include "worker/relay/tls_optional.h"

/* The head of an answer to a question of a.b, with so many records. */
#define HEAD(records) "\0\0\x81\x80\0\1\0" records "\0\0\0\0\1a\1b\0\0\x0f\0\1"
#define OWNER "\xc0\x0c"
#define MX_OF(length) OWNER "\0\x0f\0\1\0\0\0\x3c\0" length

static void
records_are_taken(void **state)
{
	static const uint8_t mx[] = HEAD("\3")
	    MX_OF("\7") "\0\x0a\2MX" OWNER MX_OF("\5") "\0\5\1c\0" OWNER
						       "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1";
	static const uint8_t v6[] = HEAD("\1") OWNER "\0\x1c\0\1\0\0\0\x3c\0\x10"
						     "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1";
	struct dns_answer answer;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	assert_int_equal(dns_parse(mx, sizeof(mx) - 1, DNS_MX, &answer), 0);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.records[0].preference, 10);
	assert_string_equal(answer.records[0].name, "mx.a.b");
	assert_int_equal(answer.records[1].preference, 5);
	assert_string_equal(answer.records[1].name, "c");
	assert_int_equal(dns_parse(mx, sizeof(mx) - 1, DNS_A, &answer), 0);
	assert_int_equal(answer.count, 1);
	inet_ntop(AF_INET6, &answer.records[0].address, text, sizeof(text));
	assert_string_equal(text, "::ffff:127.0.0.1");
	assert_int_equal(dns_parse(v6, sizeof(v6) - 1, DNS_AAAA, &answer), 0);
	assert_int_equal(answer.count, 1);
	inet_ntop(AF_INET6, &answer.records[0].address, text, sizeof(text));
	assert_string_equal(text, "2001:db8::1");
}

/* The last one is kept. */
struct addresses {
	size_t count;
	struct in6_addr last;
};

static void
take_address(const struct in6_addr *address, void *arg)
{
	struct addresses *addresses = arg;

	addresses->count++;
	addresses->last = *address;
}

/* As many as fit into a packet, and only those that are addresses. */
static void
all_addresses_are_told(void **state)
{
	static const uint8_t head[] = HEAD("\0"), a[] = OWNER "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\0",
			     bad[] = OWNER "\0\1\0\1\0\0\0\x3c\0\3\x7f\0\0";
	enum { COUNT = 4000 };
	uint8_t packet[UINT16_MAX];
	size_t length = sizeof(head) - 1;
	struct addresses addresses = {.count = 0};
	char text[INET6_ADDRSTRLEN];

	(void)state;
	memcpy(packet, head, length);
	packet[6] = (COUNT + 1) >> 8;
	packet[7] = (COUNT + 1) & 0xff;
	for (size_t i = 0; i < COUNT; i++) {
		memcpy(packet + length, a, sizeof(a) - 1);
		length += sizeof(a) - 1;
		packet[length - 2] = (uint8_t)(i >> 8);
		packet[length - 1] = (uint8_t)i;
	}
	memcpy(packet + length, bad, sizeof(bad) - 1);
	length += sizeof(bad) - 1;
	assert_int_equal(dns_parse_addresses(packet, length, DNS_A, take_address, &addresses), 0);
	assert_int_equal(addresses.count, COUNT);
	inet_ntop(AF_INET6, &addresses.last, text, sizeof(text));
	assert_string_equal(text, "::ffff:127.0.15.159");
	assert_int_equal(dns_parse_addresses(packet, length, DNS_AAAA, take_address, &addresses),
			 0);
	assert_int_equal(addresses.count, COUNT);
	assert_int_equal(dns_parse_addresses(packet, length - 1, DNS_A, take_address, &addresses),
			 -1);
}

/* Cut anywhere, it is an error; so are names that go round in circles. */
static void
damage_is_seen(void **state)
{
	static const uint8_t whole[] = HEAD("\1") MX_OF("\7") "\0\x0a\2MX" OWNER;
	static const struct {
		const uint8_t *octets;
		size_t length;
		int result;
	} packets[] = {
	    {(const uint8_t *)HEAD("\1") "\xc0\x15\0\x0f\0\1\0\0\0\x3c\0\0", 33, -1},
	    {(const uint8_t *)HEAD("\1") "\xff\xff\0\x0f\0\1\0\0\0\x3c\0\0", 33, -1},
	    {(const uint8_t *)HEAD("\1") "\x80\0\0\x0f\0\1\0\0\0\x3c\0\0", 33, -1},
	    {(const uint8_t *)HEAD("\2") MX_OF("\7") "\0\x0a\2MX" OWNER, 40, -1},
	    /* Its data is no name of a host: left out. */
	    {(const uint8_t *)HEAD("\1") MX_OF("\6") "\0\x0a\2\r\n\0", 39, 0},
	    {(const uint8_t *)HEAD("\1") MX_OF("\3") "\0\x0a\2", 36, 0},
	};
	struct dns_answer answer;

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		assert_int_equal(dns_parse(whole, n, DNS_MX, &answer), -1);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		assert_int_equal(dns_parse(packets[i].octets, packets[i].length, DNS_MX, &answer),
				 packets[i].result);
		assert_int_equal(answer.count, 0);
	}
}

struct texts {
	size_t count, length;
	char last[600];
};

static void
take_text(const char *text, size_t length, void *arg)
{
	struct texts *texts = arg;

	assert_true(length <= sizeof(texts->last));
	memcpy(texts->last, text, length);
	texts->length = length;
	texts->count++;
}

#define TXT_OF(length) OWNER "\0\x10\0\1\0\0\0\x3c\0" length

/* The strings of one record are one text (RFC 7208 3.3); a string longer than its record is none.
 */
static void
texts_are_put_together(void **state)
{
	static const uint8_t two[] = HEAD("\2") TXT_OF("\1") "\0" TXT_OF("\x0a") "\6v=spf1\2 -";
	static const uint8_t damaged[] = HEAD("\1") TXT_OF("\3") "\3ab";
	struct texts texts = {0};

	(void)state;
	assert_int_equal(dns_parse_txt(two, sizeof(two) - 1, take_text, &texts), 0);
	assert_int_equal(texts.count, 2);
	assert_int_equal(texts.length, 8);
	assert_memory_equal(texts.last, "v=spf1 -", 8);
	for (size_t n = 0; n < sizeof(two) - 1; n++)
		assert_int_equal(dns_parse_txt(two, n, take_text, &texts), -1);
	assert_int_equal(dns_parse_txt(damaged, sizeof(damaged) - 1, take_text, &texts), -1);
}

struct tlsas {
	size_t count;
	struct dns_tlsa last;
};

static void
take_tlsa(const struct dns_tlsa *tlsa, void *arg)
{
	struct tlsas *tlsas = arg;

	tlsas->last = *tlsa;
	tlsas->count++;
}

#define TLSA_OF(length) OWNER "\0\x34\0\1\0\0\0\x3c\0" length

/* RFC 6698 2.1: three octets, and data; with none it is a record, and fits nothing. */
static void
tlsas_are_taken(void **state)
{
	static const uint8_t two[] = HEAD("\2") TLSA_OF("\4") "\2\0\0x" TLSA_OF("\5") "\3\1\2yz";
	static const uint8_t empty[] = HEAD("\1") TLSA_OF("\3") "\3\1\1",
			     damaged[] = HEAD("\1") TLSA_OF("\2") "\3\1";
	struct tlsas tlsas = {0};

	(void)state;
	assert_int_equal(dns_parse_tlsa(two, sizeof(two) - 1, take_tlsa, &tlsas), 0);
	assert_int_equal(tlsas.count, 2);
	assert_int_equal(tlsas.last.usage, 3);
	assert_int_equal(tlsas.last.selector, 1);
	assert_int_equal(tlsas.last.matching, 2);
	assert_int_equal(tlsas.last.length, 2);
	assert_memory_equal(tlsas.last.data, "yz", 2);
	for (size_t n = 0; n < sizeof(two) - 1; n++)
		assert_int_equal(dns_parse_tlsa(two, n, take_tlsa, &tlsas), -1);
	assert_int_equal(dns_parse_tlsa(empty, sizeof(empty) - 1, take_tlsa, &tlsas), 0);
	assert_int_equal(tlsas.last.length, 0);
	assert_int_equal(dns_parse_tlsa(damaged, sizeof(damaged) - 1, take_tlsa, &tlsas), -1);
}

/* Behind an alias it is the other name's record that is told (RFC 7672 2.2.2). */
static void
owners_are_told(void **state)
{
	static const uint8_t alias[] = HEAD("\2") OWNER "\0\5\0\1\0\0\0\x3c\0\5\2mx\xc0\x0e"
							"\xc0\x21\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1";
	static const uint8_t plain[] = HEAD("\1") OWNER "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1";
	struct dns_answer answer;

	(void)state;
	assert_int_equal(dns_parse(alias, sizeof(alias) - 1, DNS_A, &answer), 0);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.owner, "mx.b");
	assert_int_equal(dns_parse(plain, sizeof(plain) - 1, DNS_A, &answer), 0);
	assert_string_equal(answer.owner, "a.b");
	assert_int_equal(dns_parse(plain, sizeof(plain) - 1, DNS_AAAA, &answer), 0);
	assert_string_equal(answer.owner, "");
}

static void
take_service(const struct dns_service *service, void *arg)
{
	struct dns_service *services = arg;
	size_t n = services[0].name[0] == '\0' ? 0 : 1;

	services[n] = *service;
}

/* RFC 2782; its target may be the root: the service is not there. */
static void
services_are_taken(void **state)
{
	static const uint8_t two[] =
	    HEAD("\2") OWNER "\0\x21\0\1\0\0\0\x3c\0\x0a\0\1\0\2\3\xe1\1M" OWNER OWNER
			     "\0\x21\0\1\0\0\0\x3c\0\7\0\0\0\0\0\0\0";
	struct dns_service services[2] = {{.port = 0}};

	(void)state;
	assert_int_equal(dns_parse_srv(two, sizeof(two) - 1, take_service, services), 0);
	assert_int_equal(services[0].priority, 1);
	assert_int_equal(services[0].weight, 2);
	assert_int_equal(services[0].port, 993);
	assert_string_equal(services[0].name, "m.a.b");
	assert_string_equal(services[1].name, "");
	assert_int_equal(services[1].port, 0);
	for (size_t n = 0; n < sizeof(two) - 1; n++) {
		services[0].name[0] = '\0';
		assert_int_equal(dns_parse_srv(two, n, take_service, services), -1);
	}
}

static const struct {
	struct {
		uint16_t preference;
		const char *name;
	} mx[4];
	const char *hosts; /* each with a space behind it; NULL: none */
	const char *status;
} orders[] = {
    {{{0, NULL}}, "d.example ", NULL},
    {{{20, "b"}, {10, "a"}, {30, "c"}}, "a b c ", NULL},
    {{{10, "a"}, {10, "b"}, {5, "z"}}, "z a b ", NULL},
    {{{0, ""}}, NULL, "5.1.10"},
    {{{0, ""}, {10, "a"}}, "a ", NULL},
    {{{10, "own"}, {20, "a"}}, NULL, "5.4.6"},
    {{{5, "a"}, {10, "OWN"}, {20, "b"}}, "a ", NULL},
    {{{10, "a"}, {10, "own"}, {20, "b"}}, NULL, "5.4.6"},
    {{{5, "a"}, {20, "own"}, {10, "b"}, {10, "own"}}, "a ", NULL},
    {{{0, ""}, {0, ""}}, NULL, "5.1.10"},
};

static void
hosts_come_in_their_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct dns_answer answer = {0};
		struct route_hosts hosts;
		struct reply why = {0};
		char text[256] = "";
		bool found;

		for (; answer.count < 4 && orders[i].mx[answer.count].name != NULL;
		     answer.count++) {
			struct dns_record *record = &answer.records[answer.count];

			record->preference = orders[i].mx[answer.count].preference;
			strlcpy(record->name, orders[i].mx[answer.count].name,
				sizeof(record->name));
		}
		found = route_order(&answer, "d.example", "own", 0, &hosts, &why);
		assert_int_equal(found, orders[i].hosts != NULL);
		for (size_t h = 0; found && h < hosts.count; h++) {
			strlcat(text, hosts.names[h], sizeof(text));
			strlcat(text, " ", sizeof(text));
		}
		if (found)
			assert_string_equal(text, orders[i].hosts);
		else
			assert_string_equal(why.status, orders[i].status);
	}
}

/* RFC 5321 5.1: where there are MX records, the domain's own address is none for mail. */
static void
records_that_name_nobody_count(void **state)
{
	static const uint8_t packet[] = HEAD("\1") MX_OF("\6") "\0\x0a\2\r\n\0";
	struct dns_answer answer;
	struct route_hosts hosts;
	struct reply why;

	(void)state;
	assert_int_equal(dns_parse(packet, sizeof(packet) - 1, DNS_MX, &answer), 0);
	assert_int_equal(answer.count, 0);
	assert_false(route_order(&answer, "a.b", "own", 0, &hosts, &why));
	assert_int_equal(why.code, 550);
	assert_string_equal(why.status, "5.4.4");
}

/* Equal ones take turns (RFC 5321 5.1). */
static void
equal_hosts_take_turns(void **state)
{
	struct dns_answer answer = {
	    .count = 3,
	    .records = {{.preference = 1, .name = "a"},
			{.preference = 1, .name = "b"},
			{.preference = 0, .name = "c"}},
	};
	struct route_hosts hosts;
	struct reply why;

	(void)state;
	assert_true(route_order(&answer, "d", "own", 1, &hosts, &why));
	assert_int_equal(hosts.count, 3);
	assert_string_equal(hosts.names[0], "c");
	assert_string_equal(hosts.names[1], "b");
	assert_string_equal(hosts.names[2], "a");
}

/* Of addresses that no host here can have, and of those that each has. */
static void
own_addresses_are_known(void **state)
{
	static const struct {
		const char *address;
		bool local;
	} cases[] = {{"::ffff:127.0.0.1", true},  {"::ffff:127.9.8.7", true}, {"::1", true},
		     {"::ffff:192.0.2.1", false}, {"2001:db8::1", false},     {"::2", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct in6_addr address;

		assert_int_equal(inet_pton(AF_INET6, cases[i].address, &address), 1);
		assert_int_equal(own_is_local(&address), cases[i].local);
	}
}

static void
hops_are_counted(void **state)
{
	static const struct {
		const char *message;
		unsigned hops;
	} messages[] = {
	    {"", 0},
	    {"Received: a\r\n b\r\nRECEIVED:c\r\nX-Received: d\r\n\r\nReceived: e\r\n", 2},
	    {"Received: a\r\n\tReceived: b\r\nReceived", 1},
	    {"\r\nReceived: a\r\n", 0},
	    {"Received:", 1},
	    {"Received:\nReceived:\n\nReceived:", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		assert_int_equal(hops_count(messages[i].message, strlen(messages[i].message)),
				 messages[i].hops);
}

static void
who_has_been_there_is_known(void **state)
{
	static const char message[] = "Received: a\r\nDelivered-To: one@a.example\r\n"
				      "X: Delivered-To: x@a.example\r\n"
				      "delivered-to:\tTwo@A.example \r\n"
				      "Delivered-To: three@a.example.org\r\n\r\n"
				      "Delivered-To: body@a.example\r\n";
	static const struct {
		const char *address;
		bool been;
	} addresses[] = {{"one@a.example", true},    {"ONE@a.example", true},
			 {"two@a.example", true},    {"x@a.example", false},
			 {"three@a.example", false}, {"body@a.example", false},
			 {"ne@a.example", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		assert_true(hops_has_been(message, strlen(message), addresses[i].address) ==
			    addresses[i].been);
	assert_false(hops_has_been("Delivered-To:", 13, "a@b"));
	assert_true(hops_has_been("Delivered-To:a@b", 16, "a@b"));
	assert_false(hops_has_been("Delivered-To:a@b", 15, "a@b"));
}

/* RFC 8689 3 */
static void
tls_is_optional(void **state)
{
	static const struct {
		const char *message;
		bool optional;
	} messages[] = {
	    {"From: a@b\r\nTLS-Required: No\r\n\r\n", true},
	    {"tls-required:no\n\n", true},
	    {"TLS-Required:\r\n No\r\n\r\n", true},
	    {"TLS-Required: \tNo \r\n\r\n", true},
	    {"TLS-Required: No", true},
	    {"TLS-Required: Yes\r\nTLS-Required: No\r\n\r\n", true},
	    {"TLS-Required: Yes\r\n\r\n", false},
	    {"TLS-Required: No (really)\r\n\r\n", false},
	    {"TLS-Required: No\r\n more\r\n\r\n", false},
	    {"TLS-Required: None\r\n\r\n", false},
	    {"TLS-Required:\r\n\r\n", false},
	    {"X-TLS-Required: No\r\n\r\n", false},
	    {"Subject: a\r\n TLS-Required: No\r\n\r\n", false},
	    /* In a message that it carries, or a part. */
	    {"Content-Type: message/rfc822\r\n\r\nTLS-Required: No\r\n\r\n", false},
	    {"\r\nTLS-Required: No\r\n\r\n", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		assert_int_equal(tls_optional(messages[i].message, strlen(messages[i].message)),
				 messages[i].optional);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(services_are_taken),
	    cmocka_unit_test(records_are_taken),
	    cmocka_unit_test(all_addresses_are_told),
	    cmocka_unit_test(damage_is_seen),
	    cmocka_unit_test(texts_are_put_together),
	    cmocka_unit_test(hosts_come_in_their_order),
	    cmocka_unit_test(records_that_name_nobody_count),
	    cmocka_unit_test(equal_hosts_take_turns),
	    cmocka_unit_test(hops_are_counted),
	    cmocka_unit_test(tls_is_optional),
	    cmocka_unit_test(own_addresses_are_known),
	    cmocka_unit_test(who_has_been_there_is_known),
	    cmocka_unit_test(tlsas_are_taken),
	    cmocka_unit_test(owners_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
