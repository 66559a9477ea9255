/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/child.h"
#include "common/log.h"
#include "worker/queue/batch_private.h"
#include "worker/queue/clock.h"
#include "worker/queue/report.h"
#include "worker/queue/schedule.h"

#define COMMITS_MAX 256              /* a batch that is this large, */
#define WAIT_MAX (CLOCK_SECOND / 50) /* or waits this long, doesn't wait for a quiet moment */
#define RESULTS_MAX 4096

/* -- Gathering --------------------------------------------------------------------- */

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)batch_run(arg);
}

struct batch *
batch_new(struct queue *queue)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	batch->queue = queue;
	TAILQ_INIT(&batch->commits);
	STAILQ_INIT(&batch->results);
	STAILQ_INIT(&batch->left);
	batch->quiet = event_new(queue->base, -1, 0, on_time, batch);
	batch->urgent = event_new(queue->base, -1, 0, on_time, batch);
	batch->timer = evtimer_new(queue->base, on_time, batch);
	if (batch->quiet == NULL || batch->urgent == NULL || batch->timer == NULL ||
	    event_priority_set(batch->quiet, CHILD_LAST) == -1 ||
	    event_priority_set(batch->urgent, CHILD_FIRST) == -1) {
		batch_free(batch);
		return NULL;
	}
	return batch;
}

void
batch_free(struct batch *batch)
{
	struct transaction *transaction;
	struct waiting *waiting;

	if (batch == NULL)
		return;
	while ((transaction = TAILQ_FIRST(&batch->commits)) != NULL)
		transaction_forget(transaction);
	STAILQ_CONCAT(&batch->results, &batch->left); /* their files go at the next start */
	while ((waiting = STAILQ_FIRST(&batch->results)) != NULL) {
		STAILQ_REMOVE_HEAD(&batch->results, entry);
		free(waiting);
	}
	if (batch->quiet != NULL)
		event_free(batch->quiet);
	if (batch->urgent != NULL)
		event_free(batch->urgent);
	if (batch->timer != NULL)
		event_free(batch->timer);
	free(batch);
}

void
batch_add(struct batch *batch, struct transaction *transaction)
{
	if (batch->commit_count == 0)
		batch->since = clock_now();
	TAILQ_INSERT_TAIL(&batch->commits, transaction, in_batch);
	batch->commit_count++;
	event_active(batch->quiet, 0, 0);
	if (batch->commit_count >= COMMITS_MAX || clock_now() - batch->since > WAIT_MAX)
		event_active(batch->urgent, 0, 0);
}

void
batch_remove(struct batch *batch, struct transaction *transaction)
{
	TAILQ_REMOVE(&batch->commits, transaction, in_batch);
	batch->commit_count--;
}

static void
come_back(struct batch *batch)
{
	static const struct timeval wait = {.tv_sec = RESULTS_SECONDS};

	(void)evtimer_add(batch->timer, &wait);
}

void
batch_result(struct batch *batch, const struct result *result)
{
	const char *reason = result->reason == NULL ? "" : result->reason;
	size_t size = strlen(reason) + 1;
	struct waiting *waiting = calloc(1, sizeof(*waiting) + size);

	if (waiting == NULL) {
		/* Found again after the next start, and delivered again, which is recognised. */
		log_event(LOG_ERR, "queue.result_lost", KV_STR("why", "no memory"));
		return;
	}
	waiting->result = *result;
	waiting->result.reason = memcpy(waiting->reason, reason, size);
	STAILQ_INSERT_TAIL(&batch->results, waiting, entry);
	batch->result_count++;
	if (result->soon)
		event_active(batch->quiet, 0, 0);
	if (!evtimer_pending(batch->timer, NULL))
		come_back(batch);
}

bool
batch_is_behind(const struct batch *batch)
{
	return batch->result_count >= RESULTS_MAX;
}

bool
batch_is_empty(const struct batch *batch)
{
	return batch->commit_count == 0 && batch->result_count == 0;
}

/* -- What follows --------------------------------------------------------------------------- */

static void
log_accepted(const struct transaction *t)
{
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)t->id);
	log_event(LOG_INFO, "queue.accepted", KV_STR("id", id), KV_CONN(t->conn),
		  KV_STR("from", t->sender), KV_U64("size", t->size),
		  KV_U64("rcpts", t->deliveries), KV_STR("submitter", t->submitter));
}

static void
reply(struct batch *batch, const struct transaction *transaction)
{
	struct result remember = {.kind = RESULT_REMEMBER, .message = transaction->id};
	struct ipc_channel *channel;

	if ((channel = transaction_channel(transaction)) == NULL)
		return;
	/* A reply that the socket didn't take dies with this process: the gate would have to ask.
	 */
	if (ipc_send(channel, GQ_COMMITTED, transaction->request, NULL, NULL, 0, -1) == 0 &&
	    ipc_queued(channel) > 0)
		batch_result(batch, &remember);
}

