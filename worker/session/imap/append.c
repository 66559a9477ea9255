/* SPDX-License-Identifier: ISC */
/*
 * APPEND, with many messages (RFC 3502) and made of parts (RFC 4469), and REPLACE (RFC 8508).
 * Messages go into files as they come, and into the folder when the command is whole: all or none.
 * What goes wrong on the way is answered at the end, or instead of the next "+".
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/imap/catenate.h"
#include "worker/session/imap/commands.h"
#include "worker/session/imap/notify.h"

#define MESSAGE_MAX ((uint64_t)IMAP_APPEND_LIMIT)
#define MESSAGES_MAX 1000 /* in one command */

struct imap_append_task {
	struct store_append *appends;
	size_t count;                     /* uploads that were begun */
	const struct imap_cat_part *done; /* the last of its parts that is in the file, or NULL */
	const struct imap_append_message *last;
	uint64_t copied;          /* octets that URLs have brought, of all messages */
	enum store_result result; /* what went wrong, with err */
	struct error err;
	const char *code; /* a response code of its own, or NULL */
};

void
imap_append_free(struct imap *imap)
{
	struct imap_append_task *task = imap->append;

	if (task == NULL)
		return;
	for (size_t i = 0; i < task->count; i++)
		store_upload_abort(task->appends[i].upload);
	free(task->appends);
	free(task);
	imap->append = NULL;
	imap->literal = 0;
}

static bool
fail(struct imap_append_task *task, enum store_result result, const char *code)
{
	if (task->result == STORE_OK) {
		task->result = result;
		task->code = code;
	}
	return false;
}

/*
 * -- On the way -------------------------------------------------------------------
 */

/* What can be known to be wrong before the message comes. */
static bool
check_target(struct imap *imap, const struct imap_command *command)
{
	struct imap_append_task *task = imap->append;
	struct store_folder folder;
	enum store_result result =
	    store_folder(imap->store, command->append.mailbox, &folder, &task->err);

	if (result != STORE_OK)
		return fail(task, result, result == STORE_GONE ? "TRYCREATE" : NULL);
	if (command->verb != IMAP_REPLACE)
		return true;
	if (imap->state != IMAP_SELECTED) {
		error_set(&task->err, "REPLACE needs a selected mailbox: SELECT one first");
		return fail(task, STORE_REFUSED, NULL);
	}
	if (imap->view.read_only) {
		error_set(&task->err, "The mailbox is selected read-only");
		return fail(task, STORE_REFUSED, "NOPERM");
	}
	return true;
}

static struct imap_append_task *
begin_task(struct imap *imap, const struct imap_command *command)
{
	struct imap_append_task *task;

	if (imap->append != NULL)
		return imap->append;
	task = calloc(1, sizeof(*task));
	if (task == NULL)
		return NULL;
	task->appends = calloc(MESSAGES_MAX, sizeof(*task->appends));
	if (task->appends == NULL) {
		free(task);
		return NULL;
	}
	imap->append = task;
	(void)check_target(imap, command);
	return task;
}

/* One part by URL. All of a command's are copied in one go: so there is a bound for all of them. */
static bool
add_url(struct imap *imap, const struct imap_string *url, struct store_upload *upload)
{
	struct imap_append_task *task = imap->append;
	uint64_t before = store_upload_size(upload), most = before + (MESSAGE_MAX - task->copied);
	enum store_result result =
	    catenate_url(imap, url, upload, most < MESSAGE_MAX ? most : MESSAGE_MAX, &task->err);

	task->copied += store_upload_size(upload) - before;
	return result == STORE_OK || fail(task, result, result == STORE_GONE ? "BADURL" : NULL);
}

/* The parts by URL behind the last one done, up to END, which is NULL at the message's end. */
static bool
add_urls(struct imap *imap, const struct imap_cat_part *end)
{
	struct imap_append_task *task = imap->append;
	const struct imap_cat_part *part;
	struct store_upload *upload;

	if (task->last == NULL || task->result != STORE_OK)
		return task->result == STORE_OK;
	upload = task->appends[task->count - 1].upload;
	/* The list grows as the command comes: so the last one done is kept, not the next. */
	part = task->done != NULL ? task->done->next : task->last->parts;
	for (; part != end && part != NULL; part = part->next) {
		task->done = part;
		if (part->data == IMAP_DATA_URL && !add_url(imap, &part->url, upload))
			return false;
	}
	if (end != NULL)
		task->done = end;
	return true;
}

