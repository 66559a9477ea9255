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

#include "worker/session/store/account.h"
#include "worker/session/store/change.h"
#include "worker/session/store/message_file.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* The queue gives up long before that; so nothing comes again after it. */
#define DELIVERY_KEPT_SECONDS ((int64_t)30 * 24 * 3600)

struct batch {
	struct store *store;
	struct store_delivery *deliveries;
	struct message_file *files; /* one each; without an id where there is nothing to store */
	size_t count;
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
	enum store_result result;

	if (store->prepared)
		return STORE_OK;
	if (message_files_prepare(err) == -1)
		return STORE_TEMPORARY;
	result = sql_run(store, err, "DELETE FROM deliveries WHERE stored < ?1",
			 SQL_INT(now - DELIVERY_KEPT_SECONDS));
	if (result == STORE_OK)
		store->prepared = true;
	return result;
}

/* Marks what is stored already, or comes twice in this batch. */
static enum store_result
find_duplicates(struct batch *batch, struct error *err)
{
	enum store_result result = STORE_OK;
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < batch->count && result == STORE_OK; i++) {
		struct store_delivery *d = &batch->deliveries[i];

		result = sql_start(batch->store, &stmt, err,
				   "SELECT 1 FROM deliveries WHERE id = ?1", SQL_TEXT(d->id));
		if (result == STORE_OK)
			result = sql_next(batch->store, stmt, &d->duplicate, err);
		sql_end(batch->store, stmt);
	}
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
insert_one(struct batch *batch, struct change *change, int64_t message, size_t i, struct error *err)
{
	const struct message_file *file = &batch->files[i];
	struct store_delivery *d = &batch->deliveries[i];
	enum store_result result = change_take_uid(change, &d->uid, err);

	if (result == STORE_OK)
		result = sql_run(batch->store, err,
				 "INSERT INTO messages (id, file, size, unterminated, internaldate)"
				 " VALUES (?1, ?2, ?3, ?4, ?5)",
				 SQL_INT(message), SQL_TEXT(file->id), SQL_INT(file->size),
				 SQL_INT(file->unterminated), SQL_INT(d->received));
	if (result == STORE_OK)
		result = sql_run(batch->store, err,
				 "INSERT INTO placements (folder, uid, message, modseq, saved)"
				 " VALUES (?1, ?2, ?3, ?4, ?5)",
				 SQL_INT(INBOX_ID), SQL_INT(d->uid), SQL_INT(message),
				 SQL_INT(change->modseq), SQL_INT(batch->now));
	if (result == STORE_OK)
		result = sql_run(batch->store, err,
				 "INSERT INTO deliveries (id, stored) VALUES (?1, ?2)",
				 SQL_TEXT(d->id), SQL_INT(batch->now));
	change_add(change, 0, file->size);
	return result;
}

static enum store_result
insert_all(struct batch *batch, struct error *err)
{
	struct change change;
	enum store_result result = change_begin(batch->store, INBOX_ID, &change, err);
	int64_t message = 0;

	if (result == STORE_OK)
		result = account_take_messages(batch->store, batch->count, &message, err);
	for (size_t i = 0; i < batch->count && result == STORE_OK; i++)
		if (batch->files[i].id[0] != '\0')
			result = insert_one(batch, &change, message++, i, err);
	if (result == STORE_OK)
		result = change_end(batch->store, &change, err);
	return result;
}

/* *UNDONE: it is certain that no row points to the files. */
static enum store_result
record(struct batch *batch, bool *undone, struct error *err)
{
	enum store_result result = transaction_begin(batch->store, err);

	*undone = true;
	if (result == STORE_OK) {
		result = insert_all(batch, err);
		result = transaction_end(batch->store, result, undone, err);
	}
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
