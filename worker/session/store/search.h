/* SPDX-License-Identifier: ISC */
/*
 * search - the full-text index, search.db: which trigrams are in which message (FTS5, contentless).
 *
 * It is a cache: whatever is wrong with it, it is thrown away and made again, in the background.
 * Messages are indexed in the order of their ids, which never come again; rows of messages that are
 * gone do no harm.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_SEARCH_H
#define POSTERN_WORKER_SESSION_STORE_SEARCH_H

#include <sqlite3.h>

#include "worker/session/store.h"

/* Of a message's folded text so much is indexed; one with more is a candidate always. */
#define SEARCH_TEXT_MAX ((size_t)1 << 20)

struct search {
	sqlite3 *db;
	int64_t indexed; /* messages up to this id are in it */
	int64_t rows;
};

/* Opens it, if it is not open. CREATE: makes it if there is none. NULL: there is none. */
struct search *search_open(struct store *, bool create);
void search_close(struct store *);
/* Throws it away. */
void search_discard(struct store *);

/*
 * Pure: what FTS5 shall look for: all trigrams of WORDS (of long ones, some). OUT is malloc'd; NULL
 * with *NONE true: there is no trigram in them.
 */
char *search_expression(const char *const *words, size_t word_count, bool *none);

#endif
