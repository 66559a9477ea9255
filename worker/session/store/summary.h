/* SPDX-License-Identifier: ISC */
/*
 * summary - what is kept of each message's content: made when the message comes, or when it is
 * first asked for (messages of older versions).
 */
#ifndef POSTERN_WORKER_SESSION_STORE_SUMMARY_H
#define POSTERN_WORKER_SESSION_STORE_SUMMARY_H

#include <sqlite3.h>

#include "common/mime/summary.h"
#include "worker/session/store.h"

/* Kept summaries of another version are made again. Advance it when common/mime changes them. */
#define SUMMARY_VERSION 2

/*
 * Reads the message file ID and makes its summary; mime_summary_free() it. One that can't be read
 * is summarized as an empty message, and *TRUE_ONE is false: not to be kept. STORE_TEMPORARY
 * without memory.
 */
enum store_result summary_make(const char *id, uint64_t size, int64_t internaldate,
			       struct mime_summary *, bool *true_one, struct error *);

/* Inside a transaction. */
enum store_result summary_keep(struct store *, int64_t message, const struct mime_summary *,
			       struct error *);

/* The same as the store gives it. */
void summary_present(const struct mime_summary *, struct store_summary *);

/* From the columns data, sent, sent_day, reply at COLUMN and behind. False: there is none (NULL).
 */
bool summary_from_row(sqlite3_stmt *, int column, struct store_summary *);

#endif
