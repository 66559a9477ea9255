/* SPDX-License-Identifier: ISC */
/*
 * store_deliver(): files first, on disk; then one transaction makes them the mailbox's. A crash
 * before the commit leaves files that no row points to; what the queue sends again is then stored
 * as if for the first time. After it, the recorded delivery id tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/store_private.h"

/* The queue gives up long before that; so nothing comes again after it. */
#define DELIVERY_KEPT_SECONDS ((int64_t)30 * 24 * 3600)

struct batch {
	struct store *store;
	struct store_delivery *deliveries;
	struct message_file *files; /* one each; without an id where there is nothing to store */
	size_t count;
	uint32_t uid; /* the next one */
	uint64_t modseq;
	int64_t now;
};

static void
fail(struct store_delivery *d, enum store_result result, const struct error *err)
{
	d->result = result;
	d->err = *err;
}

/* All that would have been stored. */
static void
fail_batch(struct batch *batch, enum store_result result, const struct error *err)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->files[i].id[0] != '\0')
			fail(&batch->deliveries[i], result, err);
}

static void
remove_files(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->files[i].id[0] != '\0')
			message_file_remove(batch->files[i].id);
}

/* Once a process, before the first delivery; a login alone writes nothing. */
static enum store_result
prepare(struct store *store, int64_t now, struct error *err)
{
	sqlite3_stmt *stmt;
	int code;

	if (store->prepared)
		return STORE_OK;
	if (message_files_prepare(err) == -1)
		return STORE_TEMPORARY;
	if (sqlite3_prepare_v2(store->db, "DELETE FROM deliveries WHERE stored < ?1", -1, &stmt,
			       NULL) != SQLITE_OK)
		return store_sql_failed(store->db, "index.db", err);
	sqlite3_bind_int64(stmt, 1, now - DELIVERY_KEPT_SECONDS);
	code = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (code != SQLITE_DONE)
		return store_sql_failed(store->db, "index.db: pruning delivery ids", err);
	store->prepared = true;
	return STORE_OK;
}

/* Marks what is stored already, or comes twice in this batch. */
static enum store_result
find_duplicates(struct batch *batch, struct error *err)
{
	sqlite3 *db = batch->store->db;
	enum store_result result = STORE_OK;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM deliveries WHERE id = ?1", -1, &stmt, NULL) !=
	    SQLITE_OK)
		return store_sql_failed(db, "index.db", err);
	for (size_t i = 0; i < batch->count && result == STORE_OK; i++) {
		struct store_delivery *d = &batch->deliveries[i];

		sqlite3_bind_text(stmt, 1, d->id, -1, SQLITE_STATIC);
		switch (sqlite3_step(stmt)) {
		case SQLITE_ROW:
			d->duplicate = true;
			break;
		case SQLITE_DONE:
			break;
		default:
			result = store_sql_failed(db, "index.db: delivery ids", err);
		}
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return result;
}

/* A copy of another delivery in this batch shares its fate. */
static const struct store_delivery *
twin_before(const struct batch *batch, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(batch->deliveries[j].id, batch->deliveries[i].id) == 0)
			return &batch->deliveries[j];
	return NULL;
}

/* Returns how many files there are to store. */
static size_t
write_files(struct batch *batch)
{
	char prefix[PATH_SIZE + 32];
	size_t written = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct store_delivery *d = &batch->deliveries[i];
		struct message_file *file = &batch->files[i];

		if (d->duplicate || twin_before(batch, i) != NULL)
			continue;
		snprintf(prefix, sizeof(prefix), "Return-Path: <%s>\r\n", d->return_path);
		if (message_file_write(file, prefix, d->fd, d->size, &d->err) == -1) {
			d->result = STORE_TEMPORARY;
			continue;
		}
		written++;
	}
	return written;
}

static enum store_result
run(sqlite3 *db, sqlite3_stmt *stmt, struct error *err)
{
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? STORE_OK : store_sql_failed(db, "index.db: delivery", err);
}

enum { INSERT_MESSAGE, INSERT_PLACEMENT, INSERT_DELIVERY, INSERT_COUNT };

static const char *const inserts[INSERT_COUNT] = {
    [INSERT_MESSAGE] = ("INSERT INTO messages (file, size, unterminated, internaldate)"
			" VALUES (?1, ?2, ?3, ?4)"),
    [INSERT_PLACEMENT] = ("INSERT INTO placements (folder, uid, message, modseq)"
			  " VALUES (?1, ?2, ?3, ?4)"),
    [INSERT_DELIVERY] = "INSERT INTO deliveries (id, stored) VALUES (?1, ?2)",
};

static enum store_result
insert_one(struct batch *batch, sqlite3_stmt *const stmts[INSERT_COUNT], size_t i,
	   struct error *err)
{
	sqlite3 *db = batch->store->db;
	const struct message_file *file = &batch->files[i];
	struct store_delivery *d = &batch->deliveries[i];
	enum store_result result;

