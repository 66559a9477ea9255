/* SPDX-License-Identifier: ISC */
/*
 * store_deliver(): files first, on disk; then one transaction makes them the mailbox's. What a
 * crash before the commit leaves is removed at the next start, and what the queue sends again is
 * stored as if for the first time; after the commit the recorded delivery id tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/store/account.h"
#include "worker/session/store/change.h"
#include "worker/session/store/folder_change.h"
#include "worker/session/store/insert.h"
#include "worker/session/store/message_file.h"
#include "worker/session/store/recover.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

struct batch {
	struct store *store;
	struct store_delivery *deliveries;
	struct message_file *files; /* one each; without an id where there is nothing to store */
	int64_t *folders;           /* likewise */
	size_t count;
	size_t written;  /* files, */
	uint64_t octets; /* and what is in them */
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
discard_files(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		message_file_discard(&batch->files[i]);
}

static void
place_files(const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->files[i].id[0] != '\0')
			message_file_place(batch->files[i].id);
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

/* One that does not fit is not written; a smaller one behind it may fit. */
static bool
has_room(struct batch *batch, struct store_delivery *d, uint64_t octets)
{
	d->result =
	    change_check_quota(batch->store, batch->written + 1, batch->octets + octets, &d->err);
	return d->result == STORE_OK;
}

/* What it will take at most; base64 makes four octets of three, and a line end behind 57. */
static uint64_t
size_of(const struct store_delivery *d)
{
	return d->binary && d->size < UINT64_MAX / 2 ? d->size + d->size / 2 : d->size;
}

static int
write_file(struct message_file *file, const char *prefix, struct store_delivery *d)
{
	return d->binary ? message_file_write_lines(file, prefix, d->fd, d->size, &d->err)
			 : message_file_write(file, prefix, d->fd, d->size, &d->err);
}

static void
write_files(struct batch *batch)
{
	char prefix[PATH_SIZE + 32];

	for (size_t i = 0; i < batch->count; i++) {
		struct store_delivery *d = &batch->deliveries[i];
		struct message_file *file = &batch->files[i];

		if (d->duplicate || twin_before(batch, i) != NULL)
			continue;
		snprintf(prefix, sizeof(prefix), "Return-Path: <%s>\r\n", d->return_path);
		if (!has_room(batch, d, strlen(prefix) + size_of(d)))
			continue;
		if (write_file(file, prefix, d) == -1) {
			d->result = STORE_TEMPORARY;
			continue;
		}
		batch->written++;
		batch->octets += file->size;
	}
}

static enum store_result
insert_one(struct batch *batch, struct change *change, int64_t message, size_t i, struct error *err)
{
	struct store_delivery *d = &batch->deliveries[i];
	const struct insert insert = {.file = &batch->files[i],
				      .message = message,
				      .internaldate = d->received,
				      .now = batch->now};
	enum store_result result = insert_message(batch->store, change, &insert, &d->uid, err);

	if (result == STORE_OK)
		result = sql_run(batch->store, err,
				 "INSERT INTO deliveries (id, stored) VALUES (?1, ?2)",
				 SQL_TEXT(d->id), SQL_INT(batch->now));
	return result;
}

/* Where each goes. */
static enum store_result
choose_folders(struct batch *batch, struct error *err)
{
	enum store_result result = STORE_OK;
	int64_t junk = 0;

	for (size_t i = 0; i < batch->count && result == STORE_OK; i++) {
		const struct store_delivery *d = &batch->deliveries[i];

		batch->folders[i] = INBOX_ID;
		if (batch->files[i].id[0] == '\0')
			continue;
		if (d->junk && junk == 0)
			result = folder_junk(batch->store, &junk, err);
		if (d->junk)
			batch->folders[i] = junk;
		else if (d->tag != NULL && d->tag[0] != '\0')
			result = folder_by_tag(batch->store, d->tag, &batch->folders[i], err);
	}
	return result;
}

/* Those that go into FOLDER. *MESSAGE is the next free id. */
static enum store_result
insert_into(struct batch *batch, int64_t folder, int64_t *message, struct error *err)
{
	struct change change;
	enum store_result result = change_begin(batch->store, folder, &change, err);

	for (size_t i = 0; i < batch->count && result == STORE_OK; i++)
		if (batch->files[i].id[0] != '\0' && batch->folders[i] == folder)
			result = insert_one(batch, &change, (*message)++, i, err);
	if (result == STORE_OK)
		result = change_end(batch->store, &change, err);
	return result;
}

/* One before it goes there, too. */
static bool
is_done(const struct batch *batch, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (batch->files[j].id[0] != '\0' && batch->folders[j] == batch->folders[i])
			return true;
	return false;
}

static enum store_result
insert_all(struct batch *batch, struct error *err)
{
	enum store_result result = choose_folders(batch, err);
	int64_t message = 0;

	if (result == STORE_OK)
		result = account_take_messages(batch->store, batch->written, &message, err);
	for (size_t i = 0; i < batch->count && result == STORE_OK; i++)
		if (batch->files[i].id[0] != '\0' && !is_done(batch, i))
			result = insert_into(batch, batch->folders[i], &message, err);
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
	if (result == STORE_OK) {
		place_files(batch);
		return;
	}
	fail_batch(batch, result, &err);
	/* Else they stay, for the next start to see whether they count. */
	if (undone)
		discard_files(batch);
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
	enum store_result result = recover(batch->store, &err);

	if (result == STORE_OK)
		result = find_duplicates(batch, &err);
	if (result != STORE_OK) {
		for (size_t i = 0; i < batch->count; i++)
			fail(&batch->deliveries[i], result, &err);
		return;
	}
	write_files(batch);
	if (batch->written > 0)
		store_files(batch);
	answer_twins(batch);
}

void
store_deliver(struct store *store, struct store_delivery *deliveries, size_t count)
{
	struct batch batch = {.store = store,
			      .deliveries = deliveries,
			      .files = calloc(count, sizeof(*batch.files)),
			      .folders = calloc(count, sizeof(*batch.folders)),
			      .count = count,
			      .now = time(NULL)};
	bool memory = batch.files != NULL && batch.folders != NULL;
	struct error err;

	if (!memory)
		error_errno(&err, "delivery");
	for (size_t i = 0; i < count; i++) {
		deliveries[i].result = STORE_OK;
		deliveries[i].duplicate = false;
		deliveries[i].uid = 0;
		deliveries[i].err.text[0] = '\0';
		if (!memory)
			fail(&deliveries[i], STORE_TEMPORARY, &err);
		else
			batch.files[i].fd = -1;
	}
	if (memory)
		deliver_batch(&batch);
	free(batch.files);
	free(batch.folders);
}
