/* SPDX-License-Identifier: ISC */
/* Two addresses of one host, each of which answers, refuses, or says nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/relay/dial.h"
#include "worker/relay/socket_address.h"

enum kind { ANSWERS, REFUSES, SILENT };

struct world {
	struct event_base *base;
	struct dial_plan plan;
	int holder;
	int listeners[DIAL_MAX]; /* -1: nobody is there */
	int fillers[8];          /* connections that leave a listener no room for others */
	size_t filler_count;
	unsigned told;
	int fd;
	size_t which;
	char why[64];
};

static struct in6_addr
loopback(size_t n)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127}};

	address.s6_addr[15] = (uint8_t)(1 + n);
	return address;
}

static int
open_socket(struct world *w, size_t n, socklen_t *length, union socket_address *to)
{
	struct in6_addr address = loopback(n);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	assert_int_not_equal(fd, -1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	*length = socket_address_set(to, &address, w->plan.port);
	return fd;
}

/* A port that no other process has at any address, nor gets. */
static void
hold_port(struct world *w)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t length = sizeof(any);
	int on = 1;

	w->holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(w->holder, -1);
	assert_int_equal(setsockopt(w->holder, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(w->holder, (struct sockaddr *)(void *)&any, length), 0);
	assert_int_equal(getsockname(w->holder, (struct sockaddr *)(void *)&any, &length), 0);
	w->plan.port = ntohs(any.sin_port);
}

/* All have that port; a REFUSES doesn't listen. */
static void
place(struct world *w, size_t n, enum kind kind)
{
	union socket_address to;
	socklen_t length;
	int fd = open_socket(w, n, &length, &to);

	assert_int_equal(bind(fd, &to.any, length), 0);
	w->plan.addresses[n] = loopback(n);
	w->plan.count = n + 1;
	w->listeners[n] = fd;
	if (kind == REFUSES)
		return;
	assert_int_equal(listen(fd, kind == SILENT ? 0 : 8), 0);
	/* Nobody accepts these: once one is there, the next one's first segment is dropped. */
	for (size_t i = 0; kind == SILENT && i < 4; i++) {
		int filler = open_socket(w, n, &length, &to);

		assert_true(connect(filler, &to.any, length) == 0 || errno == EINPROGRESS);
		w->fillers[w->filler_count++] = filler;
		if (i == 0)
			assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1),
					 1);
	}
}

static void
world_open(struct world *w, enum kind first, enum kind second)
{
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	assert_non_null(w->base);
	w->fd = -1;
	hold_port(w);
	place(w, 0, first);
	place(w, 1, second);
}

static void
world_close(struct world *w)
{
	if (w->fd != -1)
		close(w->fd);
	for (size_t i = 0; i < DIAL_MAX; i++)
		close(w->listeners[i]);
	for (size_t i = 0; i < w->filler_count; i++)
		close(w->fillers[i]);
	close(w->holder);
	event_base_free(w->base);
}

static void
on_done(int fd, size_t which, const char *why, void *arg)
{
	struct world *w = arg;

	w->told++;
	w->fd = fd;
	w->which = which;
	if (why != NULL)
		strlcpy(w->why, why, sizeof(w->why));
}

/* Connections that the listener has had. */
static unsigned
accepted(const struct world *w, size_t n)
{
	unsigned count = 0;
	int fd;

	while ((fd = accept(w->listeners[n], NULL, NULL)) != -1) {
		close(fd);
		count++;
	}
	return count;
}

static long
milliseconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1 ? 1 : 0;
	return count;
}

static void
the_first_that_answers(void **state)
{
	static const struct {
		enum kind first, second;
		int which;  /* -1: none */
		long least; /* milliseconds that it takes */
	} cases[] = {
	    {ANSWERS, ANSWERS, 0, 0},  {ANSWERS, REFUSES, 0, 0},
	    {REFUSES, ANSWERS, 1, 0},  {SILENT, ANSWERS, 1, DIAL_DELAY_MS - 10},
	    {REFUSES, REFUSES, -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		long begun;
		int descriptors;

		world_open(&w, cases[i].first, cases[i].second);
		descriptors = open_descriptors();
		begun = milliseconds();
		assert_non_null(dial_start(w.base, &w.plan, on_done, &w));
		assert_int_equal(w.told, 0);
		while (w.told == 0)
			assert_int_equal(event_base_loop(w.base, EVLOOP_ONCE), 0);
		assert_true(milliseconds() - begun >= cases[i].least);
		/* Nothing goes on behind it, and only what was handed over is open. */
		(void)event_base_loop(w.base, EVLOOP_NONBLOCK);
		assert_int_equal(w.told, 1);
		assert_int_equal(open_descriptors(), descriptors + (cases[i].which != -1 ? 1 : 0));
		assert_int_equal(w.fd != -1, cases[i].which != -1);
		if (w.fd != -1)
			assert_int_equal(w.which, cases[i].which);
		else
			assert_string_equal(w.why, strerror(ECONNREFUSED));
		if (cases[i].which == 0 && cases[i].second == ANSWERS)
			assert_int_equal(accepted(&w, 1), 0);
		world_close(&w);
	}
}

static void
one_that_is_dropped_says_nothing(void **state)
{
	struct world w;
	struct dial *dial;
	int descriptors;

	(void)state;
	world_open(&w, SILENT, SILENT);
	descriptors = open_descriptors();
	dial = dial_start(w.base, &w.plan, on_done, &w);
	assert_non_null(dial);
	while (open_descriptors() < descriptors + 2)
		assert_int_equal(event_base_loop(w.base, EVLOOP_ONCE), 0);
	dial_drop(dial);
	dial_drop(NULL);
	assert_int_equal(open_descriptors(), descriptors);
	(void)event_base_loop(w.base, EVLOOP_NONBLOCK);
	assert_int_equal(w.told, 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_that_answers),
	    cmocka_unit_test(one_that_is_dropped_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
