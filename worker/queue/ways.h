/* SPDX-License-Identifier: ISC */
/* ways - where a forward-path leads, as accounts says it. Pure. */
#ifndef POSTERN_WORKER_QUEUE_WAYS_H
#define POSTERN_WORKER_QUEUE_WAYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/accounts_queue.h"

/*
 * Strings one behind the other, in the tail that they were taken from; none unless the verdict is
 * RCPT_LOCAL.
 */
struct ways {
	size_t mailbox_count;
	const char *mailboxes; /* each fit for a mailbox's name (queue_is_address()) */
	size_t forward_count;  /* to other hosts */
	const char *forwards;  /* each a path of its own (queue_is_path()) */
	const char *sender;    /* the reverse-path that the mail has there; "": the null one */
};

/*
 * Takes AQ_RESOLVED with its tail: LENGTH bytes of TEXT, and a NUL behind them. False if it isn't
 * what the table of messages says: then *WAYS means nothing.
 */
bool ways_take(const struct aq_resolved *, const char *text, size_t length, struct ways *);

#endif