static void
finish_commits(struct batch *batch, int64_t position)
{
	struct queue *queue = batch->queue;
	struct transaction *transaction;
	struct recipient *recipient;

	/* Those who wait come first. */
	TAILQ_FOREACH (transaction, &batch->commits, in_batch)
		reply(batch, transaction);
	while ((transaction = TAILQ_FIRST(&batch->commits)) != NULL) {
		uint32_t index = 0;

		batch_remove(batch, transaction);
		log_accepted(transaction);
		if (transaction->report != NULL)
			report_written(transaction);
		STAILQ_FOREACH (recipient, &transaction->recipients, entry) {
			const struct db_delivery row = {
			    .position = {position, transaction->id, index},
			    .notify = recipient->notify};

			if (!recipient->chosen)
				continue;
			index++;
			if (!transaction->hold)
				schedule_new(queue->schedule, recipient->mailbox,
					     flow_of(transaction->submitter, transaction->sender,
						     recipient->mailbox),
					     &row);
		}
		position++;
		if (transaction->body != NULL)
			spool_recycle(queue->spool, transaction->slot);
		else if (!transaction->kept)
			spool_discard(queue->spool, transaction->slot);
		transaction_free(transaction);
	}
}

static void
finish_result(struct batch *batch, struct waiting *waiting)
{
	const struct result *r = &waiting->result;

	if (r->kind == RESULT_DEFER && r->next_attempt != DB_HELD && waiting->flow != -1)
		schedule_deferred(batch->queue->schedule, waiting->flow, r->next_attempt);
	STAILQ_REMOVE_HEAD(&batch->results, entry);
	batch->result_count--;
	if (waiting->left_file)
		STAILQ_INSERT_TAIL(&batch->left, waiting, entry);
	else
		free(waiting);
}

/* All that was written is on disk: nobody asks for these any more, whatever happens. */
static void
remove_files(struct batch *batch)
{
	struct waiting *waiting;

	while ((waiting = STAILQ_FIRST(&batch->left)) != NULL) {
		spool_remove(batch->queue->spool, waiting->result.message);
		STAILQ_REMOVE_HEAD(&batch->left, entry);
		free(waiting);
	}
}

static void
fail_commits(struct batch *batch, enum db_status status)
{
	struct transaction *transaction;

	while ((transaction = TAILQ_FIRST(&batch->commits)) != NULL)
		transaction_fail(transaction,
				 status == DB_NO_SPACE ? QUEUE_NO_SPACE : QUEUE_UNAVAILABLE);
}

/* The results stay: they are tried again with the next batch, or when the timer says so. */
static void
write_failed(struct batch *batch, enum db_status status)
{
	log_event(status == DB_LOST ? LOG_CRIT : LOG_ERR, "queue.commit_failed",
		  KV_STR("why", db_error(batch->queue->db)), KV_U64("mails", batch->commit_count),
		  KV_U64("results", batch->result_count));
	if (status == DB_LOST)
		exit(1);
	fail_commits(batch, status);
	if (batch->result_count > 0)
		come_back(batch);
}

void
batch_sync(struct batch *batch)
{
	enum db_status status;

	if (!batch->unsynced)
		return;
	status = db_sync(batch->queue->db);
	if (status != DB_OK) {
		write_failed(batch, status);
		return;
	}
	batch->unsynced = false;
	remove_files(batch);
}

enum db_status
batch_run(struct batch *batch)
{
	struct waiting *waiting, *last;
	enum db_status status;
	int64_t position;

	batch_keep_files(batch);
	if (batch_is_empty(batch)) {
		batch_sync(batch);
		return DB_OK;
	}
	position = schedule_positions(batch->queue->schedule, batch->commit_count + 1);
	status = batch_write(batch, position);
	if (status != DB_OK) {
		write_failed(batch, status);
		/* Which needs no room, and may make some. */
		batch_sync(batch);
		return status;
	}
	evtimer_del(batch->timer);
	if (batch->unsynced)
		come_back(batch);
	/* Replies may add results: only those up to here are written. */
	last = STAILQ_LAST(&batch->results, waiting, entry);
	finish_commits(batch, position);
	while (last != NULL && (waiting = STAILQ_FIRST(&batch->results)) != NULL) {
		bool end = waiting == last;

		finish_result(batch, waiting);
		if (end)
			break;
	}
	if (!batch->unsynced)
		remove_files(batch);
	schedule_wake(batch->queue->schedule);
	return DB_OK;
}
