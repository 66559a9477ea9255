/* SPDX-License-Identifier: ISC */
/*
 * flow - whose mail a delivery is, for taking turns: all mail of one submitter, or strangers' mail
 * from one domain.
 *
 * Strangers can call themselves what they like, so their domains share FLOW_STRANGERS flows: what
 * is kept for them in memory doesn't grow with their imagination.
 */
#ifndef POSTERN_WORKER_QUEUE_FLOW_H
#define POSTERN_WORKER_QUEUE_FLOW_H

#include <stdint.h>

#define FLOW_STRANGERS 256

typedef int64_t flow_id; /* 0 to FLOW_STRANGERS - 1: of strangers; larger ones: a submitter's */

/*
 * SUBMITTER: the account that logged in, or ""; SENDER: the reverse-path. What has none goes by the
 * domain of the MAILBOX that it is for: reports to hosts that are slow hold up no others. Pure.
 */
flow_id flow_of(const char *submitter, const char *sender, const char *mailbox);

#endif
