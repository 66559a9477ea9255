/* SPDX-License-Identifier: ISC */
/* What the files of this store share; nobody else includes it. */
#ifndef POSTERN_WORKER_SESSION_STORE_STORE_PRIVATE_H
#define POSTERN_WORKER_SESSION_STORE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "worker/session/store.h"

#define INBOX_ID 1

struct store {
	sqlite3 *db;
	int root;      /* the mailbox's directory; open since before anything was written, so that
			  syncfs() on it tells of every failure since */
	bool prepared; /* the folders for messages are there, tmp/ is empty, old ids are pruned */
};

/* What an SQLite result code means to the caller. */
enum store_result store_sql_result(int code);

/* Fills ERR with WHAT and SQLite's words for the last failure; returns what it means. */
enum store_result store_sql_failed(sqlite3 *, const char *what, struct error *);

/* COMMIT, or with a failure ROLLBACK. *CODE: SQLite's extended result code. */
enum store_result store_commit(sqlite3 *, int *code, struct error *);

#endif
