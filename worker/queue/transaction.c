/* SPDX-License-Identifier: ISC */
#include "worker/queue/transaction.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/submit_limits.h"
#include "common/write_all.h"
#include "worker/queue/batch.h"
#include "worker/queue/check.h"
#include "worker/queue/chosen.h"
#include "worker/queue/limit.h"
#include "worker/queue/report.h"

/* What one gate may have open at once. The largest takes 10,000 connections with some recipients
 * each. */
#define TRANSACTIONS_MAX 16384

/* How long GQ_DATA waits for accounts, also over its restart. */
#define ACCOUNTS_SECONDS 15

static int
compare_numbers(const struct transaction *a, const struct transaction *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_INTERNAL(transactions, transaction, by_number, compare_numbers,
		     static __attribute__((unused)))

static void on_deadline(evutil_socket_t, short, void *);

/* -- Its life ------------------------------------------------------------------------ */

struct transaction *
transaction_find(struct source *source, uint32_t number)
{
	struct transaction key = {.number = number};

	return RB_FIND(transactions, &source->transactions, &key);
}

struct transaction *
transaction_after(struct source *source, struct transaction *transaction)
{
	return transaction == NULL ? RB_MIN(transactions, &source->transactions)
				   : RB_NEXT(transactions, &source->transactions, transaction);
}

/* Who has logged in has a channel, and all of it, for himself. False without memory. */
static bool
join_share(struct transaction *transaction)
{
	struct source *source = transaction->source;

	if (source->channel == NULL || source->submitter[0] != '\0')
		return true;
	transaction->share = share_join(&source->shares, &transaction->peer.address);
	return transaction->share != NULL;
}

static void
leave_share(struct transaction *transaction)
{
	if (transaction->share == NULL)
		return;
	share_leave(&transaction->source->shares, transaction->share);
	transaction->share = NULL;
}

struct transaction *
transaction_new(struct source *source, const struct gq_mail *mail, const char *sender)
{
	struct transaction *transaction;

	if (source->count >= TRANSACTIONS_MAX)
		return NULL;
	transaction = calloc(1, sizeof(*transaction));
	if (transaction == NULL)
		return NULL;
	transaction->queue = source->queue;
	transaction->source = source;
	transaction->number = mail->transaction;
	transaction->conn = mail->conn;
	transaction->declared = mail->size;
	transaction->parameters = mail->parameters;
	transaction->peer = mail->peer;
	transaction->fd = -1;
	STAILQ_INIT(&transaction->recipients);
	RB_INIT(&transaction->mailboxes);
	strlcpy(transaction->submitter, source->submitter, sizeof(transaction->submitter));
	transaction->sender = strdup(sender);
	transaction->deadline = evtimer_new(source->queue->base, on_deadline, transaction);
	if (transaction->sender == NULL || transaction->deadline == NULL ||
	    !join_share(transaction) ||
	    RB_INSERT(transactions, &source->transactions, transaction) != NULL) {
		if (transaction->deadline != NULL)
			event_free(transaction->deadline);
		leave_share(transaction);
		free(transaction->sender);
		free(transaction);
		return NULL;
	}
	source->count++;
	transaction_ask_sender(transaction);
	return transaction;
}

static void
orphan(struct transaction *transaction)
{
	struct source *source = transaction->source;

	if (source == NULL)
		return;
	RB_REMOVE(transactions, &source->transactions, transaction);
	source->count--;
	chosen_release(transaction, transaction->bytes);
	leave_share(transaction);
	transaction->source = NULL;
}

void
transaction_free(struct transaction *transaction)
{
	orphan(transaction);
	if (transaction->sender_question.asker != NULL)
		asker_forget(&transaction->sender_question);
	if (transaction->author_question.asker != NULL)
		asker_forget(&transaction->author_question);
	check_drop(transaction->check);
	if (transaction->state == TRANSACTION_BODY || transaction->state == TRANSACTION_AUTHOR ||
	    transaction->state == TRANSACTION_CHECK || transaction->state == TRANSACTION_RESOLVE)
		transaction->queue->bodies--;
	transaction_free_recipients(&transaction->recipients);
	if (transaction->fd != -1)
		close(transaction->fd);
	event_free(transaction->deadline);
	free(transaction->body);
	free(transaction->helo);
	free(transaction->notice);
	free(transaction->report);
	free(transaction->sender);
	free(transaction);
}

void
transaction_forget(struct transaction *transaction)
{
	struct queue *queue = transaction->queue;

	if (transaction->state == TRANSACTION_COMMIT)
		batch_remove(queue->batch, transaction);
	if (transaction->kept)
		spool_remove(queue->spool, transaction->id);
	else if (transaction->state >= TRANSACTION_BODY)
		spool_discard(queue->spool, transaction->slot);
	transaction_free(transaction);
}

void
transaction_end_all(struct source *source)
{
	struct transaction *transaction;

	while ((transaction = RB_ROOT(&source->transactions)) != NULL) {
		if (transaction->state == TRANSACTION_COMMIT)
			orphan(transaction);
		else
			transaction_forget(transaction);
	}
}

void
transaction_fail(struct transaction *transaction, enum queue_failure why)
{
	transaction_fail_with(transaction, &(struct gq_failed){.failure = why}, "");
}

void
transaction_fail_with(struct transaction *transaction, const struct gq_failed *failed,
		      const char *text)
{
	if (transaction_channel(transaction) != NULL)
		(void)ipc_send(transaction_channel(transaction), GQ_FAILED, transaction->request,
			       failed, text, strnlen(text, GQ_REPLY_MAX), -1);
	if (transaction->notice != NULL)
		log_event(LOG_WARNING, "queue.notice_failed", KV_STR("notice", transaction->notice),
			  KV_STR("why", "no account takes mail for postmaster, or it is not "
					"possible now"),
			  KV_STR("text", "tried again within the hour"));
	if (transaction->report != NULL)
		report_lost(transaction, failed->failure);
	transaction_forget(transaction);
}

/* -- Opening the body ------------------------------------------------------------------ */

static enum queue_failure
classify(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return QUEUE_NO_SPACE;
	default:
		return QUEUE_UNAVAILABLE;
	}
}

