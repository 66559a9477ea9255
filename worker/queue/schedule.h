/* SPDX-License-Identifier: ISC */
/*
 * schedule - which delivery is next.
 *
 * Fair to senders: all mail of one submitter, or of strangers from one domain, is a flow (flow.h).
 * Of each flow the database gives the deliveries in the order of their time (struct db_position). A
 * cursor goes through those that are due, a few rows at a time, and tells each one's mailbox; what
 * waits there of that flow is a lane. A lane has a short list of its next deliveries in memory, the
 * rest stays in the database until it is wanted, and a flow has only so many lanes, so memory
 * doesn't grow with the number of mails. New and deferred ones always come behind the cursor.
 *
 * Flows take turns, whatever the number of their mails, and within a flow its lanes do: ten
 * thousand mails of one sender hold up nobody else's, neither to their destinations nor to others.
 *
 * A mailbox whose session process can't be had, or dies, is tried again at once the first time,
 * then with growing pauses. After a death its deliveries go one at a time, until some succeed: a
 * mail that kills its session is then found out, and put off alone.
 */
#ifndef POSTERN_WORKER_QUEUE_SCHEDULE_H
#define POSTERN_WORKER_QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/queue/flow.h"
#include "worker/queue/queue.h"

struct schedule;

struct schedule *schedule_open(struct queue *);
void schedule_close(struct schedule *);

/* Takes up all flows that the database has mail of. 0, or -1 with ERR filled. */
int schedule_resume(struct schedule *, struct error *);

/*
 * The first of COUNT times of a next attempt, one a microsecond, that come behind all others so
 * far: one for each mail, so that the order in which they are told to schedule_new() is the
 * database's.
 */
int64_t schedule_positions(struct schedule *, size_t count);

/* A recipient's row is in the database. */
void schedule_new(struct schedule *, const char *mailbox, flow_id, const struct db_delivery *);
/* A deferral is in the database. */
void schedule_deferred(struct schedule *, flow_id, int64_t next_attempt);

/* Somebody wants what is due for that mailbox to be tried, whatever came of it last time. */
void schedule_try(struct schedule *, const char *mailbox);

/* TIMER goes off in DELAY microseconds, at once if that is not more than 0. */
void schedule_set_timer(struct event *timer, int64_t delay);

/* What held deliveries back may have passed. */
void schedule_wake(struct schedule *);

/* Begins no delivery any more. */
void schedule_stop(struct schedule *);
/* How many have begun and not ended. */
unsigned schedule_running(const struct schedule *);

/* Is it being delivered? */
bool schedule_is_running(const struct schedule *, const char *mailbox, uint64_t message,
			 uint32_t index);
/* Drops one that waits in memory, if it does: its row says something else now. */
void schedule_forget(struct schedule *, const char *mailbox, flow_id, uint64_t message,
		     uint32_t index);

/* Takes FD, a channel to relay: what is under way over another one goes on (remote.c, link.h). */
int schedule_open_relay(struct schedule *, int fd);

/* Is mail of somebody who has logged in on its way to that domain just now (remote.c)? */
bool schedule_sends_for_users(const struct schedule *, const char *domain);

#endif
