/* SPDX-License-Identifier: ISC */
/* Messages that clients bring: store_upload_*() and store_append(). */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "worker/session/store/account.h"
#include "worker/session/store/insert.h"
#include "worker/session/store/recover.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define FLAGS_ALL (STORE_SEEN | STORE_ANSWERED | STORE_FLAGGED | STORE_DELETED | STORE_DRAFT)

struct store_upload {
	struct message_file file;
	bool broken; /* a write failed: it is not what the client sent */
};

enum store_result
store_upload_open(struct store *store, struct store_upload **out, struct error *err)
{
	struct store_upload *upload;
	enum store_result result = recover(store, err);

	*out = NULL;
	if (result != STORE_OK)
		return result;
	upload = calloc(1, sizeof(*upload));
	if (upload == NULL) {
		error_errno(err, "upload");
		return STORE_TEMPORARY;
	}
	if (message_file_create(&upload->file, err) == -1) {
		free(upload);
		return STORE_TEMPORARY;
	}
	*out = upload;
	return STORE_OK;
}

enum store_result
store_upload_write(struct store_upload *upload, const void *bytes, size_t length, struct error *err)
{
	if (!upload->broken && message_file_append(&upload->file, bytes, length, err) == 0)
		return STORE_OK;
	if (upload->broken)
		error_set(err, "the message could not be written");
	upload->broken = true;
	return STORE_TEMPORARY;
}

uint64_t
store_upload_size(const struct store_upload *upload)
{
	return upload->file.size;
}

void
store_upload_abort(struct store_upload *upload)
{
	if (upload == NULL)
		return;
	message_file_discard(&upload->file);
	free(upload);
}

/*
 * -- Append ---------------------------------------------------------------------------
 */

struct append {
	struct store *store;
	struct store_append *list;
	size_t count;
	struct change target, source; /* source: where the replaced message is, if elsewhere */
	bool elsewhere;
	struct ranges removed;
};

static enum store_result
sync_files(struct append *append, struct error *err)
{
	struct message_file *files = calloc(append->count, sizeof(*files));
	int result;

	if (files == NULL) {
		error_errno(err, "append");
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < append->count; i++) {
		files[i] = append->list[i].upload->file;
		append->list[i].upload->file.fd = -1; /* closed there */
	}
	result = message_files_sync(append->store->root, files, append->count, err);
	free(files);
	return result == 0 ? STORE_OK : STORE_TEMPORARY;
}

static enum store_result
check_sizes(const struct append *append, struct error *err)
{
	uint32_t limit = append->target.append_limit;

	for (size_t i = 0; i < append->count; i++)
		if (limit != 0 && append->list[i].upload->file.size > limit) {
			error_set(err, "the folder takes messages of %" PRIu32 " octets at most",
				  limit);
			return STORE_LIMIT;
		}
	return STORE_OK;
}

/* What the replaced message leaves is free for the new one. */
static enum store_result
check_quota(const struct append *append, struct error *err)
{
	int64_t messages = append->target.messages + append->source.messages;
	int64_t octets = append->target.size + append->source.size;

	return change_check_quota(append->store, messages > 0 ? (uint64_t)messages : 0,
				  octets > 0 ? (uint64_t)octets : 0, err);
}

static enum store_result
replace(struct append *append, const struct store_replaced *replaced, struct error *err)
{
	const struct store_range range = {replaced->uid, replaced->uid};
	struct change *source;
	enum store_result result = STORE_OK;
	size_t count = 0;

	append->elsewhere = replaced->folder != append->target.folder;
	source = append->elsewhere ? &append->source : &append->target;
	if (append->elsewhere)
		result = change_begin(append->store, replaced->folder, source, err);
	if (result == STORE_OK)
		result = remove_placements(append->store, source, &range, 1, false,
					   &append->removed, &count, err);
	if (result == STORE_OK && count == 0) {
		error_set(err, "the message to replace is gone");
		result = STORE_GONE;
	}
	return result;
}

static enum store_result
insert_all(struct append *append, struct error *err)
{
	int64_t message = 0, now = time(NULL);
	enum store_result result =
	    account_take_messages(append->store, append->count, &message, err);

	for (size_t i = 0; i < append->count && result == STORE_OK; i++) {
		struct store_append *one = &append->list[i];
		const struct insert insert = {.file = &one->upload->file,
					      .message = message + (int64_t)i,
					      .internaldate = one->internaldate,
					      .now = now,
					      .keywords = one->keywords,
					      .flags = one->flags & FLAGS_ALL,
					      .uid = one->uid};

		result = insert_message(append->store, &append->target, &insert, &one->uid, err);
	}
	return result;
}

static enum store_result
record(struct append *append, int64_t folder, const struct store_replaced *replaced,
       struct error *err)
{
	enum store_result result = change_begin(append->store, folder, &append->target, err);

	if (result == STORE_OK)
		result = check_sizes(append, err);
	if (result == STORE_OK && replaced != NULL)
		result = replace(append, replaced, err);
	if (result == STORE_OK)
		result = insert_all(append, err);
	if (result == STORE_OK)
		result = check_quota(append, err);
	if (result == STORE_OK && append->elsewhere)
		result = change_end(append->store, &append->source, err);
	if (result == STORE_OK)
		result = change_end(append->store, &append->target, err);
	return result;
}

/* Nothing more can go wrong. */
static void
take_uploads(struct append *append)
{
	for (size_t i = 0; i < append->count; i++) {
		message_file_place(append->list[i].upload->file.id);
		free(append->list[i].upload);
		append->list[i].upload = NULL;
	}
	if (append->removed.count > 0)
		(void)remove_doomed(append->store, false);
}

/*
 * A commit that failed but may count after a crash needs its files: they are not the uploads' any
 * more, and the next start decides.
 */
static void
leave_files(struct append *append)
{
	for (size_t i = 0; i < append->count; i++)
		append->list[i].upload->file.id[0] = '\0';
}

static enum store_result
check_uploads(const struct append *append, struct error *err)
{
	for (size_t i = 0; i < append->count; i++)
		if (append->list[i].upload->broken || append->list[i].upload->file.fd == -1) {
			error_set(err, "the message could not be written");
			return STORE_TEMPORARY;
		}
	return STORE_OK;
}

enum store_result
store_append(struct store *store, int64_t folder, struct store_append *list, size_t count,
	     const struct store_replaced *replaces, struct error *err)
{
	struct append append = {.store = store, .list = list, .count = count};
	enum store_result result = check_uploads(&append, err);
	bool undone = true;

	if (result == STORE_OK && count > 0)
		result = sync_files(&append, err);
	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result = record(&append, folder, replaces, err);
	result = transaction_end(store, result, &undone, err);
	if (result == STORE_OK)
		take_uploads(&append);
	else if (!undone)
		leave_files(&append);
	free(append.removed.list);
	return result;
}
