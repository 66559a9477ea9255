/* SPDX-License-Identifier: ISC */
#include "master/backoff.h"

#define DOUBLINGS_MAX 16 /* the longest wait that can be asked for is below 2^16 seconds */

unsigned
backoff_next(struct backoff *b, uint64_t lived, unsigned most)
{
	unsigned wait;

	if (lived >= BACKOFF_HEALTHY)
		b->failures = 0;
	if (b->failures == 0)
		wait = 0;
	else
		wait = 1U << (b->failures - 1);
	if (b->failures <= DOUBLINGS_MAX)
		b->failures++;
	return wait < most ? wait : most;
}
