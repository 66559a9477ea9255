/* SPDX-License-Identifier: ISC */
/* Transactions, and who watches what they change. */
#include <stdlib.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

struct store_watch {
	LIST_ENTRY(store_watch) entry;
	store_changed_fn *changed;
	store_noted_fn *noted; /* or NULL */
	void *arg;
};

struct store_watch *
store_watch(struct store *store, store_changed_fn *changed, void *arg)
{
	struct store_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->changed = changed;
	watch->arg = arg;
	LIST_INSERT_HEAD(&store->watches, watch, entry);
	return watch;
}

void
store_watch_metadata(struct store_watch *watch, store_noted_fn *noted)
{
	watch->noted = noted;
}

void
store_unwatch(struct store *store, struct store_watch *watch)
{
	if (watch == NULL)
		return;
	if (store->next_watch == watch)
		store->next_watch = LIST_NEXT(watch, entry);
	LIST_REMOVE(watch, entry);
	free(watch);
}

/* A watcher may unwatch itself or another from inside. */
static void
tell(struct store *store, int64_t folder)
{
	struct store_watch *watch = LIST_FIRST(&store->watches);

	while (watch != NULL) {
		store->next_watch = LIST_NEXT(watch, entry);
		watch->changed(watch->arg, folder);
		watch = store->next_watch;
	}
	store->next_watch = NULL;
}

void
transaction_tell_noted(struct store *store, int64_t folder, const char *entry)
{
	struct store_watch *watch = LIST_FIRST(&store->watches);

	while (watch != NULL) {
		store->next_watch = LIST_NEXT(watch, entry);
		if (watch->noted != NULL)
			watch->noted(watch->arg, folder, entry);
		watch = store->next_watch;
	}
	store->next_watch = NULL;
}

static void
tell_all(struct store *store)
{
	int64_t changed[CHANGED_MAX];
	size_t count = store->changed_count;

	/* From here on the list is the next transaction's, which a watcher might make. */
	for (size_t i = 0; i < count; i++)
		changed[i] = store->changed[i];
	store->changed_count = 0;
	for (size_t i = 0; i < count; i++)
		tell(store, changed[i]);
}

void
transaction_changed(struct store *store, int64_t folder)
{
	for (size_t i = 0; i < store->changed_count; i++)
		if (store->changed[i] == folder)
			return;
	if (store->changed_count < CHANGED_MAX)
		store->changed[store->changed_count++] = folder;
}

enum store_result
transaction_begin(struct store *store, struct error *err)
{
	store->changed_count = 0;
	return sql_run_values(store, err, "BEGIN IMMEDIATE", NULL, 0);
}

static void
roll_back(struct store *store)
{
	store->changed_count = 0;
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/*
 * A commit that failed for lack of space has not written its end mark. After any other failure
 * (fsync!) what is in the WAL may still count if this process dies now.
 */
static bool
surely_undone(int code)
{
	return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
}

/* Whose time is over by now has its work done all the same. */
static enum store_result
commit(struct store *store, struct error *err)
{
	uint64_t work_end = store->work_end;
	enum store_result result;

	store->work_end = 0;
	result = sql_run_values(store, err, "COMMIT", NULL, 0);
	store->work_end = work_end;
	return result;
}

enum store_result
transaction_end(struct store *store, enum store_result result, bool *undone, struct error *err)
{
	if (undone != NULL)
		*undone = true;
	if (result != STORE_OK) {
		roll_back(store);
		return result;
	}
	result = commit(store, err);
	if (result == STORE_OK) {
		tell_all(store);
		return STORE_OK;
	}
	if (undone != NULL)
		*undone = surely_undone(sqlite3_extended_errcode(store->db));
	error_prefix(err, "commit");
	roll_back(store);
	return result;
}

/* In WAL mode a commit with NORMAL writes, and leaves the fsync() to the next one with FULL. */
enum store_result
transaction_end_unsynced(struct store *store, enum store_result result, struct error *err)
{
	if (result == STORE_OK)
		result = commit(store, err);
	if (result == STORE_OK)
		tell_all(store);
	else
		roll_back(store);
	sqlite3_exec(store->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
	return result;
}

enum store_result
transaction_begin_unsynced(struct store *store, struct error *err)
{
	enum store_result result;

	/* Only possible outside of a transaction. */
	sqlite3_exec(store->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
	result = transaction_begin(store, err);
	if (result != STORE_OK)
		sqlite3_exec(store->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
	return result;
}