/* The file of a message that begins. */
static bool
begin_message(struct imap *imap, const struct imap_append_message *message)
{
	struct imap_append_task *task = imap->append;
	struct store_append *append = &task->appends[task->count];
	enum store_result result;

	if (task->last != NULL && !add_urls(imap, NULL))
		return false;
	if (task->count == MESSAGES_MAX) {
		error_set(&task->err, "At most %d messages in one command", MESSAGES_MAX);
		return fail(task, STORE_LIMIT, NULL);
	}
	result = store_upload_open(imap->store, &append->upload, &task->err);
	if (result != STORE_OK)
		return fail(task, result, NULL);
	task->count++;
	task->last = message;
	task->done = NULL;
	return true;
}

static bool
take_literal(struct imap *imap, const struct imap_literal *literal)
{
	struct imap_append_task *task = imap->append;
	struct store_upload *upload;

	if (task->result != STORE_OK)
		return false;
	if (literal->message != task->last && !begin_message(imap, literal->message))
		return false;
	if (literal->part != NULL && !add_urls(imap, literal->part))
		return false;
	upload = task->appends[task->count - 1].upload;
	if (literal->octets > MESSAGE_MAX - store_upload_size(upload)) {
		error_set(&task->err, "A message may have %" PRIu64 " octets here", MESSAGE_MAX);
		return fail(task, STORE_LIMIT, "TOOBIG");
	}
	return true;
}

static void
answer_failure(struct imap *imap)
{
	struct imap_append_task *task = imap->append;

	if (task->code != NULL)
		imap_tagged(imap, "NO", "[%s] %s", task->code, task->err.text);
	else
		imap_failed(imap, task->result, &task->err);
}

bool
imap_append_literal(struct imap *imap, const struct imap_literal *literal)
{
	if (begin_task(imap, imap->command) == NULL) {
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this");
		return false;
	}
	/* One that comes anyway is thrown away, and the answer comes at the command's end. */
	if (take_literal(imap, literal) || !literal->sync)
		return true;
	answer_failure(imap);
	imap_append_free(imap);
	return false;
}

void
imap_append_octets(struct imap *imap, const char *bytes, size_t length)
{
	struct imap_append_task *task = imap->append;
	enum store_result result;

	if (task->result != STORE_OK || task->count == 0)
		return;
	result =
	    store_upload_write(task->appends[task->count - 1].upload, bytes, length, &task->err);
	if (result != STORE_OK)
		(void)fail(task, result, NULL);
}

/*
 * -- At the end -------------------------------------------------------------------
 */

static void
set_up(struct imap_append_task *task, const struct imap_append *append)
{
	const struct imap_append_message *message = append->messages;
	int64_t now = time(NULL);

	for (size_t i = 0; i < task->count && message != NULL; i++, message = message->next) {
		task->appends[i].flags = message->flags.flags;
		task->appends[i].keywords = message->flags.keywords;
		task->appends[i].internaldate = message->has_date ? message->date : now;
	}
}

/*
 * The UIDs that the messages had on another server, as far as they are still to be had: between the
 * folder's UIDNEXT and what store_folder_adopt() has kept free.
 */
static void
choose_uids(struct imap_append_task *task, const struct imap_append *append,
	    const struct store_folder *folder)
{
	const struct imap_append_message *message = append->messages;
	uint32_t next = folder->uidnext;

	for (size_t i = 0; i < task->count && message != NULL; i++, message = message->next) {
		bool keeps = message->uid >= next && message->uid < folder->uid_floor;

		task->appends[i].uid = keeps ? message->uid : 0;
		if (keeps)
			next = message->uid + 1;
		else
			next = folder->uid_floor; /* it gets that or a greater one */
	}
}

