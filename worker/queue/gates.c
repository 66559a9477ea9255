/* SPDX-License-Identifier: ISC */
/*
 * What gates say (gate_queue.h). Here is what a message must be like beyond its table; what it does
 * is the transaction's business.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/queue/batch.h"
#include "worker/queue/greylister.h"
#include "worker/queue/queue.h"
#include "worker/queue/transaction.h"

/* The transaction that is named, if it is in STATE. */
static struct transaction *
named(struct source *source, uint32_t number, enum transaction_state state)
{
	struct transaction *transaction = transaction_find(source, number);

	return transaction != NULL && transaction->state == state ? transaction : NULL;
}

static int
on_mail(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_mail *mail = message->body;

	(void)channel;
	if (mail->transaction == 0 || mail->zero != 0 ||
	    !mail_parameters_sound(&mail->parameters) ||
	    (message->tail_length > 0 &&
	     !queue_is_path(message->tail, message->tail_length,
			    (mail->parameters.flags & MAIL_SMTPUTF8) != 0)))
		return -1;
	return transaction_new(context, mail, message->tail_length == 0 ? "" : message->tail) ==
		       NULL
		   ? -1
		   : 0;
}

/* Takes the tail apart; false: it is not what it should be. */
static bool
parse_rcpt(const struct transaction *transaction, const struct ipc_message *message,
	   const char **orcpt)
{
	bool utf8 = (transaction->parameters.flags & MAIL_SMTPUTF8) != 0;
	size_t path = strnlen(message->tail, message->tail_length);

	*orcpt = "";
	if (!queue_is_path(message->tail, path, utf8))
		return false;
	if (path == message->tail_length)
		return true;
	*orcpt = message->tail + path + 1;
	return orcpt_is_sound(*orcpt, message->tail_length - path - 1);
}

/* What a client says of itself is of no use but to a filter. */
static int
on_client(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_client *body = message->body;
	struct transaction *transaction = named(context, body->transaction, TRANSACTION_ENVELOPE);
	const char *end = memchr(body->helo, '\0', sizeof(body->helo));

	(void)channel;
	if (transaction == NULL || !client_tls_is_sound(&body->tls) || end == NULL ||
	    !queue_is_address(body->helo, (size_t)(end - body->helo), sizeof(body->helo)))
		return -1;
	return transaction_client(transaction, body->helo, &body->tls);
}

static int
on_rcpt(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_rcpt *body = message->body;
	struct transaction *transaction = named(context, body->transaction, TRANSACTION_ENVELOPE);
	const char *orcpt;

	(void)channel;
	if (transaction == NULL || !notify_is_sound(body->notify) ||
	    !parse_rcpt(transaction, message, &orcpt))
		return -1;
	transaction_add(transaction, message->tail, body->notify, orcpt);
	return 0;
}

static int
on_data(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_transaction *body = message->body;
	struct transaction *transaction = named(context, body->transaction, TRANSACTION_ENVELOPE);

	(void)channel;
	if (transaction == NULL || message->id == 0)
		return -1;
	transaction_data(transaction, message->id);
	return 0;
}

static int
on_commit(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_commit *body = message->body;
	struct transaction *transaction = named(context, body->transaction, TRANSACTION_BODY);

	(void)channel;
	/* The gate's own field is in front of each: none is empty. */
	if (transaction == NULL || message->id == 0 || body->body >= BODY_TYPES ||
	    body->size == 0 || (message->tail_length != 0 && message->tail_length != body->size))
		return -1;
	transaction->parameters.body = body->body;
	return transaction_commit(transaction, message->id, body->size,
				  message->tail_length == 0 ? NULL : message->tail);
}

/* One that is not there may have failed meanwhile. */
static int
on_abort(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_transaction *body = message->body;
	struct transaction *transaction = transaction_find(context, body->transaction);

	(void)channel;
	if (transaction != NULL)
		transaction_forget(transaction);
	return 0;
}

static int
on_confirm(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_body *body = message->body;
	const struct source *source = context;
	struct gq_failed failed = {.failure = QUEUE_UNKNOWN};
	bool known = false;

	if (message->id == 0 || body->queue_id[QUEUE_ID_SIZE - 1] != '\0' ||
	    strspn(body->queue_id, "0123456789abcdef") != QUEUE_ID_SIZE - 1)
		return -1;
	/* It may be about to become durable. */
	(void)batch_run(source->queue->batch);
	if (db_known(source->queue->db, strtoull(body->queue_id, NULL, 16), &known) != DB_OK)
		failed.failure = QUEUE_UNAVAILABLE;
	else if (known)
		return ipc_send(channel, GQ_COMMITTED, message->id, NULL, NULL, 0, -1), 0;
	(void)ipc_send(channel, GQ_FAILED, message->id, &failed, NULL, 0, -1);
	return 0;
}

/* Who has logged in is no stranger. */
static int
on_greylist(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct source *source = context;

	if (source->submitter[0] != '\0')
		return -1;
	return greylister_take(source->queue->greylister, channel, message);
}

static const struct ipc_handler handlers[] = {
    {GQ_MAIL, on_mail},     {GQ_RCPT, on_rcpt},         {GQ_DATA, on_data},
    {GQ_COMMIT, on_commit}, {GQ_ABORT, on_abort},       {GQ_CONFIRM, on_confirm},
    {GQ_CLIENT, on_client}, {GQ_GREYLIST, on_greylist}, {0, NULL},
};

static void
source_free(struct source *source)
{
	transaction_end_all(source);
	LIST_REMOVE(source, entry);
	free(source);
}

struct source *
source_own(struct queue *queue)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	source->queue = queue;
	RB_INIT(&source->transactions);
	RB_INIT(&source->shares);
	LIST_INSERT_HEAD(&queue->sources, source, entry);
	return source;
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	source_free(context);
}

int
source_open(struct queue *queue, int fd, const char *peer, const char *submitter,
	    const struct aq_submitter *login)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source == NULL) {
		close(fd);
		return -1;
	}
	source->queue = queue;
	RB_INIT(&source->transactions);
	RB_INIT(&source->shares);
	strlcpy(source->submitter, submitter, sizeof(source->submitter));
	if (login != NULL) {
		source->limits = login->limits;
		source->mechanism = (enum login_way)login->mechanism;
	}
	source->channel = ipc_open(queue->base, fd, &gate_queue_boundary, IPC_SERVER, handlers,
				   on_ended, source, peer);
	if (source->channel == NULL) {
		free(source);
		return -1;
	}
	LIST_INSERT_HEAD(&queue->sources, source, entry);
	return 0;
}

void
source_close(struct source *source)
{
	ipc_close(source->channel);
	source_free(source);
}
