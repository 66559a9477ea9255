/* SPDX-License-Identifier: ISC */
#include "worker/queue/bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/notice.h"
#include "worker/queue/transaction.h"

struct making {
	struct queue *queue;
	const struct bounce *bounce;
	const struct bounce_reason *reason;
};

static const char *
id_text(uint64_t id, char out[QUEUE_ID_SIZE])
{
	snprintf(out, QUEUE_ID_SIZE, "%016llx", (unsigned long long)id);
	return out;
}

/* How the delivery ends without one, or goes on. */
static void
record(struct queue *queue, const struct bounce *bounce, enum result_kind kind, const char *why)
{
	int64_t delay = clock_backoff(queue->settings.retry, bounce->attempts + 1, arc4random());
	struct result result = {
	    .kind = kind,
	    .message = bounce->message,
	    .index = bounce->index,
	    .attempts = bounce->attempts + 1,
	    .next_attempt = clock_now() + delay,
	    .reason = why,
	    .mailbox = bounce->mailbox,
	};
	char id[QUEUE_ID_SIZE];

	log_event(LOG_WARNING, kind == RESULT_DONE ? "queue.dropped" : "queue.deferred",
		  KV_STR("id", id_text(bounce->message, id)), KV_STR("to", bounce->mailbox),
		  KV_STR("why", why));
	batch_result(queue->batch, &result);
}

/* Its transaction's. */
static uint32_t
number_of(uint64_t message, uint32_t index)
{
	char name[64];

	snprintf(name, sizeof(name), "bounce %016llx.%u", (unsigned long long)message, index);
	return notice_number(name);
}

bool
bounce_is_under_way(const struct queue *queue, uint64_t message, uint32_t index)
{
	return transaction_find(queue->own, number_of(message, index)) != NULL;
}

static void
start(const struct making *making, const char *sender, char *text, size_t length)
{
	const struct bounce *bounce = making->bounce;
	struct queue *queue = making->queue;
	size_t size = sizeof(*bounce) + strlen(bounce->mailbox) + 1;
	struct transaction *transaction = NULL;
	struct bounce *copy = malloc(size);
	struct gq_mail mail = {0};

	mail.transaction = number_of(bounce->message, bounce->index);
	if (copy != NULL)
		transaction = transaction_new(queue->own, &mail, "");
	if (transaction == NULL) {
		record(queue, bounce, RESULT_DEFER, "no memory for its bounce");
		free(copy);
		free(text);
		return;
	}
	memcpy(copy, bounce, size);
	transaction->bounce = copy;
	transaction_add(transaction, sender, DSN_NOTIFY_NEVER, "");
	transaction_commit_own(transaction, NULL, text, length);
}

/* The start of the message: BUFFER if it is in a file. Returns its length. */
static size_t
header_of(const struct queue *queue, const struct db_message *message, char *buffer,
	  const char **header)
{
	size_t size = message->size < BOUNCE_HEADER_MAX ? (size_t)message->size : BOUNCE_HEADER_MAX;
	ssize_t n;
	int fd;

	*header = message->body;
	if (message->body != NULL)
		return size;
	*header = buffer;
	fd = spool_read(queue->spool, message->id);
	if (fd == -1)
		return 0;
	n = pread(fd, buffer, size, 0);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

static int
make(const struct db_message *message, void *arg)
{
	const struct making *making = arg;
	struct queue *queue = making->queue;
	struct bounce_facts facts = {
	    .hostname = queue->settings.hostname,
	    .now = time(NULL),
	    .message = message->id,
	    .index = making->bounce->index,
	    .received = message->received,
	    .sender = message->sender,
	    .reason = making->reason,
	};
	char *buffer, *text;
	size_t length;

	if (message->sender[0] == '\0') {
		record(queue, making->bounce, RESULT_DONE, making->reason->text);
		return 0;
	}
	buffer = malloc(BOUNCE_HEADER_MAX);
	if (buffer == NULL)
		return -1;
	facts.header_length = header_of(queue, message, buffer, &facts.header);
	text = bounce_text(&facts, &length);
	free(buffer);
	if (text == NULL)
		return -1;
	start(making, message->sender, text, length);
	return 0;
}

void
bounce_send(struct queue *queue, const struct bounce *bounce, const struct bounce_reason *reason)
{
	struct making making = {queue, bounce, reason};

	if (db_message(queue->db, bounce->message, make, &making) == -1)
		record(queue, bounce, RESULT_DEFER, "its bounce can't be made now");
}

enum db_status
bounce_write(struct db *db, struct bounce *bounce)
{
	return db_done(db, bounce->message, bounce->index, &bounce->left_file);
}

void
bounce_written(struct queue *queue, const struct transaction *transaction)
{
	const struct bounce *bounce = transaction->bounce;
	char id[QUEUE_ID_SIZE], own[QUEUE_ID_SIZE];

	log_event(LOG_WARNING, "queue.bounced", KV_STR("id", id_text(bounce->message, id)),
		  KV_STR("to", bounce->mailbox), KV_STR("bounce", id_text(transaction->id, own)));
	if (bounce->left_file)
		spool_remove(queue->spool, bounce->message);
}

void
bounce_failed(struct transaction *transaction, enum queue_failure why)
{
	if (why == QUEUE_REFUSED)
		record(transaction->queue, transaction->bounce, RESULT_DONE,
		       "it can't be delivered, and neither can a bounce to its sender");
	else
		record(transaction->queue, transaction->bounce, RESULT_DEFER,
		       "its bounce can't be kept now");
}
