/* SPDX-License-Identifier: ISC */
/* What filter asks for, and says, before its verdict (queue_filter.h). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/dkim_fields.h"
#include "worker/queue/check_mail.h"
#include "worker/queue/check_private.h"
#include "worker/queue/queue.h"
#include "worker/queue/sign.h"
#include "worker/queue/transaction.h"

void
check_forget_asked(struct check *check)
{
	free(check->envelope);
	check->envelope = NULL;
	signer_forget(check->wish);
	check->wish = NULL;
	if (check->room)
		spool_discard(check->checker->queue->spool, check->slot);
	check->room = false;
}

static struct check *
asked(const struct checker *checker, uint32_t number)
{
	struct check *check;

	TAILQ_FOREACH (check, &checker->asked, entry) {
		if (check->number == number)
			return check;
	}
	return NULL;
}

/* A check that is not there may have been dropped meanwhile. */
static int
on_room(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_number *number = message->body;
	struct checker *checker = context;
	struct check *check = asked(checker, number->check);
	int fd = -1;

	if (message->id == 0 || (check != NULL && check->room))
		return -1;
	if (check != NULL)
		fd = spool_create(checker->queue->spool, &check->slot);
	if (fd == -1) {
		(void)ipc_send(channel, QF_NO_ROOM, message->id, NULL, NULL, 0, -1);
		return 0;
	}
	check->room = true;
	(void)ipc_send(channel, QF_FILE, message->id, NULL, NULL, 0, fd);
	close(fd);
	return 0;
}

/* Only what this host's users, and itself, send is signed. */
static bool
may_be_signed(const struct check *check, const struct qf_sign *order)
{
	const struct transaction *transaction = check->transaction;

	return check_kind(transaction) != FILTER_STRANGER && check->wish == NULL &&
	       dkim_fields_may_lack(order->without) &&
	       memchr(order->domain, '\0', sizeof(order->domain)) != NULL;
}

static void
on_signed(const char *fields, size_t length, void *arg)
{
	struct check *check = arg;
	struct ipc_channel *channel = check->checker->channel;

	check->wish = NULL;
	if (channel == NULL)
		return;
	if (fields == NULL)
		(void)ipc_send(channel, QF_UNSIGNED, check->sign_request, NULL, NULL, 0, -1);
	else
		(void)ipc_send(channel, QF_SIGNED, check->sign_request, NULL, fields, length, -1);
}

static int
on_sign(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_sign *order = message->body;
	struct checker *checker = context;
	struct check *check = asked(checker, order->check);

	if (message->id == 0 || (check != NULL && !may_be_signed(check, order)))
		return -1;
	if (check != NULL) {
		check->sign_request = message->id;
		check->wish = signer_ask(checker->queue->signer, order, message->tail,
					 message->tail_length, on_signed, check);
	}
	if (check == NULL || check->wish == NULL)
		(void)ipc_send(channel, QF_UNSIGNED, message->id, NULL, NULL, 0, -1);
	return 0;
}

/* Of a check that is not there, which may have been dropped meanwhile, nothing can be said. */
static int
on_envelope(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_envelope *fixed = message->body;
	const struct checker *checker = context;
	struct check *check = asked(checker, fixed->check);
	struct envelope_change change;
	struct envelope_wish *wish;

	(void)channel;
	if (check == NULL)
		return 0;
	if (check->envelope != NULL ||
	    !check_envelope_read(fixed, message->tail, message->tail_length, &check->mail,
				 check_recipients(check->transaction), &change))
		return -1;
	wish = malloc(sizeof(*wish) + message->tail_length + 1);
	if (wish == NULL)
		return -1;
	wish->fixed = *fixed;
	wish->length = message->tail_length;
	memcpy(wish->tail, message->tail, message->tail_length);
	wish->tail[message->tail_length] = '\0';
	check->envelope = wish;
	return 0;
}

const struct ipc_handler check_handlers[] = {
    {QF_ROOM, on_room},
    {QF_SIGN, on_sign},
    {QF_ENVELOPE, on_envelope},
    {QF_LEAVING, check_on_leaving},
    {0, NULL},
};