/* RFC 3502 6.3.11: a message of no octets gives the whole up. */
static bool
is_given_up(const struct imap_append_task *task)
{
	for (size_t i = 0; i < task->count; i++)
		if (store_upload_size(task->appends[i].upload) == 0)
			return true;
	return false;
}

/* Messages that are made of URLs alone were never announced as literals. */
static bool
begin_rest(struct imap *imap, const struct imap_append *append)
{
	struct imap_append_task *task = imap->append;
	const struct imap_append_message *message =
	    task->last != NULL ? task->last->next : append->messages;

	for (; message != NULL; message = message->next)
		if (task->result != STORE_OK || !begin_message(imap, message))
			return false;
	return task->result == STORE_OK && add_urls(imap, NULL);
}

static void
answer(struct imap *imap, const struct imap_command *command, const struct store_folder *folder)
{
	const struct imap_append_task *task = imap->append;
	struct ranges uids = {.list = NULL};

	for (size_t i = 0; i < task->count; i++)
		ranges_append(&uids, task->appends[i].uid, task->appends[i].uid);
	notify_own(imap, folder->id, uids.list, uids.count);
	/* RFC 8508 3.4: APPENDUID comes untagged, before the EXPUNGE of what it replaces. */
	if (command->verb == IMAP_REPLACE) {
		imap_printf(imap, "* OK [APPENDUID %" PRIu32 " ", folder->uidvalidity);
		imap_set(imap, uids.list, uids.count);
		imap_text(imap, "] The replacement is there\r\n");
		imap_ok(imap, "REPLACE done");
	} else {
		imap_sync(imap, true, NULL);
		imap_printf(imap, "%s OK [APPENDUID %" PRIu32 " ", command->tag,
			    folder->uidvalidity);
		imap_set(imap, uids.list, uids.count);
		imap_text(imap, "] APPEND done\r\n");
	}
	ranges_clear(&uids);
}

/* The message that REPLACE is about. */
static bool
find_replaced(struct imap *imap, const struct imap_command *command,
	      struct store_replaced *replaced)
{
	struct store_range range = {command->append.replaces, command->append.replaces};
	struct imap_set set = {.ranges = &range, .count = 1};
	struct ranges uids = {.list = NULL};
	bool found;

	if (!imap_resolve(imap, &set, command->uid, &uids))
		return false;
	found = uids.count == 1 && view_number(&imap->view, uids.list[0].first) != 0;
	if (found)
		*replaced = (struct store_replaced){imap->view.folder, uids.list[0].first};
	else
		imap_tagged(imap, "NO", "[NONEXISTENT] There is no such message to replace");
	ranges_clear(&uids);
	return found;
}

static void
commit(struct imap *imap, const struct imap_command *command)
{
	struct imap_append_task *task = imap->append;
	struct store_replaced replaced = {.folder = 0};
	struct store_folder folder;
	enum store_result result;

	if (command->verb == IMAP_REPLACE && !find_replaced(imap, command, &replaced))
		return;
	result = store_folder(imap->store, command->append.mailbox, &folder, &task->err);
	if (result == STORE_OK)
		choose_uids(task, &command->append, &folder);
	if (result == STORE_OK)
		result = store_append(imap->store, folder.id, task->appends, task->count,
				      replaced.folder != 0 ? &replaced : NULL, &task->err);
	if (result == STORE_OK) {
		for (size_t i = 0; i < task->count; i++)
			task->appends[i].upload = NULL;
		answer(imap, command, &folder);
	} else if (result == STORE_GONE && replaced.folder == 0) {
		imap_tagged(imap, "NO", "[TRYCREATE] %s", task->err.text);
	} else {
		imap_failed(imap, result, &task->err);
	}
}

void
imap_do_append(struct imap *imap, const struct imap_command *command)
{
	struct imap_append_task *task = begin_task(imap, command);

	if (task == NULL) {
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this");
		return;
	}
	if (!begin_rest(imap, &command->append)) {
		answer_failure(imap);
	} else if (is_given_up(task)) {
		imap_tagged(imap, "NO", "A message of no octets: given up, nothing is stored");
	} else {
		set_up(task, &command->append);
		commit(imap, command);
	}
	imap_append_free(imap);
}
