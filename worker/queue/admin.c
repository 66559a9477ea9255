/* SPDX-License-Identifier: ISC */
#include "worker/queue/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/ctl_queue.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/queue.h"
#include "worker/queue/report.h"
#include "worker/queue/schedule.h"

static const char *const action_names[] = {
    [CQ_HOLD] = "hold", [CQ_RELEASE] = "release", [CQ_RETRY] = "retry", [CQ_REMOVE] = "remove"};

static int
reply(struct ipc_channel *channel, uint32_t id, const struct cq_done *done, const char *why)
{
	(void)ipc_send(channel, CQ_DONE, id, done, why, strnlen(why, REASON_MAX), -1);
	return 0;
}

/* -- What there is ---------------------------------------------------------------------------- */

struct listing {
	struct queue *queue;
	struct ipc_channel *channel;
	uint32_t request;
	uint32_t count;
};

static bool
is_busy(const struct queue *queue, const struct db_entry *entry)
{
	return schedule_is_running(queue->schedule, entry->mailbox, entry->message, entry->index) ||
	       report_is_under_way(queue, entry->message, entry->index);
}

static void
send_entry(const struct db_entry *entry, void *arg)
{
	const char *texts[CQ_TEXTS] = {entry->sender, entry->submitter, entry->path, entry->mailbox,
				       entry->reason};
	struct listing *listing = arg;
	struct cq_entry body = {
	    .name = {.message = entry->message, .index = entry->index},
	    .received = entry->received,
	    .size = entry->size,
	    .state = CQ_WAITING,
	    .attempts = entry->attempts,
	};
	char tail[CQ_ENTRY_TAIL];
	size_t length = 0;

	for (size_t i = 0; i < CQ_TEXTS; i++) {
		size_t size = strnlen(texts[i], PATH_SIZE - 1);

		memcpy(tail + length, texts[i], size);
		length += size;
		tail[length++] = '\0';
	}
	if (entry->next_attempt == DB_HELD)
		body.state = CQ_HELD;
	else if (is_busy(listing->queue, entry))
		body.state = CQ_BUSY;
	else
		body.next_attempt = entry->next_attempt / CLOCK_SECOND;
	(void)ipc_send(listing->channel, CQ_ENTRY, listing->request, &body, tail, length, -1);
	listing->count++;
}

static int
on_list(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cq_list *body = message->body;
	struct listing listing = {context, channel, message->id, 0};
	struct db_name after = {body->after.message, body->after.index};
	struct queue *queue = context;
	struct cq_done done = {0};

	if (message->id == 0 || body->first > 1 || body->zero != 0 || body->after.zero != 0 ||
	    (body->first == 1 && (body->after.message != 0 || body->after.index != 0)))
		return -1;
	(void)batch_run(queue->batch);
	if (db_entries(queue->db, body->first == 1 ? NULL : &after, CQ_PAGE, send_entry,
		       &listing) != DB_OK)
		done.failed = 1;
	done.count = listing.count;
	return reply(channel, message->id, &done, done.failed != 0 ? db_error(queue->db) : "");
}

struct showing {
	struct queue *queue;
	struct cq_shown shown;
	const char *orcpt;
	char tail[CQ_SHOWN_TAIL];
	size_t length;
};

static int
show_message(const struct db_message *message, void *arg)
{
	struct showing *showing = arg;
	int64_t expire = showing->queue->settings.expire;

	showing->shown.found = 1;
	showing->shown.ret = message->parameters.ret;
	if (expire > 0 && message->since > 0)
		showing->shown.expires = message->since / CLOCK_SECOND + expire;
	showing->length = strlcpy(showing->tail, showing->orcpt, ORCPT_SIZE) + 1;
	showing->length +=
	    strlcpy(showing->tail + showing->length, message->parameters.envid, ENVID_SIZE) + 1;
	return 0;
}

static void
show_entry(const struct db_entry *entry, void *arg)
{
	struct showing *showing = arg;

	(void)db_message_head(showing->queue->db, entry->message, show_message, showing);
	/* Nobody knows when it is tried again. */
	if (entry->next_attempt == DB_HELD)
		showing->shown.expires = 0;
}

static int
on_show(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cq_name *name = message->body;
	struct queue *queue = context;
	struct db_addressee addressee;
	struct showing showing = {.queue = queue, .tail = "", .length = 2};

	if (message->id == 0 || name->zero != 0)
		return -1;
	if (db_addressee(queue->db, name->message, name->index, &addressee) == DB_OK) {
		showing.orcpt = addressee.orcpt;
		showing.shown.notify = addressee.notify;
		(void)db_entry(queue->db, name->message, name->index, show_entry, &showing);
	}
	if (showing.shown.found == 0)
		showing.shown.notify = 0;
	(void)ipc_send(channel, CQ_SHOWN, message->id, &showing.shown, showing.tail, showing.length,
		       -1);
	return 0;
}

/* -- Changes ------------------------------------------------------------------------------------
 */

