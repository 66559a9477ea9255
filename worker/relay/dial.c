/* SPDX-License-Identifier: ISC */
#include "worker/relay/dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/relay/socket_address.h"

/* One that has begun. */
struct attempt {
	struct dial *dial;
	int fd; /* -1: it has failed, or not begun */
	struct event *event;
};

struct dial {
	struct dial_plan plan;
	dial_done_fn *done;
	void *arg;
	struct event_base *base;
	struct event *next; /* begins the next attempt */
	size_t begun;
	int error; /* of the last that failed */
	struct attempt attempts[DIAL_MAX];
};

static void
attempt_end(struct attempt *attempt)
{
	if (attempt->event != NULL)
		event_free(attempt->event);
	attempt->event = NULL;
	if (attempt->fd != -1)
		close(attempt->fd);
	attempt->fd = -1;
}

void
dial_drop(struct dial *dial)
{
	if (dial == NULL)
		return;
	for (size_t i = 0; i < DIAL_MAX; i++)
		attempt_end(&dial->attempts[i]);
	if (dial->next != NULL)
		event_free(dial->next);
	free(dial);
}

/* Tells, and frees. */
static void
finish(struct dial *dial, int fd, size_t which)
{
	dial_done_fn *done = dial->done;
	void *arg = dial->arg;
	int error = dial->error;

	dial_drop(dial);
	done(fd, which, fd == -1 ? strerror(error) : NULL, arg);
}

static void
begin_after(struct dial *dial, unsigned milliseconds)
{
	const struct timeval delay = {.tv_usec = (suseconds_t)milliseconds * 1000};

	(void)evtimer_add(dial->next, &delay);
}

/* All that have begun have failed: there is nothing to wait for. */
static void
on_failure(struct attempt *attempt, int error)
{
	struct dial *dial = attempt->dial;

	dial->error = error;
	attempt_end(attempt);
	for (size_t i = 0; i < dial->begun; i++) {
		if (dial->attempts[i].fd != -1)
			return;
	}
	if (dial->begun < dial->plan.count)
		begin_after(dial, 0);
	else
		finish(dial, -1, 0);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *attempt = arg;
	struct dial *dial = attempt->dial;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		error = errno;
	if (error != 0) {
		on_failure(attempt, error);
		return;
	}
	attempt->fd = -1; /* it is handed on */
	finish(dial, fd, (size_t)(attempt - dial->attempts));
}

static int
connect_to(const struct dial_plan *plan, size_t which, int *fd)
{
	static const int on = 1;
	const struct in6_addr *source = &plan->sources[which];
	union socket_address to, from;
	socklen_t length = socket_address_set(&to, &plan->addresses[which], plan->port);
	socklen_t from_length = socket_address_set(&from, source, 0);

	*fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd == -1)
		return -1;
	/* The end of a message must not wait for the receipt of what was before it. */
	(void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!IN6_IS_ADDR_UNSPECIFIED(source) && bind(*fd, &from.any, from_length) == -1)
		return -1;
	return connect(*fd, &to.any, length) == 0 || errno == EINPROGRESS ? 0 : -1;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct dial *dial = arg;
	size_t which = dial->begun++;
	struct attempt *attempt = &dial->attempts[which];

	(void)fd;
	(void)what;
	if (connect_to(&dial->plan, which, &attempt->fd) == -1) {
		on_failure(attempt, errno);
		return;
	}
	attempt->event = event_new(dial->base, attempt->fd, EV_WRITE, on_writable, attempt);
	if (attempt->event == NULL || event_add(attempt->event, NULL) == -1)
		on_failure(attempt, ENOMEM);
	else if (dial->begun < dial->plan.count)
		begin_after(dial, DIAL_DELAY_MS);
}

struct dial *
dial_start(struct event_base *base, const struct dial_plan *plan, dial_done_fn *done, void *arg)
{
	struct dial *dial = calloc(1, sizeof(*dial));

	if (dial == NULL)
		return NULL;
	dial->base = base;
	dial->plan = *plan;
	dial->done = done;
	dial->arg = arg;
	for (size_t i = 0; i < DIAL_MAX; i++)
		dial->attempts[i] = (struct attempt){.dial = dial, .fd = -1};
	dial->next = evtimer_new(base, on_next, dial);
	if (dial->next == NULL) {
		free(dial);
		return NULL;
	}
	begin_after(dial, 0);
	return dial;
}
