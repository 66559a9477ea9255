/* SPDX-License-Identifier: ISC */
/* Connections that wait for a mail: one that the server has closed takes none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/relay/pool.h"

static struct relay relay;
static int listener;
static const struct mr_route *route;
static struct route_target target = {.host = "mx.example.net"};
static const struct security security = {.level = SECURITY_NONE, .name = "mx.example.net"};
static struct connection *ready; /* the last that said so */

static void
on_ready(void *arg)
{
	(void)arg;
	event_base_loopbreak(relay.base);
}

static void
on_closed(void *arg, const struct reply *why)
{
	(void)arg;
	(void)why;
	fail();
}

static const struct connection_calls calls = {.ready = on_ready, .closed = on_closed};

static void
on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int
start(void **state)
{
	struct mr_table head = {.routes = 1, .reply_seconds = 60};
	struct mr_route all = {.domain = "*", .host = "mx.example.net", .connections = 5};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&address, &size), 0);
	memset(&relay, 0, sizeof(relay));
	strlcpy(relay.settings.hostname, "us.example.org", sizeof(relay.settings.hostname));
	relay.base = event_base_new();
	TAILQ_INIT(&relay.jobs);
	TAILQ_INIT(&relay.idle);
	LIST_INIT(&relay.connections);
	LIST_INIT(&relay.pauses);
	relay.room = event_new(relay.base, -1, 0, on_room, NULL);
	all.port = ntohs(address.sin_port);
	all.tls = RELAY_TLS_NONE;
	relay.table = table_begin(&head);
	assert_non_null(relay.table);
	assert_int_equal(table_add(relay.table, &all), 0);
	route = table_find(relay.table, "example.net");
	target.address.s6_addr[10] = target.address.s6_addr[11] = 0xff;
	memcpy(target.address.s6_addr + 12, &address.sin_addr, 4);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	table_release(relay.table);
	event_free(relay.room);
	event_base_free(relay.base);
	close(listener);
	return 0;
}

/* Until the server has had a line. */
static void
hear(int server, const char *word)
{
	char line[256];
	ssize_t n;

	do {
		assert_int_not_equal(event_base_loop(relay.base, EVLOOP_NONBLOCK), -1);
		n = recv(server, line, sizeof(line) - 1, MSG_DONTWAIT);
	} while (n == -1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_memory_equal(line, word, strlen(word));
}

static void
say(int server, const char *line)
{
	assert_int_equal(send(server, line, strlen(line), 0), strlen(line));
}

/* One that waits in the pool; the server's end of it. */
static int
wait_in_pool(void)
{
	int server;

	ready = connection_open(&relay, relay.table, route, &target, NULL, &security, &calls, NULL);
	assert_non_null(ready);
	assert_int_not_equal(event_base_loop(relay.base, EVLOOP_NONBLOCK), -1);
	server = accept(listener, NULL, NULL);
	assert_int_not_equal(server, -1);
	say(server, "220 mx.example.net\r\n");
	hear(server, "EHLO ");
	say(server, "250 mx.example.net\r\n");
	while (!connection_is_ready(ready))
		assert_int_not_equal(event_base_loop(relay.base, EVLOOP_ONCE), -1);
	(void)event_base_loop(relay.base, EVLOOP_NONBLOCK);
	pool_put(&relay, ready);
	return server;
}

static void
who_waits_is_taken(void **state)
{
	int server = wait_in_pool();

	(void)state;
	assert_ptr_equal(pool_take(&relay, route, &target, &security), ready);
	assert_null(pool_take(&relay, route, &target, &security));
	connection_drop(ready);
	close(server);
}

/*
 * Comes behind the loss, and before anybody has heard of it: libevent has what is over in a turn
 * behind what came in it, and what that has called for behind both.
 */
static const struct timeval at_once;
static struct event *between;
static bool was_between;

static void
on_between(evutil_socket_t fd, short what, void *arg)
{
	void (*look)(void) = *(void (**)(void))arg;

	(void)fd;
	(void)what;
	if (connection_is_ready(ready)) {
		assert_int_equal(evtimer_add(between, &at_once), 0);
		return;
	}
	was_between = true;
	look();
}

/* The server closes, and right behind that LOOK is called. */
static void
close_and(int server, void (*look)(void))
{
	between = evtimer_new(relay.base, on_between, &look);
	assert_non_null(between);
	was_between = false;
	close(server);
	assert_int_equal(evtimer_add(between, &at_once), 0);
	while (!LIST_EMPTY(&relay.connections))
		assert_int_not_equal(event_base_loop(relay.base, EVLOOP_ONCE), -1);
	assert_true(was_between);
	assert_int_equal(relay.idle_count, 0);
	event_free(between);
}

static void
take_none(void)
{
	assert_null(pool_take(&relay, route, &target, &security));
}

static void
send_all_away(void)
{
	pool_empty(&relay);
}

static void
who_is_lost_is_not_taken(void **state)
{
	(void)state;
	close_and(wait_in_pool(), take_none);
	assert_true(pool_has_room(&relay, route, &target));
}

static void
who_is_lost_is_sent_away_once(void **state)
{
	(void)state;
	close_and(wait_in_pool(), send_all_away);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_waits_is_taken),
	    cmocka_unit_test(who_is_lost_is_not_taken),
	    cmocka_unit_test(who_is_lost_is_sent_away_once),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
