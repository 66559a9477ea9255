/* SPDX-License-Identifier: ISC */
#include "worker/queue/batch.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/child.h"
#include "common/log.h"
#include "worker/queue/clock.h"
#include "worker/queue/flow.h"
#include "worker/queue/report.h"
#include "worker/queue/schedule.h"
#include "worker/queue/transaction.h"

#define COMMITS_MAX 256              /* a batch that is this large, */
#define WAIT_MAX (CLOCK_SECOND / 50) /* or waits this long, doesn't wait for a quiet moment */
#define RESULTS_MAX 4096
#define RESULTS_SECONDS 1

struct waiting {
	STAILQ_ENTRY(waiting) entry;
	struct result result;
	bool left_file;
	flow_id flow; /* of one that was deferred; -1: it is gone */
	char reason[];
};
STAILQ_HEAD(results, waiting);
TAILQ_HEAD(commits, transaction);

struct batch {
	struct queue *queue;
	struct commits commits;
	size_t commit_count;
	int64_t since; /* when the first of them came */
	struct results results;
	size_t result_count;
	struct event *quiet;  /* nothing else is left to do */
	struct event *urgent; /* there is, but this can't wait */
	struct event *timer;  /* results without a commit to go with */
	char body[BATCH_SMALL_MAX];
};

/* -- Gathering --------------------------------------------------------------------- */

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	batch_run(arg);
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

