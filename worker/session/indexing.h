/* SPDX-License-Identifier: ISC */
/*
 * indexing - keeps the index for searches up to date while clients are here: a little at a time,
 * when they leave time for it.
 */
#ifndef POSTERN_WORKER_SESSION_INDEXING_H
#define POSTERN_WORKER_SESSION_INDEXING_H

#include <stdbool.h>

#include "worker/session/store.h"

struct event_base;
struct indexing;

/* Whose index is to be kept now; NULL: nobody's. */
typedef struct store *indexing_store_fn(void);

/* MAILBOX: for the log; outlives it. NULL: no memory. It lives as long as the process. */
struct indexing *indexing_new(struct event_base *, const char *mailbox, indexing_store_fn *);

/* Something came or was asked: in a while there may be something to do. */
void indexing_later(struct indexing *);

/* A client was served: another may wait for its answer. Also indexing_later(). */
void indexing_worked(struct indexing *);

#endif
