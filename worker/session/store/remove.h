/* SPDX-License-Identifier: ISC */
/*
 * remove - takes messages out of folders. A message that is in no folder any more is doomed by the
 * same transaction; its file and its row go after the commit, so that a crash leaves a doomed one
 * and never a row without its file.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_REMOVE_H
#define POSTERN_WORKER_SESSION_STORE_REMOVE_H

#include "worker/session/ranges.h"
#include "worker/session/store/change.h"

/*
 * Inside a transaction: removes what is in RANGES of CHANGE's folder (ONLY_DELETED: and has
 * \Deleted), gives their UIDs in REMOVED (empty before), and records that they vanished. *COUNT
 * (may be NULL) is how many there were.
 */
enum store_result remove_placements(struct store *, struct change *, const struct store_range *,
				    size_t range_count, bool only_deleted, struct ranges *removed,
				    size_t *count, struct error *);

/* Inside a transaction: these UIDs vanished with CHANGE's MODSEQ. */
enum store_result remove_note(struct store *, const struct change *, const struct ranges *,
			      struct error *);

/* A message that may be in no folder any more. */
enum store_result remove_if_unplaced(struct store *, int64_t message, struct error *);

/*
 * After a commit: removes files of doomed messages, a bounded number at a time, and their rows, if
 * they are many or (ALL) in any case. What fails is tried again the next time. Returns whether any
 * are left.
 */
bool remove_doomed(struct store *, bool all);

/* Forgets the oldest of what vanished, if there is much of it. Inside a transaction. */
enum store_result remove_prune(struct store *, int64_t folder, struct error *);

#endif