/* What was changed, to be followed up once it is on disk. */
struct change {
	uint64_t message;
	uint32_t index;
	bool changed;
	bool left_file;
	flow_id flow;
	char mailbox[ADDRESS_SIZE];
};

struct changes {
	struct queue *queue;
	enum cq_action action;
	int64_t now;
	uint32_t count, busy;
	struct change *list;
};

struct found {
	struct changes *changes;
	struct change *change;
	bool busy, held;
};

static void
look(const struct db_entry *entry, void *arg)
{
	struct found *found = arg;

	found->change->changed = true;
	found->change->flow = entry->flow;
	strlcpy(found->change->mailbox, entry->mailbox, sizeof(found->change->mailbox));
	found->busy = is_busy(found->changes->queue, entry);
	found->held = entry->next_attempt == DB_HELD;
}

/* Within a transaction. One that there is nothing to do with stays as it is. */
static enum db_status
change_one(struct changes *changes, struct change *change)
{
	struct found found = {.changes = changes, .change = change};
	struct db *db = changes->queue->db;
	enum db_status status = db_entry(db, change->message, change->index, look, &found);

	if (status != DB_OK || !change->changed)
		return status;
	changes->busy += found.busy ? 1 : 0;
	change->changed = !found.busy && (changes->action == CQ_REMOVE ||
					  found.held == (changes->action == CQ_RELEASE));
	if (!change->changed)
		return DB_OK;
	changes->count++;
	if (changes->action == CQ_REMOVE)
		return db_done(db, change->message, change->index, &change->left_file);
	return db_move(db, change->message, change->index,
		       changes->action == CQ_HOLD ? DB_HELD : changes->now);
}

static enum db_status
write_changes(struct changes *changes, size_t count)
{
	struct db *db = changes->queue->db;
	enum db_status status = db_begin(db);

	for (size_t i = 0; i < count && status == DB_OK; i++)
		status = change_one(changes, &changes->list[i]);
	if (status == DB_OK)
		status = db_commit(db);
	if (status != DB_OK)
		db_rollback(db);
	return status;
}

/* It is on disk: the schedule forgets what it had in memory, and looks again. */
static void
follow(const struct changes *changes, const struct change *change)
{
	struct queue *queue = changes->queue;
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)change->message);
	log_event(LOG_NOTICE, "queue.changed", KV_STR("id", id), KV_STR("to", change->mailbox),
		  KV_STR("by", "posternctl"), KV_STR("action", action_names[changes->action]));
	schedule_forget(queue->schedule, change->mailbox, change->flow, change->message,
			change->index);
	if (change->left_file)
		spool_remove(queue->spool, change->message);
	if (changes->action == CQ_RELEASE || changes->action == CQ_RETRY) {
		schedule_try(queue->schedule, change->mailbox);
		schedule_deferred(queue->schedule, change->flow, changes->now);
	}
}

static int
on_change(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cq_change *body = message->body;
	struct queue *queue = context;
	struct changes changes = {.queue = queue, .action = (enum cq_action)body->action};
	struct cq_done done = {0};
	enum db_status status = DB_OK;

	if (message->id == 0 || body->action < CQ_HOLD || body->action > CQ_REMOVE ||
	    body->count == 0 || message->tail_length != body->count * sizeof(struct cq_name))
		return -1;
	changes.list = calloc(body->count, sizeof(*changes.list));
	if (changes.list == NULL)
		return -1;
	for (size_t i = 0; i < body->count; i++) {
		struct cq_name name;

		memcpy(&name, message->tail + i * sizeof(name), sizeof(name));
		changes.list[i].message = name.message;
		changes.list[i].index = name.index;
	}
	/* What has left, and is not written, would leave again. New mail that fails is no
	 * hindrance. */
	if (batch_run(queue->batch) != DB_OK && !batch_is_empty(queue->batch))
		status = batch_run(queue->batch);
	changes.now = schedule_positions(queue->schedule, 1);
	if (status == DB_OK)
		status = write_changes(&changes, body->count);
	if (status == DB_LOST) {
		log_event(LOG_CRIT, "queue.commit_failed", KV_STR("why", db_error(queue->db)));
		exit(1);
	}
	for (size_t i = 0; i < body->count && status == DB_OK; i++) {
		if (changes.list[i].changed)
			follow(&changes, &changes.list[i]);
	}
	free(changes.list);
	done.failed = status == DB_OK ? 0 : 1;
	done.count = status == DB_OK ? changes.count : 0;
	done.busy = changes.busy;
	return reply(channel, message->id, &done, status == DB_OK ? "" : db_error(queue->db));
}

/* -- The channel
 * ----------------------------------------------------------------------------------- */

static const struct ipc_handler handlers[] = {
    {CQ_LIST, on_list},
    {CQ_SHOW, on_show},
    {CQ_CHANGE, on_change},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	(void)context;
}

void
admin_open(struct queue *queue, int fd)
{
	(void)ipc_open(queue->base, fd, &ctl_queue_boundary, IPC_SERVER, handlers, on_ended, queue,
		       "posternctl");
}
