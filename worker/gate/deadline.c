/* SPDX-License-Identifier: ISC */
#include "worker/gate/deadline.h"

#include <event2/event.h>
#include <stddef.h>

#include "common/monotonic.h"

/* Has the event come when the first timer ends. */
static void
arm(struct deadlines *list, uint64_t at)
{
	struct deadline *first = TAILQ_FIRST(&list->head);
	struct timeval tv;
	uint64_t left;

	if (first == NULL)
		return;
	/* A millisecond more: never early, so never twice. */
	left = first->ends > at ? first->ends - at + 1 : 0;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	event_add(list->event, &tv);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct deadlines *list = arg;
	uint64_t at = (uint64_t)monotonic_milliseconds();
	struct deadline *d;

	(void)fd;
	(void)what;
	while ((d = TAILQ_FIRST(&list->head)) != NULL && d->ends <= at) {
		deadline_stop(d);
		list->passed(d);
	}
	arm(list, at);
}

int
deadlines_open(struct deadlines *list, struct event_base *base, uint32_t seconds,
	       void (*passed)(struct deadline *))
{
	TAILQ_INIT(&list->head);
	list->milliseconds = (uint64_t)seconds * 1000;
	list->passed = passed;
	list->event = evtimer_new(base, on_event, list);
	return list->event == NULL ? -1 : 0;
}

void
deadlines_close(struct deadlines *list)
{
	if (list->event != NULL)
		event_free(list->event);
	list->event = NULL;
}

void
deadline_start(struct deadline *d, struct deadlines *list)
{
	uint64_t at;

	deadline_stop(d);
	if (list->milliseconds == 0)
		return;
	at = (uint64_t)monotonic_milliseconds();
	d->ends = at + list->milliseconds;
	d->list = list;
	TAILQ_INSERT_TAIL(&list->head, d, entry);
	/* Later ones need no event of their own: when it comes, it looks for the next. */
	if (TAILQ_FIRST(&list->head) == d)
		arm(list, at);
}

void
deadline_stop(struct deadline *d)
{
	if (d->list == NULL)
		return;
	TAILQ_REMOVE(&d->list->head, d, entry);
	d->list = NULL;
}
