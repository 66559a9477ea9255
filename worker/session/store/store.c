/* SPDX-License-Identifier: ISC */
/* The mailbox in a directory: index.db (SQLite) is the truth, msg/xx/ID holds what it points to. */
#include "worker/session/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/schema.h"
#include "worker/session/store/search.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define CACHE_KIB 256 /* one mailbox's index; there may be thousands of processes */

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
	default:
		return STORE_TEMPORARY;
	}
}

enum store_result
store_sql_failed(sqlite3 *db, const char *what, struct error *err)
{
	sqlite_dir_error(db, what, err);
	return store_sql_result(sqlite3_errcode(db));
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
