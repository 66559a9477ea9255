/* SPDX-License-Identifier: ISC */
/*
 * batch - what goes to disk together.
 *
 * All commits that gates ask for in one turn of the loop, and all results of deliveries since the
 * last time, make one transaction and one sync. While the disk works, the next ones gather in the
 * sockets: a batch is run when nothing else is left to do, so it takes all of them.
 *
 * Results alone are written, which the end of this process can't undo, and brought to disk with the
 * next commit or within a second or two. A power cut before that repeats their deliveries.
 */
#ifndef POSTERN_WORKER_QUEUE_BATCH_H
#define POSTERN_WORKER_QUEUE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/queue/queue.h"

#define BATCH_SMALL_MAX (64 * 1024) /* larger bodies stay files */

struct batch;
struct transaction;

struct batch *batch_new(struct queue *);
void batch_free(struct batch *);

/* A transaction in COMMIT: it is answered, and freed, after it is durable or has failed. */
void batch_add(struct batch *, struct transaction *);
void batch_remove(struct batch *, struct transaction *);

/*
 * How a delivery ended: RESULT_DONE, RESULT_DEFER (NEXT_ATTEMPT may be DB_HELD), or RESULT_REMEMBER
 * for a message's id that must stay known. Written within a second or so; a delivery whose result
 * is lost is tried again, and its mailbox recognises it. Other hosts don't: what they have taken is
 * SOON, and written as soon as nothing else is left to do. Once a deferral is written, the schedule
 * is told (schedule_deferred()).
 */
enum result_kind { RESULT_DONE, RESULT_DEFER, RESULT_REMEMBER };
struct result {
	enum result_kind kind;
	uint64_t message;
	uint32_t index;
	uint32_t attempts;
	int64_t next_attempt;
	const char *reason; /* copied */
	bool soon;
	bool unreached; /* RESULT_DEFER: no host of its domain could be connected to */
};
void batch_result(struct batch *, const struct result *);

/* So many results wait that deliveries should too: the disk does not take them. */
bool batch_is_behind(const struct batch *);

/* Nothing waits. */
bool batch_is_empty(const struct batch *);

/*
 * Writes all that is there, now; if nothing is, brings what was written to disk. If it fails, the
 * results still wait.
 */
enum db_status batch_run(struct batch *);
/* Brings what was written to disk. */
void batch_sync(struct batch *);

#endif
