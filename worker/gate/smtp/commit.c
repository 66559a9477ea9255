/* SPDX-License-Identifier: ISC */
/* The end of the data: the message becomes durable, then the client hears of it. */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/session.h"

static const struct {
	const char *reply;
	const char *why; /* in the log */
} failures[] = {
    [QUEUE_NO_SPACE] = {"452 4.3.1 There is no space for the message now, try again later",
			"no-space"},
    [QUEUE_TOO_BIG] = {"552 5.3.4 Message refused: it is bigger than this server takes", "too-big"},
    [QUEUE_REFUSED] = {"554 5.5.1 Transaction failed: a recipient is not known any more",
		       "refused-by-queue"},
    [QUEUE_UNAVAILABLE] = {"451 4.3.0 The mail queue can't be reached now, try again later",
			   "queue-unavailable"},
    [QUEUE_UNKNOWN] = {"451 4.3.0 The message was not kept, try again later", "queue-restarted"},
    [QUEUE_SENDER] = {NULL, "sender-not-own"},
};

/*
 * -- The outcome ----------------------------------------------------------------
 */

static void
log_outcome(struct conn *conn, const struct smtp_session *session, const char *event,
	    const char *why, uint64_t size)
{
	const struct smtp_transaction *mail = session->mail;
	const struct smtp_rcpt *first = STAILQ_FIRST(&mail->taken);

	log_event(LOG_INFO, event, KV_CONN(conn_identity(conn)), KV_STR("stage", "data"),
		  KV_STR("why", why), KV_STR("queue_id", mail->body.queue_id),
		  KV_STR("from", mail->from), KV_STR("to", first != NULL ? first->path : ""),
		  KV_U64("rcpts", mail->taken_count), KV_U64("size", size),
		  KV_STR("helo", session->helo),
		  KV_STR("user", session->account != NULL ? session->account : ""));
}

static uint64_t
received_size(const struct smtp_transaction *mail)
{
	return mail->receipt != NULL ? mail->receipt->data.size : 0;
}

/* What is allowed, and how to have more of it. */
static void
reply_sender(struct conn *conn, const struct smtp_session *session)
{
	char quoted[SMTP_QUOTE_SIZE];
	const char *from = session->mail->from;

	smtp_reply(
	    conn,
	    "550 5.7.1 <%s> is not an address of %s: send as that, as one of its aliases, or as "
	    "what the administrator lists in its senders",
	    smtp_quote(from, strlen(from), quoted),
	    session->account != NULL ? session->account : "yours");
}

void
smtp_queue_failed(struct conn *conn, struct smtp_session *session, uint32_t failure)
{
	if (failure < QUEUE_NO_SPACE || failure > QUEUE_SENDER)
		failure = QUEUE_UNAVAILABLE;
	log_outcome(conn, session, "smtp.refused", failures[failure].why,
		    received_size(session->mail));
	if (failure == QUEUE_SENDER)
		reply_sender(conn, session);
	else
		smtp_reply(conn, "%s", failures[failure].reply);
	smtp_transaction_end(conn, session);
}

static void
accepted(struct conn *conn, struct smtp_session *session)
{
	char queue_id[QUEUE_ID_SIZE];

	memcpy(queue_id, session->mail->body.queue_id, sizeof(queue_id));
	log_outcome(conn, session, "smtp.accepted", "", received_size(session->mail));
	session->mail->id = 0; /* queue's own now */
	smtp_transaction_end(conn, session);
	session->idling = 0;
	smtp_reply(conn, "250 2.0.0 Ok: queued as %s", queue_id);
	smtp_release(conn, session);
}

static void
not_accepted(struct conn *conn, struct smtp_session *session, uint32_t failure)
{
	session->mail->id = 0; /* forgotten there, or not to be reached */
	smtp_queue_failed(conn, session, failure);
	smtp_release(conn, session);
}

/* "550 5.7.1 text": what a filter has to say. */
static bool
is_refusal(const char *text, size_t length)
{
	if (length < 5 || (text[0] != '4' && text[0] != '5') ||
	    isdigit((unsigned char)text[1]) == 0 || isdigit((unsigned char)text[2]) == 0 ||
	    text[3] != ' ')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

static int
filtered(struct conn *conn, struct smtp_session *session, const struct ipc_message *message)
{
	if (!is_refusal(message->tail, message->tail_length)) {
		not_accepted(conn, session, QUEUE_UNAVAILABLE);
		return -1;
	}
	session->mail->id = 0;
	log_outcome(conn, session, "smtp.refused", "filtered", received_size(session->mail));
	smtp_reply(conn, "%.*s", (int)message->tail_length, message->tail);
	smtp_transaction_end(conn, session);
	smtp_release(conn, session);
	return 0;
}

/* Queue's word on the commit, whether it was asked once or again. */
static int
answered(struct conn *conn, struct smtp_session *session, const struct ipc_message *message)
{
	if (message->type == GQ_COMMITTED) {
		accepted(conn, session);
		return 0;
	}
	if (message->type == GQ_FAILED) {
		uint32_t failure = ((const struct gq_failed *)message->body)->failure;

		if (failure == QUEUE_FILTERED)
			return filtered(conn, session, message);
		not_accepted(conn, session, failure);
		return 0;
	}
	not_accepted(conn, session, QUEUE_UNAVAILABLE);
	return -1;
}

/*
 * -- When queue died in between -------------------------------------------------
 *
 * The message may be durable, or not. Both a 250 and a 451 could be wrong, so the successor is
 * asked; only if none comes in time it is 451, and the client's next try may make it two.
 */

static int
on_confirmed(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);

	(void)channel;
	session->request = 0;
	if (message == NULL)
		return 0; /* queue_up() or the timer will come */
	return answered(conn, session, message);
}

