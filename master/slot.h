/* SPDX-License-Identifier: ISC */
/* slot - a place that should always have a living child in it: certd, accounts, queue, a gate. */
#ifndef POSTERN_MASTER_SLOT_H
#define POSTERN_MASTER_SLOT_H

#include <stdbool.h>

#include "master/backoff.h"
#include "master/process.h"

struct slot {
	struct master *master;
	const struct master_role *role;
	struct process *process; /* or NULL: to be started by the timer */
	struct backoff backoff;
	struct event *timer;
	bool wanted; /* false: what dies stays dead */
};

/* Returns 0, or -1 without memory. */
int slot_init(struct slot *, struct master *, const struct master_role *);
/* Starts a child now; if that fails it is tried again later. */
void slot_fill(struct slot *);
/* The same for an exited child's exit on purpose (a changed setting): no back-off. */
void slot_restart(struct slot *);
/* The same, but first it may finish what it has in hand, for so many seconds at most: there are
 * never two. */
void slot_renew(struct slot *, unsigned seconds);
/*
 * The same, if its child finishes its work when it is told to drain: it does so beside its
 * successor, for so many seconds at most.
 */
void slot_succeed(struct slot *, unsigned seconds);
/* No restart from now on. The child, if there is one, lives on. */
void slot_close(struct slot *);
/* Likewise, and its child ends; slot_init() and slot_fill() begin anew. */
void slot_stop(struct slot *);
/* The slot's child is dead: role->gone of those that have one. STATUS as of waitpid(2). */
void slot_gone(struct process *, int status);
bool slot_ready(const struct slot *);

#endif