static void
result_free(struct batch *batch, struct waiting *waiting)
{
	STAILQ_REMOVE(&batch->results, waiting, waiting, entry);
	batch->result_count--;
	free(waiting);
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
	while ((waiting = STAILQ_FIRST(&batch->results)) != NULL)
		result_free(batch, waiting);
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

void
batch_result(struct batch *batch, const struct result *result)
{
	static const struct timeval wait = {.tv_sec = RESULTS_SECONDS};
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
		(void)evtimer_add(batch->timer, &wait);
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

/* -- Bodies that stay files ------------------------------------------------------------ */

static enum queue_failure
failure_of(int number)
{
	return number == ENOSPC || number == EDQUOT ? QUEUE_NO_SPACE : QUEUE_UNAVAILABLE;
}

static void
body_failed(struct transaction *transaction, int number)
{
	log_event(LOG_ERR, "queue.spool_failed", KV_CONN(transaction->conn), KV_ERRNO(number));
	transaction_fail(transaction, failure_of(number));
}

/* All of them are on disk, and their names, when this returns; those that failed are gone. */
static void
keep_large(struct batch *batch)
{
	struct spool *spool = batch->queue->spool;
	struct transaction *t, *next;
	unsigned kept = 0;
	int number;

	TAILQ_FOREACH (t, &batch->commits, in_batch) {
		if (t->size > BATCH_SMALL_MAX)
			spool_start_writing(t->fd);
	}
	TAILQ_FOREACH_SAFE (t, &batch->commits, in_batch, next) {
		if (t->size <= BATCH_SMALL_MAX)
			continue;
		if (spool_keep(spool, t->slot, t->fd, t->id) == -1) {
			body_failed(t, errno);
			continue;
		}
		t->kept = true;
		kept++;
	}
	if (kept == 0 || spool_sync(spool) == 0)
		return;
	number = errno;
	TAILQ_FOREACH_SAFE (t, &batch->commits, in_batch, next) {
		if (t->kept)
			body_failed(t, number);
	}
}

/* -- The transaction ---------------------------------------------------------------------- */

/* The body of a small one, whole; its file can't change any more. */
static bool
read_small(struct batch *batch, const struct transaction *transaction)
{
	size_t done = 0;

	while (done < transaction->size) {
		ssize_t n = pread(transaction->fd, batch->body + done, transaction->size - done,
				  (off_t)done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static enum db_status
write_recipients(struct batch *batch, const struct transaction *transaction, int64_t position)
{
	struct db_recipient row = {.message = transaction->id,
				   .flow = flow_of(transaction->submitter, transaction->sender),
				   .next_attempt = position};
	enum db_status status = DB_OK;
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &transaction->recipients, entry) {
		if (!recipient->chosen)
			continue;
		row.path = recipient->path;
		row.mailbox = recipient->mailbox;
		row.notify = recipient->notify;
		row.orcpt = recipient->orcpt;
		row.sender = recipient->sender;
		row.alias = recipient->alias;
		status = db_add_recipient(batch->queue->db, &row);
		if (status == DB_OK && transaction->hold)
			status = db_defer(batch->queue->db, row.message, row.index, 0, DB_HELD,
					  transaction->why_held, &row.flow);
		if (status != DB_OK)
			break;
		row.index++;
	}
	return status;
}

static enum db_status
write_commit(struct batch *batch, const struct transaction *transaction, int64_t position)
{
	struct db_message row = {
	    .id = transaction->id,
	    .conn = transaction->conn,
	    .received = (int64_t)time(NULL),
	    .since = position,
	    .sender = transaction->sender,
	    .submitter = transaction->submitter,
	    .junk = transaction->junk,
	    .size = transaction->size,
	    .parameters = transaction->parameters,
	};
	enum db_status status;

	if (!transaction->kept) {
		row.body = transaction->body != NULL ? transaction->body : batch->body;
		if (transaction->body == NULL && !read_small(batch, transaction))
			return DB_FAILED;
	}
	status = db_add_message(batch->queue->db, &row);
	if (status == DB_OK && transaction->notice != NULL)
		status = db_add_notice(batch->queue->db, transaction->notice);
	if (status == DB_OK && transaction->report != NULL)
		status = report_write(batch->queue->db, transaction->report);
	return status == DB_OK ? write_recipients(batch, transaction, position) : status;
}

/*
 * A deferral that could not be written until its time had come must not land before what is new:
 * the schedule may have been there.
 */
static enum db_status
write_result(struct batch *batch, struct waiting *waiting, int64_t position)
{
	struct result *r = &waiting->result;
	struct db *db = batch->queue->db;

	switch (r->kind) {
	case RESULT_DONE:
		return db_done(db, r->message, r->index, &waiting->left_file);
	case RESULT_DEFER:
		if (r->next_attempt <= position)
			r->next_attempt = position;
		return db_defer(db, r->message, r->index, r->attempts, r->next_attempt, r->reason,
				&waiting->flow);
	case RESULT_REMEMBER:
		return db_remember(db, r->message);
	}
	return DB_FAILED;
}

/* Everything, or nothing. POSITION: where the first new one comes in the order of deliveries. */
static enum db_status
write_all(struct batch *batch, int64_t position)
{
	struct db *db = batch->queue->db;
	enum db_status status = db_begin(db);
	struct transaction *transaction;
	struct waiting *waiting;

	TAILQ_FOREACH (transaction, &batch->commits, in_batch) {
		if (status == DB_OK)
			status = write_commit(batch, transaction, position++);
	}
	STAILQ_FOREACH (waiting, &batch->results, entry) {
		if (status == DB_OK)
			status = write_result(batch, waiting, position);
	}
	if (status == DB_OK)
		status = db_commit(db);
	if (status != DB_OK)
		db_rollback(db);
	return status;
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
		flow_id flow = flow_of(transaction->submitter, transaction->sender);
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
				schedule_new(queue->schedule, recipient->mailbox, flow, &row);
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

	if (waiting->left_file)
		spool_remove(batch->queue->spool, r->message);
	if (r->kind == RESULT_DEFER && r->next_attempt != DB_HELD && waiting->flow != -1)
		schedule_deferred(batch->queue->schedule, waiting->flow, r->next_attempt);
	result_free(batch, waiting);
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
	static const struct timeval wait = {.tv_sec = RESULTS_SECONDS};

	log_event(status == DB_LOST ? LOG_CRIT : LOG_ERR, "queue.commit_failed",
		  KV_STR("why", db_error(batch->queue->db)), KV_U64("mails", batch->commit_count),
		  KV_U64("results", batch->result_count));
	if (status == DB_LOST)
		exit(1);
	fail_commits(batch, status);
	if (batch->result_count > 0)
		(void)evtimer_add(batch->timer, &wait);
}

void
batch_run(struct batch *batch)
{
	struct waiting *waiting, *last;
	enum db_status status;
	int64_t position;

	keep_large(batch);
	if (batch_is_empty(batch))
		return;
	position = schedule_positions(batch->queue->schedule, batch->commit_count + 1);
	status = write_all(batch, position);
	if (status != DB_OK) {
		write_failed(batch, status);
		return;
	}
	evtimer_del(batch->timer);
	/* Replies may add results: only those up to here are written. */
	last = STAILQ_LAST(&batch->results, waiting, entry);
	finish_commits(batch, position);
	while (last != NULL && (waiting = STAILQ_FIRST(&batch->results)) != NULL) {
		bool end = waiting == last;

		finish_result(batch, waiting);
		if (end)
			break;
	}
	schedule_wake(batch->queue->schedule);
}