static void
ask_successor(struct conn *conn, struct smtp_session *session)
{
	struct ipc_channel *queue = conn_queue(conn);

	if (queue == NULL || session->request != 0)
		return;
	session->request = ipc_request(queue, GQ_CONFIRM, &session->mail->body, NULL, 0, -1,
				       SMTP_CONFIRM_TIMEOUT, on_confirmed, conn);
}

static void
on_confirm_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	not_accepted(conn, conn_state(conn), QUEUE_UNAVAILABLE);
}

static void
wait_for_successor(struct conn *conn, struct smtp_session *session)
{
	struct timeval timeout = {SMTP_CONFIRM_TIMEOUT, 0};
	struct smtp_transaction *mail = session->mail;

	if (mail->timer != NULL)
		event_free(mail->timer);
	mail->timer = evtimer_new(conn_event_base(conn), on_confirm_timeout, conn);
	if (mail->timer == NULL || evtimer_add(mail->timer, &timeout) == -1) {
		not_accepted(conn, session, QUEUE_UNAVAILABLE);
		return;
	}
	session->state = SMTP_CONFIRMING;
	log_event(LOG_WARNING, "smtp.unconfirmed", KV_CONN(conn_identity(conn)),
		  KV_STR("queue_id", mail->body.queue_id));
	ask_successor(conn, session);
}

void
smtp_queue_up(struct conn *conn)
{
	struct smtp_session *session = conn_state(conn);

	if (session->mail == NULL)
		return;
	if (session->state == SMTP_CONFIRMING)
		ask_successor(conn, session);
	else if (session->account == NULL && session->mail->id != 0)
		session->mail->channel_lost = true;
}

/*
 * -- The commit -----------------------------------------------------------------
 */

static int
on_committed(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);

	(void)channel;
	session->request = 0;
	if (message == NULL) {
		wait_for_successor(conn, session);
		return 0;
	}
	return answered(conn, session, message);
}

/* For what the client did; the rest of the message has been swallowed by now. */
static void
refuse_content(struct conn *conn, struct smtp_session *session, enum smtp_data_fault fault)
{
	/*
	 * Where a line end in doubt came before the real end mark ("\r\r\n.\r\n"), what follows it
	 * may be a stranger's words in the mouth of an honest server: none of it is a command.
	 */
	bool doubt =
	    (fault == DATA_BARE_CR || fault == DATA_BARE_LF) && session->mail->receipt->more;

	log_outcome(conn, session, "smtp.refused", smtp_data_fault_name(fault),
		    received_size(session->mail));
	smtp_transaction_end(conn, session);
	if (doubt)
		smtp_close(conn, "smuggling", "%s", smtp_data_reply(fault));
	else
		(void)smtp_refuse(conn, "%s", smtp_data_reply(fault));
}

static uint32_t
failure_of_write(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return QUEUE_NO_SPACE;
	case EFBIG:
		return QUEUE_TOO_BIG;
	default:
		return QUEUE_UNAVAILABLE;
	}
}

void
smtp_commit(struct conn *conn, struct smtp_session *session, const char *bytes, size_t length)
{
	struct ipc_channel *queue = smtp_queue(conn, session);
	struct smtp_transaction *mail = session->mail;
	struct smtp_receipt *receipt = mail->receipt;
	struct gq_commit commit = {.transaction = mail->id};

	/* queue refuses a body that somebody can still write to */
	smtp_receipt_close(receipt);
	commit.size = length > 0 ? length : receipt->written;
	/* What was announced as binary is mostly lines of text, and easier to carry then. */
	commit.body = mail->parameters.body;
	if (commit.body == BODY_BINARYMIME && !receipt->data.binary)
		commit.body = BODY_8BITMIME;
	if (receipt->data.fault != DATA_FINE) {
		refuse_content(conn, session, receipt->data.fault);
		return;
	}
	if (receipt->write_errno != 0) {
		log_event(LOG_ERR, "smtp.write_failed", KV_CONN(conn_identity(conn)),
			  KV_STR("queue_id", mail->body.queue_id), KV_ERRNO(receipt->write_errno));
		smtp_queue_failed(conn, session, failure_of_write(receipt->write_errno));
		return;
	}
	if (queue != NULL && !mail->channel_lost)
		session->request = ipc_request(queue, GQ_COMMIT, &commit, bytes, length, -1,
					       SMTP_COMMIT_TIMEOUT, on_committed, conn);
	if (session->request == 0) {
		smtp_queue_failed(conn, session, QUEUE_UNAVAILABLE);
		return;
	}
	session->state = SMTP_COMMITTING;
	smtp_hold(conn, session);
}
