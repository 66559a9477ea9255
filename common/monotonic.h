/* SPDX-License-Identifier: ISC */
/*
 * monotonic - the clock that nobody sets, counted from some moment before the server's start: for
 * how long something takes or has to wait. What outlives the machine's uptime has another one
 * (worker/queue/clock.h).
 */
#ifndef POSTERN_COMMON_MONOTONIC_H
#define POSTERN_COMMON_MONOTONIC_H

#include <stdint.h>
#include <time.h>

static inline int64_t
monotonic_nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t
monotonic_milliseconds(void)
{
	return monotonic_nanoseconds() / 1000000;
}

static inline int64_t
monotonic_seconds(void)
{
	return monotonic_nanoseconds() / 1000000000;
}

#endif
