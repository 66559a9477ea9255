/* SPDX-License-Identifier: ISC */
/* What the files of this store share; nobody else includes it. */
#ifndef POSTERN_WORKER_SESSION_STORE_STORE_PRIVATE_H
#define POSTERN_WORKER_SESSION_STORE_STORE_PRIVATE_H

#include <sqlite3.h>
#include <sys/queue.h>

#include "worker/session/store.h"

#define INBOX_ID 1

#define SQL_KEPT_MAX 96 /* there are fewer statements than that in the source */
#define CHANGED_MAX 8   /* folders one transaction can change, and the tree */

struct sql_kept {
	const char *sql;
	sqlite3_stmt *stmt;
	bool used;
};

struct store {
	sqlite3 *db;
	int root;       /* the mailbox's directory; open since before anything was written, so that
			   syncfs() on it tells of every failure since */
	bool prepared;  /* the folders for messages are there, tmp/ is empty, old ids are pruned */
	bool rows_left; /* of messages whose files were removed */
	LIST_HEAD(store_watches, store_watch) watches;
	struct store_watch *next_watch; /* while they are told */
	int64_t changed[CHANGED_MAX];   /* by the transaction under way */
	size_t changed_count;
	struct sql_kept kept[SQL_KEPT_MAX];
	size_t kept_count;
	uint64_t storage_limit, messages_limit; /* 0: none */
	uint64_t work_end;                      /* CPU time in ns; 0: no limit */
	struct search *search;                  /* the full-text index; NULL: not open */
	unsigned vanished;                      /* ranges recorded since the last pruning */
};

/* Has statements of DB, this store's, end with SQLITE_INTERRUPT when work_end is over. */
void store_watch_work(struct store *, sqlite3 *db);

/* What an SQLite result code means to the caller. */
enum store_result store_sql_result(int code);

/* Fills ERR with WHAT and SQLite's words for the last failure; returns what it means. */
enum store_result store_sql_failed(sqlite3 *, const char *what, struct error *);

#endif
