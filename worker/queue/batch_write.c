/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/queue/batch_private.h"
#include "worker/queue/clock.h"
#include "worker/queue/report.h"

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

/* Takes a step with each of them; those that fail are gone. How many are left. */
static unsigned
each_large(struct batch *batch, int (*step)(const struct batch *, struct transaction *))
{
	struct transaction *t, *next;
	unsigned count = 0;

	TAILQ_FOREACH_SAFE (t, &batch->commits, in_batch, next) {
		if (t->size <= BATCH_SMALL_MAX)
			continue;
		if (step(batch, t) == 0)
			count++;
		else
			body_failed(t, errno);
	}
	return count;
}

static int
begin_large(const struct batch *batch, struct transaction *t)
{
	spool_start_writing(t->fd);
	if (spool_keep(batch->queue->spool, t->slot, t->id) == -1)
		return -1;
	t->kept = true;
	return 0;
}

static int
write_large(const struct batch *batch, struct transaction *t)
{
	(void)batch;
	return spool_write(t->fd);
}

void
batch_keep_files(struct batch *batch)
{
	struct transaction *t, *next;
	int number;

	(void)each_large(batch, begin_large);
	if (each_large(batch, write_large) == 0 || spool_sync(batch->queue->spool) == 0)
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
	struct db_recipient row = {.message = transaction->id, .next_attempt = position};
	struct db_deferral held = {
	    .message = transaction->id, .next_attempt = DB_HELD, .reason = transaction->why_held};
	enum db_status status = DB_OK;
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &transaction->recipients, entry) {
		if (!recipient->chosen)
			continue;
		row.path = recipient->path;
		row.mailbox = recipient->mailbox;
		row.flow = flow_of(transaction->submitter, transaction->sender, row.mailbox);
		row.notify = recipient->notify;
		row.orcpt = recipient->orcpt;
		row.sender = recipient->sender;
		row.alias = recipient->alias;
		status = db_add_recipient(batch->queue->db, &row);
		held.index = row.index;
		if (status == DB_OK && transaction->hold)
			status = db_defer(batch->queue->db, &held, &row.flow);
		if (status != DB_OK)
			break;
		row.index++;
	}
	return status;
}

/* BEHIND: where what is put off comes at the earliest. */
static enum db_status
write_commit(struct batch *batch, const struct transaction *transaction, int64_t position,
	     int64_t behind)
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
		status = report_write(batch->queue->db, transaction->report, behind);
	return status == DB_OK ? write_recipients(batch, transaction, position) : status;
}

static enum db_status
defer(struct db *db, const struct result *result, flow_id *flow)
{
	const struct db_deferral deferral = {.message = result->message,
					     .index = result->index,
					     .attempts = result->attempts,
					     .next_attempt = result->next_attempt,
					     .reason = result->reason,
					     .unreached = result->unreached};

	return db_defer(db, &deferral, flow);
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
		return defer(db, r, &waiting->flow);
	case RESULT_REMEMBER:
		return db_remember(db, r->message);
	}
	return DB_FAILED;
}

static bool
has_waited(const struct batch *batch)
{
	return batch->unsynced &&
	       clock_now() - batch->unsynced_since >= RESULTS_SECONDS * CLOCK_SECOND;
}

enum db_status
batch_write(struct batch *batch, int64_t position)
{
	struct db *db = batch->queue->db;
	bool sync = batch->commit_count > 0 || has_waited(batch);
	enum db_status status = db_begin(db);
	int64_t behind = position + (int64_t)batch->commit_count;
	struct transaction *transaction;
	struct waiting *waiting;

	TAILQ_FOREACH (transaction, &batch->commits, in_batch) {
		if (status == DB_OK)
			status = write_commit(batch, transaction, position++, behind);
	}
	STAILQ_FOREACH (waiting, &batch->results, entry) {
		if (status == DB_OK)
			status = write_result(batch, waiting, behind);
	}
	if (status == DB_OK)
		status = sync ? db_commit(db) : db_commit_unsynced(db);
	if (status != DB_OK) {
		db_rollback(db);
		return status;
	}
	if (!sync && !batch->unsynced)
		batch->unsynced_since = clock_now();
	batch->unsynced = !sync;
	return DB_OK;
}
