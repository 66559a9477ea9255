/* SPDX-License-Identifier: ISC */
#include "worker/queue/clock.h"

#include <stdbool.h>
#include <time.h>

#define BACKOFF_MAX (3600 * CLOCK_SECOND)

static int64_t
read_clock(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t
clock_now(void)
{
	static int64_t offset;
	static bool started;

	if (!started) {
		offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
		started = true;
	}
	return offset + read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_backoff(uint32_t first, uint32_t attempts, uint32_t random)
{
	int64_t delay = (first == 0 ? 1 : (int64_t)first) * CLOCK_SECOND;

	for (uint32_t i = 1; i < attempts && delay < BACKOFF_MAX; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX)
		delay = BACKOFF_MAX;
	return delay - delay / 4 + (int64_t)((uint64_t)random % (uint64_t)(delay / 2 + 1));
}