	sqlite3_bind_text(stmts[INSERT_MESSAGE], 1, file->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmts[INSERT_MESSAGE], 2, (sqlite3_int64)file->size);
	sqlite3_bind_int(stmts[INSERT_MESSAGE], 3, file->unterminated);
	sqlite3_bind_int64(stmts[INSERT_MESSAGE], 4, d->received);
	result = run(db, stmts[INSERT_MESSAGE], err);
	if (result != STORE_OK)
		return result;
	if (batch->uid == UINT32_MAX) {
		error_set(err, "INBOX has used up its UIDs");
		return STORE_DAMAGED;
	}
	d->uid = batch->uid++;
	sqlite3_bind_int64(stmts[INSERT_PLACEMENT], 1, INBOX_ID);
	sqlite3_bind_int64(stmts[INSERT_PLACEMENT], 2, d->uid);
	sqlite3_bind_int64(stmts[INSERT_PLACEMENT], 3, sqlite3_last_insert_rowid(db));
	sqlite3_bind_int64(stmts[INSERT_PLACEMENT], 4, (sqlite3_int64)batch->modseq);
	result = run(db, stmts[INSERT_PLACEMENT], err);
	if (result != STORE_OK)
		return result;
	sqlite3_bind_text(stmts[INSERT_DELIVERY], 1, d->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmts[INSERT_DELIVERY], 2, batch->now);
	return run(db, stmts[INSERT_DELIVERY], err);
}

static enum store_result
insert_all(struct batch *batch, struct error *err)
{
	sqlite3 *db = batch->store->db;
	sqlite3_stmt *stmts[INSERT_COUNT] = {NULL};
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < INSERT_COUNT && result == STORE_OK; i++)
		if (sqlite3_prepare_v2(db, inserts[i], -1, &stmts[i], NULL) != SQLITE_OK)
			result = store_sql_failed(db, "index.db", err);
	for (size_t i = 0; i < batch->count && result == STORE_OK; i++)
		if (batch->files[i].id[0] != '\0')
			result = insert_one(batch, stmts, i, err);
	for (size_t i = 0; i < INSERT_COUNT; i++)
		sqlite3_finalize(stmts[i]);
	return result;
}

static enum store_result
take_numbers(struct batch *batch, struct error *err)
{
	struct store_folder inbox;
	enum store_result result = store_folder(batch->store, "INBOX", &inbox, err);

	if (result != STORE_OK)
		return result;
	batch->uid = inbox.uidnext;
	batch->modseq = inbox.highestmodseq + 1;
	return STORE_OK;
}

static enum store_result
give_numbers_back(struct batch *batch, struct error *err)
{
	sqlite3 *db = batch->store->db;
	sqlite3_stmt *stmt;
	enum store_result result;

	if (sqlite3_prepare_v2(db,
			       "UPDATE folders SET uidnext = ?2, highestmodseq = ?3 WHERE id = ?1",
			       -1, &stmt, NULL) != SQLITE_OK)
		return store_sql_failed(db, "index.db", err);
	sqlite3_bind_int64(stmt, 1, INBOX_ID);
	sqlite3_bind_int64(stmt, 2, batch->uid);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)batch->modseq);
	result = run(db, stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

/*
 * A commit that failed for lack of space has not written its end mark. After any other failure
 * (fsync!) what is in the WAL may still count if this process dies now: then the files must be
 * there, so they stay, as orphans in the likely case.
 */
static bool
surely_undone(int code)
{
	return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
}

/* *UNDONE: it is certain that no row points to the files. */
static enum store_result
record(struct batch *batch, bool *undone, struct error *err)
{
	sqlite3 *db = batch->store->db;
	enum store_result result = STORE_OK;
	int code;

	*undone = true;
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_sql_failed(db, "index.db", err);
	result = take_numbers(batch, err);
	if (result == STORE_OK)
		result = insert_all(batch, err);
	if (result == STORE_OK)
		result = give_numbers_back(batch, err);
	if (result != STORE_OK) {
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return result;
	}
	result = store_commit(db, &code, err);
	*undone = surely_undone(code);
	return result;
}

static void
store_files(struct batch *batch)
{
	enum store_result result = STORE_TEMPORARY;
	struct error err;
	bool undone = true;

	if (message_files_sync(batch->store->root, batch->files, batch->count, &err) == 0)
		result = record(batch, &undone, &err);
	if (result == STORE_OK)
		return;
	if (undone)
		remove_files(batch);
	fail_batch(batch, result, &err);
}

/* Twins answer what their first one did. */
static void
answer_twins(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct store_delivery *twin = twin_before(batch, i);

		if (twin == NULL || batch->deliveries[i].duplicate)
			continue;
		batch->deliveries[i].result = twin->result;
		batch->deliveries[i].err = twin->err;
		batch->deliveries[i].duplicate = twin->result == STORE_OK;
	}
}

static void
deliver_batch(struct batch *batch)
{
	struct error err;
	enum store_result result = prepare(batch->store, batch->now, &err);

	if (result == STORE_OK)
		result = find_duplicates(batch, &err);
	if (result != STORE_OK) {
		for (size_t i = 0; i < batch->count; i++)
			fail(&batch->deliveries[i], result, &err);
		return;
	}
	if (write_files(batch) > 0)
		store_files(batch);
	answer_twins(batch);
}

void
store_deliver(struct store *store, struct store_delivery *deliveries, size_t count)
{
	struct batch batch = {.store = store,
			      .deliveries = deliveries,
			      .files = calloc(count, sizeof(*batch.files)),
			      .count = count,
			      .now = time(NULL)};
	struct error err;

	if (batch.files == NULL)
		error_errno(&err, "delivery");
	for (size_t i = 0; i < count; i++) {
		deliveries[i].result = STORE_OK;
		deliveries[i].duplicate = false;
		deliveries[i].uid = 0;
		deliveries[i].err.text[0] = '\0';
		if (batch.files == NULL)
			fail(&deliveries[i], STORE_TEMPORARY, &err);
		else
			batch.files[i].fd = -1;
	}
	if (batch.files != NULL)
		deliver_batch(&batch);
	free(batch.files);
}
