/* SPDX-License-Identifier: ISC */
/*
 * limit - how much each account has sent within the last hour, counted by minutes. In memory: a
 * queue that is started again begins anew. Accounts that have sent nothing for an hour cost
 * nothing.
 */
#ifndef POSTERN_WORKER_QUEUE_LIMIT_H
#define POSTERN_WORKER_QUEUE_LIMIT_H

#include <stdint.h>

#include "common/proto/gate_queue.h"

struct limiter;

/* NULL without memory. */
struct limiter *limiter_new(void);
void limiter_free(struct limiter *); /* NULL is fine */

/*
 * A message of ACCOUNT to so many recipients, at NOW (seconds of a clock that does not go back).
 * LIMIT_NONE: it is counted. Else it is not, and *LIMIT is what was reached, *WAIT the seconds
 * after which it will have room, 0 if it never will. A limit of 0 is none. Without memory nothing
 * is limited.
 */
enum submit_limit limiter_take(struct limiter *, const char *account, const struct submit_limits *,
			       uint32_t recipients, uint64_t now, uint32_t *limit, uint32_t *wait);

#endif
