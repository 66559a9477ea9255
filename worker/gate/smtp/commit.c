/* SPDX-License-Identifier: ISC */
/* The end of the data: the message becomes durable, then the client hears of it. */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/session.h"

/*
 * -- The outcome ----------------------------------------------------------------
 */

static void
accepted(struct conn *conn, struct smtp_session *session)
{
	char queue_id[QUEUE_ID_SIZE];

	memcpy(queue_id, session->mail->body.queue_id, sizeof(queue_id));
	smtp_log_outcome(conn, session, "smtp.accepted", "");
	session->mail->id = 0; /* queue's own now */
	smtp_transaction_end(conn, session);
	session->idling = 0;
	smtp_reply(conn, "250 2.0.0 Ok: queued as %s", queue_id);
	smtp_release(conn, session);
}

static void
not_accepted(struct conn *conn, struct smtp_session *session, const struct gq_failed *failed,
	     const char *text)
{
	session->mail->id = 0; /* forgotten there, or not to be reached */
	smtp_queue_refused(conn, session, failed, text);
	smtp_release(conn, session);
}

static void
not_to_be_reached(struct conn *conn, struct smtp_session *session)
{
	not_accepted(conn, session, &(struct gq_failed){.failure = QUEUE_UNAVAILABLE}, "");
}

/* "550 5.7.1 text": a line of what a filter has to say. */
static bool
is_refusal(const char *text, size_t length)
{
	if (length < 4 || (text[0] != '4' && text[0] != '5') ||
	    isdigit((unsigned char)text[1]) == 0 || isdigit((unsigned char)text[2]) == 0 ||
	    text[3] != ' ')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

static size_t
line_length(const char *text, size_t length)
{
	const char *end = memchr(text, '\n', length);

	return end == NULL ? length : (size_t)(end - text);
}

/* All lines are, with the same code (RFC 5321 4.2.1). */
static bool
are_refusals(const char *text, size_t length)
{
	const char *code = text;

	for (;;) {
		size_t line = line_length(text, length);

		if (!is_refusal(text, line) || memcmp(text, code, 3) != 0)
			return false;
		if (line == length)
			return true;
		text += line + 1;
		length -= line + 1;
	}
}

static void
reply_lines(struct conn *conn, const char *text, size_t length)
{
	size_t line;

	for (; (line = line_length(text, length)) < length; text += line + 1, length -= line + 1)
		smtp_reply(conn, "%.3s-%.*s", text, (int)line - 4, text + 4);
	smtp_reply(conn, "%.*s", (int)length, text);
}

static int
filtered(struct conn *conn, struct smtp_session *session, const struct ipc_message *message)
{
	if (!are_refusals(message->tail, message->tail_length)) {
		not_to_be_reached(conn, session);
		return -1;
	}
	session->mail->id = 0;
	smtp_log_outcome(conn, session, "smtp.refused", "filtered");
	reply_lines(conn, message->tail, message->tail_length);
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
		const struct gq_failed *failed = message->body;

		if (failed->failure == QUEUE_FILTERED)
			return filtered(conn, session, message);
		not_accepted(conn, session, failed, message->tail);
		return 0;
	}
	not_to_be_reached(conn, session);
	return -1;
}

/*
 * -- When queue died in between, or does not answer -------------------------------
 *
 * The message may be durable, or not. Both a 250 and a 451 could be wrong, so the successor is
 * asked, or it itself once more; only if none comes in time it is 451, and the client's next try
 * may make it two.
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
	not_to_be_reached(conn, conn_state(conn));
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
		not_to_be_reached(conn, session);
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

/* If queue is only slow, it may still be about to take the message of which the client hears that
 * it was not kept: no more after this. */
static void
withdraw(struct conn *conn, const struct smtp_session *session)
{
	const struct smtp_transaction *mail = session->mail;
	struct ipc_channel *queue = smtp_queue(conn, session);

	if (queue != NULL && !mail->channel_lost)
		(void)ipc_send(queue, GQ_ABORT, 0, &(struct gq_transaction){mail->id}, NULL, 0, -1);
}

static int
on_committed(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);

	(void)channel;
	session->request = 0;
	if (message == NULL) {
		withdraw(conn, session);
		wait_for_successor(conn, session);
		return 0;
	}
	return answered(conn, session, message);
}

/* For what the client did; the rest of the message has been swallowed by now. */
static void
refuse_content(struct conn *conn, struct smtp_session *session, enum smtp_data_fault fault)
{
	const struct smtp_receipt *receipt = session->mail->receipt;
	/*
	 * What follows may be a stranger's words in the mouth of an honest server: none of it is a
	 * command, whether it has come already or not.
	 */
	bool doubt = smtp_data_end_in_doubt(&receipt->data, receipt->more);

	smtp_log_outcome(conn, session, "smtp.refused", smtp_data_fault_name(fault));
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