void
transaction_checked(struct transaction *transaction)
{
	transaction->queue->bodies--;
	transaction->state = TRANSACTION_COMMIT;
	batch_add(transaction->queue->batch, transaction);
}

/* Its body is there. */
void
transaction_authored(struct transaction *transaction)
{
	if (!check_wanted(transaction)) {
		transaction_checked(transaction);
		return;
	}
	transaction->state = TRANSACTION_CHECK;
	check_begin(transaction);
}

/*
 * A mail of the server's own that is too large for queue.db becomes a file as a gate's does. FD,
 * opened for writing, stays the caller's but is closed where it is to be sealed.
 */
static void
take_own_body(struct transaction *transaction, int *fd)
{
	struct spool *spool = transaction->queue->spool;
	bool written;
	int number;

	if (transaction->size <= BATCH_SMALL_MAX) {
		transaction_authored(transaction);
		return;
	}
	written = write_all(*fd, transaction->body, (size_t)transaction->size) == 0;
	number = errno;
	close(*fd);
	*fd = -1;
	free(transaction->body);
	transaction->body = NULL;
	if (written) {
		transaction->fd = spool_seal(spool, transaction->slot);
		number = errno;
	}
	if (transaction->fd == -1)
		transaction_fail(transaction, classify(number));
	else
		transaction_authored(transaction);
}

/* Gives the gate a file to write to; what is our own has its body already. */
static void
open_body(struct transaction *transaction)
{
	struct queue *queue = transaction->queue;
	struct gq_body body = {.queue_id = ""};
	int fd = spool_create(queue->spool, &transaction->slot);

	if (fd == -1) {
		int number = errno;

		log_event(LOG_ERR, "queue.spool_failed", KV_CONN(transaction->conn),
			  KV_ERRNO(number));
		transaction_fail(transaction, classify(number));
		return;
	}
	do {
		arc4random_buf(&transaction->id, sizeof(transaction->id));
	} while (transaction->id == 0);
	snprintf(body.queue_id, sizeof(body.queue_id), "%016llx",
		 (unsigned long long)transaction->id);
	body.filtered = check_wanted(transaction) ? 1 : 0;
	transaction->state = TRANSACTION_BODY;
	queue->bodies++;
	if (transaction->source == queue->own)
		take_own_body(transaction, &fd);
	else
		(void)ipc_send(transaction->source->channel, GQ_BODY, transaction->request, &body,
			       NULL, 0, fd);
	if (fd != -1)
		close(fd);
}

/* Says when the disk is full, and when it is not any more; not for each mail in between. */
static bool
has_space(struct queue *queue, uint64_t size)
{
	bool space = spool_has_space(queue->spool, size);

	if (!space && !queue->full)
		log_event(LOG_ERR, "queue.full", KV_U64("size", size), KV_ERRNO(ENOSPC));
	if (space && queue->full)
		log_event(LOG_NOTICE, "queue.has_space", KV_U64("size", size));
	queue->full = !space;
	return space;
}

/* Counts a submitter's message. False: he has sent enough, and the gate was told. */
static bool
within_limits(struct transaction *transaction)
{
	const struct submit_limits limits =
	    submit_limits_of(&transaction->source->limits, &transaction->queue->settings.limits);
	struct gq_failed failed = {.failure = QUEUE_LIMIT};
	struct timespec now = {0};

	if (transaction->submitter[0] == '\0')
		return true;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	failed.detail = limiter_take(transaction->queue->limiter, transaction->submitter, &limits,
				     (uint32_t)transaction->paths, (uint64_t)now.tv_sec,
				     &failed.limit, &failed.wait);
	if (failed.detail == LIMIT_NONE)
		return true;
	log_event(LOG_NOTICE, "queue.limit", KV_CONN(transaction->conn),
		  KV_STR("user", transaction->submitter), KV_U64("limit", failed.limit),
		  KV_U64("rcpts", transaction->paths), KV_U64("wait", failed.wait));
	transaction_fail_with(transaction, &failed, "");
	return false;
}

