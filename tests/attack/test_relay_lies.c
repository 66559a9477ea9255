/* SPDX-License-Identifier: ISC */
/* A queue that lies to relay is cut off; relay goes on, and what it is told is no SMTP command. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/master_relay.h"
#include "common/proto/queue_relay.h"
#include "tests/attack/house.h"

#define TEXT(text) (text), sizeof(text)

static const struct {
	const char *what;
	uint32_t id;
	struct qr_send body;
	const char *tail;
	size_t length;
} lies[] = {
    {"nobody waits", 0, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0r@a.example\0")},
    {"no recipient", 7, {.recipients = 0, .domain = "a.example"}, TEXT("s@b")},
    {"too many", 7, {.recipients = RELAY_RECIPIENTS_MAX + 1, .domain = "a.example"}, TEXT("s@b")},
    {"fewer than it says", 7, {.recipients = 2, .domain = "a.example"}, TEXT("s@b\0r@a.example\0")},
    {"more than it says", 7, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0r@a\0\0t@a\0")},
    {"half a recipient", 7, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0r@a.example")},
    {"not zero",
     7,
     {.recipients = 1, .zero = 1, .domain = "a.example"},
     TEXT("s@b\0r@a.example\0")},
    {"no domain", 7, {.recipients = 1}, TEXT("s@b\0r@a.example\0")},
    {"an odd domain", 7, {.recipients = 1, .domain = "a\r\nb"}, TEXT("s@b\0r@a.example\0")},
    {"an empty path", 7, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0\0")},
    {"no end", 7, {.recipients = 1, .domain = "a.example"}, "s@b\0r@a.example\0rfc822;x", 24},
    {"a command in a path",
     7,
     {.recipients = 1, .domain = "a.example"},
     TEXT("s@b\0r@a>\r\nRCPT TO:<v@a\0")},
    {"a command in the sender",
     7,
     {.recipients = 1, .domain = "a.example"},
     TEXT("s@b>\r\nRCPT TO:<v@a\0r@a\0")},
    {"8-bit", 7, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0\xc3\xa4@a\0")},
    {"no UTF-8",
     7,
     {.recipients = 1, .domain = "a.example", .parameters = {.flags = MAIL_SMTPUTF8}},
     TEXT("s@b\0\xe4@a\0")},
    {"a command in an original recipient",
     7,
     {.recipients = 1, .domain = "a.example"},
     TEXT("s@b\0r@a\0rfc822;x\r\nRSET")},
    {"no original recipient", 7, {.recipients = 1, .domain = "a.example"}, TEXT("s@b\0r@a\0x@y")},
    {"never and delay",
     7,
     {.recipients = 1, .domain = "a.example", .notify = {DSN_NOTIFY_NEVER | DSN_NOTIFY_DELAY}},
     TEXT("s@b\0r@a\0")},
    {"notices for nobody",
     7,
     {.recipients = 1, .domain = "a.example", .notify = {0, DSN_NOTIFY_DELAY}},
     TEXT("s@b\0r@a\0")},
    {"an unknown flag",
     7,
     {.recipients = 1, .domain = "a.example", .parameters = {.flags = MAIL_FLAGS + 1}},
     TEXT("s@b\0r@a\0")},
    {"a command in the envelope's id",
     7,
     {.recipients = 1, .domain = "a.example", .parameters = {.envid = "x\r\nRSET"}},
     TEXT("s@b\0r@a\0")},
    {"a field in the address of an alias",
     7,
     {.recipients = 1, .domain = "a.example", .delivered_to = "a@b\r\nBcc: c@d"},
     TEXT("s@b\0r@a\0")},
    {"an unknown body",
     7,
     {.recipients = 1, .domain = "a.example", .parameters = {.body = BODY_TYPES}},
     TEXT("s@b\0r@a\0")},
    {"nothing", 7, {.recipients = 1, .domain = "a.example"}, "", 0},
};

static void
sends_that_lie(void **state)
{
	struct house_child relay = house_relay();
	int body = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int channel = house_queue_to_relay(&relay);

		print_message("%s\n", lies[i].what);
		assert_int_equal(ipc_send_fd(channel, QR_SEND, lies[i].id, &lies[i].body,
					     sizeof(lies[i].body), lies[i].tail, lies[i].length,
					     body),
				 0);
		house_must_be_cut(channel);
	}
	close(body);
	house_end(&relay);
}

/* What queue has kept of a domain's wishes. */
static void
policies_that_lie(void **state)
{
	static const struct {
		struct qr_policy policy;
		const char *mx;
		size_t length;
	} cases[] = {
	    {{.domain = "", .id = "1", .seconds = 1}, TEXT("mx.a.example")},
	    {{.domain = "a\r\nb", .id = "1", .seconds = 1}, TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "", .seconds = 1}, TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "123456789012345678901234567890123", .seconds = 1},
	     TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "1", .mode = 3, .seconds = 1}, TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "1"}, TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "1", .seconds = UINT32_MAX}, TEXT("mx.a.example")},
	    {{.domain = "a.example", .id = "1", .seconds = 1}, "mx", 2},
	    {{.domain = "a.example", .id = "1", .seconds = 1}, TEXT("mx\0")},
	};
	struct house_child relay = house_relay();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int channel = house_queue_to_relay(&relay);

		assert_int_equal(ipc_send_fd(channel, QR_POLICY, 0, &cases[i].policy,
					     sizeof(cases[i].policy), cases[i].mx, cases[i].length,
					     -1),
				 0);
		house_must_be_cut(channel);
	}
	house_end(&relay);
}

