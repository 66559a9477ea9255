/* SPDX-License-Identifier: ISC */
/* The mailbox in a directory: index.db (SQLite) is the truth, msg/xx/ID holds what it points to. */
#include "worker/session/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/schema.h"
#include "worker/session/store/search.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define CACHE_KIB 256 /* one mailbox's index; there may be thousands of processes */

#define WORK_STEPS 20000 /* of SQLite's machine between two looks at the clock: about 1 ms */

static uint64_t
cpu_time(void)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
store_limit_work(struct store *store, uint64_t ms)
{
	store->work_end = ms == 0 ? 0 : cpu_time() + ms * 1000000;
}

static int
is_too_long(void *arg)
{
	const struct store *store = arg;

	return store->work_end != 0 && cpu_time() > store->work_end;
}

void
store_watch_work(struct store *store, sqlite3 *db)
{
	sqlite3_progress_handler(db, WORK_STEPS, is_too_long, store);
}

enum store_result
store_sql_result(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return STORE_OK;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* SQL that does not fit: not the tables we made */
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
		return STORE_DAMAGED;
	case SQLITE_INTERRUPT:
		return STORE_LIMIT;
	default:
		return STORE_TEMPORARY;
	}
}

enum store_result
store_sql_failed(sqlite3 *db, const char *what, struct error *err)
{
	enum store_result result = store_sql_result(sqlite3_errcode(db));

	if (result == STORE_LIMIT)
		error_set(err, STORE_TOO_LONG);
	else
		sqlite_dir_error(db, what, err);
	return result;
}

static enum store_result
open_index(struct store *store, struct error *err)
{
	enum store_result result;
	bool changed;
	int code;

	if (sqlite_dir_open("index.db", CACHE_KIB, &store->db, &code, err) == -1)
		return store_sql_result(code);
	result = schema_upgrade(store->db, &changed, err);
	if (result != STORE_OK)
		return result;
	/* SQLite made its files' names durable when it made the WAL; a new mailbox makes sure. */
	if (changed && fsync(store->root) == -1) {
		error_errno(err, "fsync of the mailbox's directory");
		return STORE_TEMPORARY;
	}
	return STORE_OK;
}

enum store_result
store_open(struct store **out, struct error *err)
{
	struct store *store = calloc(1, sizeof(*store));
	enum store_result result;

	*out = NULL;
	if (store == NULL) {
		error_errno(err, "mailbox");
		return STORE_TEMPORARY;
	}
	LIST_INIT(&store->watches);
	store->root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->root == -1) {
		error_errno(err, "the mailbox's directory");
		result = STORE_TEMPORARY;
	} else {
		result = open_index(store, err);
	}
	if (result != STORE_OK) {
		store_close(store);
		return result;
	}
	store_watch_work(store, store->db);
	*out = store;
	return STORE_OK;
}

void
store_close(struct store *store)
{
	struct store_watch *watch;

	if (store == NULL)
		return;
	if (store->rows_left)
		(void)remove_doomed(store, true);
	search_close(store);
	sql_forget(store);
	while ((watch = LIST_FIRST(&store->watches)) != NULL)
		store_unwatch(store, watch);
	sqlite3_close(store->db);
	if (store->root != -1)
		close(store->root);
	free(store);
}

void
store_rest(struct store *store)
{
	if (store->rows_left)
		(void)remove_doomed(store, true);
	search_close(store);
	sql_forget(store);
	sqlite3_db_release_memory(store->db);
}
