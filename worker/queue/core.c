/* SPDX-License-Identifier: ISC */
/* The queue as a whole, apart from the process it runs in. */
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "common/log.h"
#include "worker/queue/asker.h"
#include "worker/queue/batch.h"
#include "worker/queue/check.h"
#include "worker/queue/greylister.h"
#include "worker/queue/limit.h"
#include "worker/queue/queue.h"
#include "worker/queue/schedule.h"
#include "worker/queue/sign.h"
#include "worker/queue/transaction.h"

bool
queue_is_path(const char *text, size_t length, bool utf8)
{
	if (length == 0 || length >= PATH_SIZE || text[length] != '\0')
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 32 || c == 127 || (c > 127 && !utf8))
			return false;
	}
	return !utf8 || u8_check((const uint8_t *)text, length) == NULL;
}

bool
queue_is_address(const char *text, size_t length, size_t size)
{
	if (length == 0 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

bool
queue_is_quiet(const struct queue *queue)
{
	/* With a report its mail's end is written: relay may be the only other one to know of it.
	 */
	return queue->bodies == 0 && queue->own->count == 0 && batch_is_empty(queue->batch) &&
	       schedule_running(queue->schedule) == 0;
}

void
queue_stop(struct queue *queue)
{
	struct transaction *transaction, *next;

	queue->draining = true;
	schedule_stop(queue->schedule);
	/* Accounts may have stopped, too: those that wait for it would end like this in any case.
	 */
	for (transaction = transaction_after(queue->own, NULL); transaction != NULL;
	     transaction = next) {
		next = transaction_after(queue->own, transaction);
		if (transaction->state == TRANSACTION_DATA)
			transaction_answer_data(transaction);
	}
}

static bool
is_known(uint64_t id, void *arg)
{
	return db_has_file(arg, id);
}

int
queue_open(struct queue *queue, int directory, struct error *err)
{
	int removed;

	LIST_INIT(&queue->sources);
	queue->db = db_open(err);
	if (queue->db == NULL)
		return -1;
	queue->spool = spool_open(directory, err);
	if (queue->spool == NULL)
		return -1;
	removed = spool_clean(queue->spool, is_known, queue->db, err);
	if (removed == -1)
		return -1;
	if (removed > 0)
		log_event(LOG_INFO, "queue.cleaned", KV_I64("files", removed));
	/* The names of the database's files, too. */
	if (spool_sync(queue->spool) == -1)
		return error_errno(err, "the queue's folder");
	queue->asker = asker_new(queue);
	queue->limiter = limiter_new();
	queue->greylister = greylister_new(queue);
	queue->checker = checker_new(queue);
	queue->signer = signer_new(queue);
	queue->batch = batch_new(queue);
	queue->schedule = schedule_open(queue);
	if (queue->asker == NULL || queue->limiter == NULL || queue->greylister == NULL ||
	    queue->checker == NULL || queue->signer == NULL || queue->batch == NULL ||
	    queue->schedule == NULL)
		return error_set(err, "no memory");
	queue->own = source_own(queue);
	if (queue->own == NULL)
		return error_set(err, "no memory");
	return schedule_resume(queue->schedule, err);
}

void
queue_close(struct queue *queue)
{
	struct source *source;

	while ((source = LIST_FIRST(&queue->sources)) != NULL)
		source_close(source);
	batch_free(queue->batch);
	schedule_close(queue->schedule);
	asker_free(queue->asker);
	limiter_free(queue->limiter);
	greylister_free(queue->greylister);
	checker_free(queue->checker);
	signer_free(queue->signer);
	spool_close(queue->spool);
	db_close(queue->db);
}
