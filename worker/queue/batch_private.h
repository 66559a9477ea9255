/* SPDX-License-Identifier: ISC */
/*
 * What the batch*.c share: all that is to be written together.
 *
 *   batch.c        gathers it, decides when, and tells those who wait what became of it
 *   batch_write.c  writes it
 */
#ifndef POSTERN_WORKER_QUEUE_BATCH_PRIVATE_H
#define POSTERN_WORKER_QUEUE_BATCH_PRIVATE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/queue/batch.h"
#include "worker/queue/db.h"
#include "worker/queue/flow.h"
#include "worker/queue/transaction.h"

#define RESULTS_SECONDS 1

struct event;

struct waiting {
	STAILQ_ENTRY(waiting) entry;
	struct result result;
	bool left_file;
	flow_id flow; /* of one that was deferred; -1: it is gone */
	char reason[];
};
STAILQ_HEAD(results, waiting);
TAILQ_HEAD(commits, transaction);

struct batch {
	struct queue *queue;
	struct commits commits;
	size_t commit_count;
	int64_t since; /* when the first of them came */
	struct results results;
	size_t result_count;
	bool unsynced; /* some are written that a power cut may undo, */
	int64_t unsynced_since;
	struct results left;  /* and until they are on disk these keep their files */
	struct event *quiet;  /* nothing else is left to do */
	struct event *urgent; /* there is, but this can't wait */
	struct event *timer;  /* results without a commit to go with, or that are UNSYNCED */
	char body[BATCH_SMALL_MAX];
};

/*
 * The bodies that stay files, and their names, are on disk when this returns; transactions whose
 * body is not have failed, and are gone.
 */
void batch_keep_files(struct batch *);

/*
 * Everything, or nothing. What DB_OK was returned for is on disk; or written, and UNSYNCED, where
 * no mail is new. POSITION: where the first new one comes in the order of deliveries.
 */
enum db_status batch_write(struct batch *, int64_t position);

#endif
