/* SPDX-License-Identifier: ISC */
/*
 * uid_runs - the UIDs of a large folder as runs, kept beside its rows, so that opening it takes
 * time for what has changed since and not for each message.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_UID_RUNS_H
#define POSTERN_WORKER_SESSION_STORE_UID_RUNS_H

#include <stdbool.h>

#include "worker/session/store.h"

/* Smaller folders are read row by row. */
#define UID_RUNS_FROM 10000

/*
 * Fills UIDS, which has room for FOLDER->messages, from what was kept and from what changed since.
 * False: nothing was kept, or it does not lead to that many, and the rows must be read.
 * *KEEP_AGAIN: much has changed since.
 */
bool uid_runs_read(struct store *, const struct store_folder *, uint32_t *uids, bool *keep_again);

/*
 * Keeps all UIDS of FOLDER as it is now, unless they are in too many pieces. Failing does no harm.
 * Does nothing inside a transaction.
 */
void uid_runs_keep(struct store *, const struct store_folder *, const uint32_t *uids);

#endif