void
transaction_answer_data(struct transaction *transaction)
{
	struct queue *queue = transaction->queue;

	event_del(transaction->deadline);
	if (transaction->deliveries == 0)
		transaction_note_failure(transaction, QUEUE_REFUSED);
	if (transaction->declared > queue->settings.max_message_size)
		transaction_note_failure(transaction, QUEUE_TOO_BIG);
	if (transaction->failed == 0 && !has_space(queue, transaction->declared))
		transaction_note_failure(transaction, QUEUE_NO_SPACE);
	if (queue->draining)
		transaction->failed = QUEUE_UNAVAILABLE;
	if (transaction->failed != 0)
		transaction_fail(transaction, transaction->failed);
	else if (within_limits(transaction))
		open_body(transaction);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct transaction *transaction = arg;

	(void)fd;
	(void)what;
	log_event(LOG_WARNING, "queue.unresolved", KV_CONN(transaction->conn),
		  KV_STR("why", "accounts did not answer"));
	transaction_fail(transaction, QUEUE_UNAVAILABLE);
}

/* -- The body ---------------------------------------------------------------------------- */

int
transaction_client(struct transaction *transaction, const char *helo, const struct client_tls *tls)
{
	transaction->tls = *tls;
	free(transaction->helo);
	transaction->helo = strdup(helo);
	return transaction->helo == NULL ? -1 : 0;
}

void
transaction_data(struct transaction *transaction, uint32_t request)
{
	static const struct timeval wait = {.tv_sec = ACCOUNTS_SECONDS};

	transaction->request = request;
	transaction->state = TRANSACTION_DATA;
	if (transaction->unanswered == 0 || transaction->queue->draining)
		transaction_answer_data(transaction);
	else
		(void)evtimer_add(transaction->deadline, &wait);
}

/* Takes the file as the body. 1, 0 after a failure that the gate was told of, -1 after a lie. */
static int
seal_body(struct transaction *transaction, uint64_t size)
{
	struct stat st;

	transaction->fd = spool_seal(transaction->queue->spool, transaction->slot);
	if (transaction->fd == -1 && errno == EBUSY) {
		log_event(LOG_ERR, "queue.body_open", KV_CONN(transaction->conn),
			  KV_STR("why", "a commit while somebody can still write to the body"));
		return -1;
	}
	if (transaction->fd == -1 || fstat(transaction->fd, &st) == -1) {
		int number = errno;

		log_event(LOG_ERR, "queue.spool_failed", KV_CONN(transaction->conn),
			  KV_ERRNO(number));
		transaction_fail(transaction, classify(number));
		return 0;
	}
	if ((uint64_t)st.st_size != size) {
		log_event(LOG_ERR, "queue.body_size", KV_CONN(transaction->conn),
			  KV_U64("said", size), KV_I64("is", st.st_size));
		return -1;
	}
	return 1;
}

int
transaction_commit(struct transaction *transaction, uint32_t request, uint64_t size,
		   const char *body)
{
	struct queue *queue = transaction->queue;
	int sealed;

	transaction->request = request;
	if (body == NULL && (sealed = seal_body(transaction, size)) != 1)
		return sealed;
	if (size > queue->settings.max_message_size + GQ_RECEIVED_MAX) {
		transaction_fail(transaction, QUEUE_TOO_BIG);
		return 0;
	}
	if (body != NULL) {
		transaction->body = malloc((size_t)size);
		if (transaction->body == NULL) {
			transaction_fail(transaction, QUEUE_UNAVAILABLE);
			return 0;
		}
		memcpy(transaction->body, body, (size_t)size);
	}
	transaction->size = size;
	transaction_check_author(transaction);
	return 0;
}

void
transaction_new_body(struct transaction *transaction, char *body, int fd, uint64_t size)
{
	free(transaction->body);
	if (transaction->fd != -1)
		close(transaction->fd);
	transaction->body = body;
	transaction->fd = fd;
	transaction->size = size;
}

void
transaction_hold(struct transaction *transaction, const char *why)
{
	transaction->hold = true;
	strlcpy(transaction->why_held, why, sizeof(transaction->why_held));
}

void
transaction_discard(struct transaction *transaction)
{
	if (transaction_channel(transaction) != NULL)
		(void)ipc_send(transaction_channel(transaction), GQ_COMMITTED, transaction->request,
			       NULL, NULL, 0, -1);
	transaction_forget(transaction);
}

void
transaction_refuse(struct transaction *transaction, const char *reply)
{
	struct gq_failed failed = {.failure = QUEUE_FILTERED};

	if (transaction_channel(transaction) != NULL)
		(void)ipc_send(transaction_channel(transaction), GQ_FAILED, transaction->request,
			       &failed, reply, strlen(reply), -1);
	transaction_forget(transaction);
}

void
transaction_commit_own(struct transaction *transaction, char *notice, char *body, uint64_t size)
{
	transaction->notice = notice;
	transaction->body = body;
	transaction->size = size;
	transaction_data(transaction, 0);
}
