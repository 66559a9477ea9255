/* SPDX-License-Identifier: ISC */
/*
 * schedule - which delivery is next.
 *
 * There is one struct a mailbox that has mail waiting, and a short list of its next deliveries in
 * memory; the rest stays in the database until it is wanted, so memory doesn't grow with the
 * number of mails. A mailbox' deliveries are in the order of their time (struct db_position): those
 * up to its position have been taken into memory, new and deferred ones always come behind it.
 *
 * Mailboxes with something to do take turns, whatever the number of their mails.
 *
 * A mailbox whose session process can't be had, or dies, is tried again at once the first time,
 * then with growing pauses. After a death its deliveries go one at a time, until some succeed: a
 * mail that kills its session is then found out, and put off alone.
 */
#ifndef POSTERN_WORKER_QUEUE_SCHEDULE_H
#define POSTERN_WORKER_QUEUE_SCHEDULE_H

#include <stdint.h>

#include "worker/queue/queue.h"

struct schedule;

struct schedule *schedule_open(struct queue *);
void schedule_close(struct schedule *);

/* Takes up all mailboxes that the database has mail for. 0, or -1 with ERR filled. */
int schedule_resume(struct schedule *, struct error *);

/*
 * The first of COUNT times of a next attempt, one a microsecond, that come behind all others so
 * far: one for each mail, so that the order in which they are told to schedule_new() is the
 * database's.
 */
int64_t schedule_positions(struct schedule *, size_t count);

/* A recipient's row is in the database, with that POSITION. */
void schedule_new(struct schedule *, const char *mailbox, uint64_t message, uint32_t index,
		  uint32_t notify, int64_t position);
/* A deferral is in the database. */
void schedule_deferred(struct schedule *, const char *mailbox, int64_t next_attempt);

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
void schedule_forget(struct schedule *, const char *mailbox, uint64_t message, uint32_t index);

/* Takes a new channel to relay in place of the old one (remote.c). */
int schedule_open_relay(struct schedule *, int fd);

#endif
