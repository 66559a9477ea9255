/* SPDX-License-Identifier: ISC */
/*
 * deadline - many timers of the same length, for next to nothing: a list in the order in which they
 * end, and one event for all. A connection has one at a time, and one
 * more while a reply of its is held back.
 */
#ifndef POSTERN_WORKER_GATE_DEADLINE_H
#define POSTERN_WORKER_GATE_DEADLINE_H

#include <sys/queue.h>

#include <stdint.h>

struct event_base;
struct event;
struct deadline;

TAILQ_HEAD(deadline_head, deadline);

/* All the timers of one length. */
struct deadlines {
	struct deadline_head head;
	struct event *event;
	uint64_t milliseconds;
	void (*passed)(struct deadline *);
};

/* One timer, inside what it is for; all zero is a stopped one. */
struct deadline {
	TAILQ_ENTRY(deadline) entry;
	struct deadlines *list; /* NULL: stopped */
	uint64_t ends;
};

/* Length 0 means that they never end. PASSED is called, for a stopped timer, from the event loop.
 * 0, or -1 with errno set. */
int deadlines_open(struct deadlines *, struct event_base *, uint32_t seconds,
		   void (*passed)(struct deadline *));
/* The list must be empty. */
void deadlines_close(struct deadlines *);

/* Starts it from now, anew if it runs already, in whatever list. */
void deadline_start(struct deadline *, struct deadlines *);
void deadline_stop(struct deadline *);

#endif
