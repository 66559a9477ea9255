/* SPDX-License-Identifier: ISC */
/*
 * clock - the queue's time, and how long it waits.
 *
 * The queue compares times that it wrote down with the time it is now. A wall clock that is set
 * while it runs must neither stop deliveries nor hurry them, so its time is the wall clock's of
 * the process' first look, plus what a clock that is never set has counted since.
 */
#ifndef POSTERN_WORKER_QUEUE_CLOCK_H
#define POSTERN_WORKER_QUEUE_CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000) /* times are microseconds since the epoch */

int64_t clock_now(void);

/*
 * How long to wait before attempt ATTEMPTS + 1, in microseconds, after ATTEMPTS (1 or more) have
 * failed: FIRST seconds, then twice as long each time, an hour at most; then a quarter less to a
 * quarter more, as RANDOM says, so that what failed together is not tried together. Pure.
 */
#define CLOCK_LONGEST (3600 * CLOCK_SECOND * 5 / 4) /* that ever is */
int64_t clock_backoff(uint32_t first, uint32_t attempts, uint32_t random);

#endif