/* The same shape without a lie is answered: nobody is at that port, so it is for later. */
static void
the_truth_is_answered(void **state)
{
	struct house_child relay = house_relay();
	const struct qr_send send = {.recipients = 2, .domain = "a.example"};
	int channel = house_queue_to_relay(&relay);
	int body = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct qr_recipient results[2];
	struct ipc_message message;

	(void)state;
	assert_int_equal(ipc_send_fd(channel, QR_SEND, 7, &send, sizeof(send),
				     TEXT("s@b\0r@a.example\0\0t@a.example\0"), body),
			 0);
	assert_int_equal(house_receive(channel, &queue_relay_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.id, 7);
	assert_int_equal(message.tail_length, sizeof(results));
	memcpy(results, message.tail, sizeof(results));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(results[i].outcome, RELAY_LATER);
		assert_string_equal(results[i].status, "4.4.1");
		assert_int_equal(results[i].said, 0);
		assert_string_equal(results[i].host, "127.0.0.1");
	}
	close(body);
	close(channel);
	house_end(&relay);
}

/* -- The master's messages -----------------------------------------------------------------------
 */

#define HEAD .routes = 1, .reply_seconds = 60
#define ROUTE .domain = "*", .port = 25, .connections = 20

/* A table and its routes, one of which is none. */
static const struct {
	const char *what;
	struct mr_table table;
	struct mr_route route;
} tables[] = {
    {"no route", {.routes = 0, .reply_seconds = 60}, {ROUTE}},
    {"too many", {.routes = RELAY_ROUTES_MAX + 1, .reply_seconds = 60}, {ROUTE}},
    {"literals and what", {HEAD, .address_literals = 2}, {ROUTE}},
    {"no time", {.routes = 1}, {ROUTE}},
    {"all the time", {.routes = 1, .reply_seconds = UINT32_MAX}, {ROUTE}},
    {"padding", {HEAD, .zero = 1}, {ROUTE}},
    {"no port of ours", {HEAD, .listeners = {{.port = 65536}}}, {ROUTE}},
    {"for nobody", {HEAD}, {.domain = "", .port = 25, .connections = 20}},
    {"for some only", {HEAD}, {.domain = "a.example", .port = 25, .connections = 20}},
    {"no port", {HEAD}, {.domain = "*", .port = 0, .connections = 20}},
    {"a large port", {HEAD}, {.domain = "*", .port = 65536, .connections = 20}},
    {"no connection", {HEAD}, {.domain = "*", .port = 25}},
    {"many connections", {HEAD}, {.domain = "*", .port = 25, .connections = UINT32_MAX}},
    {"a command in the name", {HEAD}, {ROUTE, .helo = "a\r\nMAIL FROM:<>"}},
    {"a space in the host", {HEAD}, {ROUTE, .host = "a b"}},
    {"an unknown protocol", {HEAD}, {ROUTE, .protocol = RELAY_PROTOCOL_COUNT}},
    {"an unknown kind of TLS", {HEAD}, {ROUTE, .tls = RELAY_TLS_COUNT}},
    {"implicit and what", {HEAD}, {ROUTE, .tls = RELAY_TLS_VERIFY, .implicit_tls = 2}},
    {"a password in the open", {HEAD}, {ROUTE, .user = "u", .password = "p"}},
    {"implicit TLS or not", {HEAD}, {ROUTE, .implicit_tls = 1}},
    {"inbound and what", {HEAD}, {ROUTE, .inbound = 2}},
    {"IPv6 as IPv4", {HEAD}, {ROUTE, .source = {{.s6_addr = {1}}}}},
};

static int
say_table(const struct house_child *relay, const struct mr_table *table,
	  const struct mr_route *route)
{
	if (ipc_send_fd(relay->control, MR_TABLE, 0, table, sizeof(*table), NULL, 0, -1) == -1)
		return -1;
	return ipc_send_fd(relay->control, MR_ROUTE, 0, route, sizeof(*route), NULL, 0, -1);
}

/* Relay ends, and is no table's: a lie of the master's is a fault, not a negotiation. */
static void
tables_that_lie(void **state)
{
	struct house_child relay;

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		print_message("%s\n", tables[i].what);
		relay = house_relay();
		/* The route may find the channel cut already. */
		(void)say_table(&relay, &tables[i].table, &tables[i].route);
		house_must_end(&relay);
	}
	/* Names without an end. */
	for (size_t i = 0; i < 5; i++) {
		struct mr_route route = {ROUTE, .tls = RELAY_TLS_VERIFY};
		char *const texts[] = {route.domain, route.host, route.helo, route.user,
				       route.password};
		const size_t sizes[] = {sizeof(route.domain), sizeof(route.host),
					sizeof(route.helo), sizeof(route.user),
					sizeof(route.password)};

		memset(texts[i], 'a', sizes[i]);
		relay = house_relay();
		(void)say_table(&relay, &(const struct mr_table){HEAD}, &route);
		house_must_end(&relay);
	}
	/* A route of no table, and one too many. */
	relay = house_relay();
	assert_int_equal(ipc_send_fd(relay.control, MR_ROUTE, 0, &(const struct mr_route){ROUTE},
				     sizeof(struct mr_route), NULL, 0, -1),
			 0);
	house_must_end(&relay);
	/* The truth is taken, at any time. */
	relay = house_relay();
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(say_table(&relay, &(const struct mr_table){HEAD},
					   &(const struct mr_route){ROUTE}),
				 0);
	house_end(&relay);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(sends_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(the_truth_is_answered, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(policies_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(tables_that_lie, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
