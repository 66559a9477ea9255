/* SPDX-License-Identifier: ISC */
/* backoff - how long to wait before what died is started again. Pure functions. */
#ifndef POSTERN_MASTER_BACKOFF_H
#define POSTERN_MASTER_BACKOFF_H

#include <stdint.h>

#define BACKOFF_HEALTHY 10 /* seconds: who lived that long is forgiven what was before */

struct backoff {
	unsigned failures; /* in a row; starts as 0 */
};

/* It died after LIVED seconds: returns the seconds to wait, 0, 1, 2, 4 ... MOST. */
unsigned backoff_next(struct backoff *, uint64_t lived, unsigned most);

#endif
