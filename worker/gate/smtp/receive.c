/* SPDX-License-Identifier: ISC */
/* DATA: queue opens a body, and the content goes there (RFC 5321 4.1.1.4). */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/claims.h"
#include "worker/gate/smtp/fixup.h"
#include "worker/gate/smtp/received.h"
#include "worker/gate/smtp/session.h"

/* How long telling queue of recipients pauses when it can't keep up. */
#define BACKLOG_PAUSE_US 5000

/*
 * -- The body's file ------------------------------------------------------------
 */

/* For what one call brings, whoever's it is: nothing stays in it, so a slow client costs nothing.
 */
static char buffer[65536];
static size_t buffered;

static void
write_out(struct smtp_receipt *receipt, const char *bytes, size_t length)
{
	while (length > 0 && receipt->write_errno == 0) {
		ssize_t n = write(receipt->fd, bytes, length);

		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
			receipt->written += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			receipt->write_errno = n == 0 ? EIO : errno;
		}
	}
}

static void
flush(struct smtp_receipt *receipt)
{
	/* Of a message that is refused nothing more needs to be kept. */
	if (receipt->data.fault == DATA_FINE)
		write_out(receipt, buffer, buffered);
	buffered = 0;
}

static void
put(struct smtp_receipt *receipt, const char *bytes, size_t length)
{
	if (length > sizeof(buffer) - buffered)
		flush(receipt);
	if (length > sizeof(buffer)) {
		write_out(receipt, bytes, length);
		return;
	}
	memcpy(buffer + buffered, bytes, length);
	buffered += length;
}

void
smtp_receipt_close(struct smtp_receipt *receipt)
{
	if (receipt->fd == -1)
		return;
	if (close(receipt->fd) == -1 && receipt->write_errno == 0)
		receipt->write_errno = errno;
	receipt->fd = -1;
}

/*
 * -- The content ----------------------------------------------------------------
 */

/* What stays of a message, and what is added to it. */
static void
put_kept(void *arg, const char *bytes, size_t length)
{
	put(arg, bytes, length);
}

/* Its header is one by now: no line that is shown as text is taken for a field. */
static void
put_right(void *arg, const char *bytes, size_t length)
{
	struct smtp_receipt *receipt = arg;

	if (receipt->claims != NULL)
		claims_next(receipt->claims, bytes, length);
	else
		put(receipt, bytes, length);
}

static void
put_content(struct smtp_receipt *receipt, const char *bytes, size_t length)
{
	if (receipt->fixup != NULL)
		smtp_fixup_next(receipt->fixup, bytes, length);
	else
		first_line_next(&receipt->first, bytes, length, put_right, receipt);
}

static void
end_content(struct conn *conn, struct smtp_receipt *receipt)
{
	if (receipt->fixup != NULL)
		smtp_fixup_end(receipt->fixup);
	else
		first_line_end(&receipt->first, put_right, receipt);
	if (receipt->claims == NULL)
		return;
	claims_end(receipt->claims);
	if (receipt->claims->removed > 0)
		log_event(LOG_INFO, "smtp.foreign_results", KV_CONN(conn_identity(conn)),
			  KV_U64("removed", receipt->claims->removed));
}

/* A small message that came at once goes to queue with its commit, and none of it into the file. */
void
smtp_content_over(struct conn *conn, struct smtp_session *session)
{
	struct smtp_receipt *receipt = session->mail->receipt;
	size_t length;

	end_content(conn, receipt);
	length = buffered;
	if (receipt->written > 0 || length > GQ_INLINE_MAX || receipt->data.fault != DATA_FINE) {
		flush(receipt);
		length = 0;
	}
	buffered = 0;
	smtp_commit(conn, session, buffer, length);
}

size_t
smtp_receive(struct conn *conn, struct smtp_session *session, const char *bytes, size_t length)
{
	struct smtp_receipt *receipt = session->mail->receipt;
	bool over = session->mail->chunked && session->chunk_left == 0;
	struct smtp_span span = {NULL, 0};
	size_t used = 0;

	/* With the first of the content, so that a small message is in one piece. */
	put(receipt, receipt->field, receipt->field_length);
	receipt->field_length = 0;
	while (used < length && receipt->data.state != DATA_END) {
		used += smtp_data_next(&receipt->data, bytes + used, length - used, &span);
		if (span.length > 0)
			put_content(receipt, span.bytes, span.length);
	}
	if (over && session->chunk_last) {
		smtp_data_finish(&receipt->data, &span);
		if (span.length > 0)
			put_content(receipt, span.bytes, span.length);
	}
	receipt->more = used < length;
	if (receipt->data.state == DATA_END || (over && receipt->data.fault != DATA_FINE)) {
		smtp_content_over(conn, session);
		return used;
	}
	flush(receipt);
	if (over)
		smtp_chunk_over(conn, session);
	return used;
}

static size_t
format_received(struct conn *conn, const struct smtp_session *session,
		char field[RECEIVED_FIELD_SIZE])
{
	const struct smtp_transaction *mail = session->mail;
	/* What a user's own device is called, and where it is, is not everybody's business. */
	bool hide = session->account != NULL && conn_settings(conn)->hide_client == 1;
	struct received received = {
	    .helo = hide ? NULL : session->helo,
	    .peer = conn_peer(conn),
	    .hostname = conn_settings(conn)->hostname,
	    .protocol =
		received_protocol(session->extended, conn_is_secure(conn), session->account != NULL,
				  (mail->parameters.flags & MAIL_SMTPUTF8) != 0),
	    .tls_version = conn_tls_version(conn),
	    .tls_cipher = conn_tls_cipher(conn),
	    .queue_id = mail->body.queue_id,
	    .recipient = mail->taken_count == 1 ? STAILQ_FIRST(&mail->taken)->path : NULL,
	    .when = time(NULL),
	};

	return received_format(&received, field);
}

/*
 * -- Opening --------------------------------------------------------------------
 */

static bool
is_queue_id(const char id[QUEUE_ID_SIZE])
{
	return strnlen(id, QUEUE_ID_SIZE) == QUEUE_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdefABCDEF") == QUEUE_ID_SIZE - 1;
}

static void
open_failed(struct conn *conn, struct smtp_session *session, uint32_t failure)
{
	smtp_queue_failed(conn, session, failure);
	smtp_chunk_drop(session);
	smtp_release(conn, session);
}

static enum smtp_framing
framing_of(const struct smtp_transaction *mail)
{
	if (!mail->chunked)
		return FRAMING_DOT;
	return mail->parameters.body == BODY_BINARYMIME ? FRAMING_BINARY : FRAMING_CHUNKS;
}

/* What is put right in the header, if that is a user's message. False without memory. */
static bool
begin_fixup(struct conn *conn, const struct smtp_session *session)
{
	struct smtp_receipt *receipt = session->mail->receipt;
	struct fixup_values values = {
	    .hostname = conn_settings(conn)->hostname,
	    .from = session->mail->from,
	    .when = time(NULL),
	};

	if (session->account == NULL)
		return true;
	receipt->fixup = malloc(sizeof(*receipt->fixup));
	if (receipt->fixup == NULL)
		return false;
	arc4random_buf(values.random, sizeof(values.random));
	smtp_fixup_init(receipt->fixup, &values, put_right, receipt);
	return true;
}

/* What a stranger's mail says of itself filter removes, if it looks at it: it may be signed. */
static bool
begin_claims(struct conn *conn, const struct smtp_session *session)
{
	struct smtp_receipt *receipt = session->mail->receipt;

	if (session->account == NULL && session->mail->body.filtered == 1)
		return true;
	receipt->claims = malloc(sizeof(*receipt->claims));
	if (receipt->claims == NULL)
		return false;
	claims_init(receipt->claims, conn_settings(conn)->hostname, put_kept, receipt);
	return true;
}

static void
begin_content(struct conn *conn, struct smtp_session *session, int fd)
{
	struct smtp_transaction *mail = session->mail;
	char field[RECEIVED_FIELD_SIZE];
	size_t length = format_received(conn, session, field);

	mail->receipt = malloc(sizeof(*mail->receipt) + length);
	if (mail->receipt == NULL) {
		close(fd);
		open_failed(conn, session, QUEUE_UNAVAILABLE);
		return;
	}
	*mail->receipt = (struct smtp_receipt){.fd = fd, .field_length = length};
	memcpy(mail->receipt->field, field, length);
	if (!begin_fixup(conn, session) || !begin_claims(conn, session)) {
		open_failed(conn, session, QUEUE_UNAVAILABLE);
		return;
	}
	smtp_data_init(&mail->receipt->data, framing_of(mail),
		       conn_settings(conn)->max_message_size);
	if (mail->chunked) {
		smtp_chunk_begin(conn, session);
		return;
	}
	session->state = SMTP_RECEIVING;
	smtp_reply(conn, "354 Send the message, end it with <CRLF>.<CRLF>");
	smtp_release(conn, session);
}

/* The answer to GQ_DATA. */
static int
on_body(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);

	(void)channel;
	session->request = 0;
	if (message == NULL) {
		open_failed(conn, session, QUEUE_UNAVAILABLE);
		return 0;
	}
	if (message->type == GQ_FAILED) {
		session->mail->id = 0; /* queue has forgotten it */
		smtp_queue_refused(conn, session, message->body, message->tail);
		smtp_chunk_drop(session);
		smtp_release(conn, session);
		return 0;
	}
	if (message->type != GQ_BODY ||
	    !is_queue_id(((const struct gq_body *)message->body)->queue_id)) {
		open_failed(conn, session, QUEUE_UNAVAILABLE);
		return -1;
	}
	session->mail->body = *(const struct gq_body *)message->body;
	begin_content(conn, session, ipc_take_fd(message));
	return 0;
}

static void on_pause_over(evutil_socket_t, short, void *);

/* A timer, since nothing says when a channel has room again. */
static bool
pause_telling(struct conn *conn, struct smtp_transaction *mail)
{
	struct timeval pause = {0, BACKLOG_PAUSE_US};

	if (mail->timer == NULL)
		mail->timer = evtimer_new(conn_event_base(conn), on_pause_over, conn);
	return mail->timer != NULL && evtimer_add(mail->timer, &pause) == 0;
}

static bool
tell_recipient(struct ipc_channel *queue, const struct smtp_transaction *mail,
	       const struct smtp_rcpt *rcpt)
{
	struct gq_rcpt body = {.transaction = mail->id, .notify = rcpt->notify};
	char tail[PATH_SIZE + ORCPT_SIZE];
	size_t path = strlen(rcpt->path), orcpt = strlen(rcpt->orcpt);

	memcpy(tail, rcpt->path, path);
	if (orcpt == 0)
		return ipc_send(queue, GQ_RCPT, 0, &body, tail, path, -1) == 0;
	tail[path] = '\0';
	memcpy(tail + path + 1, rcpt->orcpt, orcpt);
	return ipc_send(queue, GQ_RCPT, 0, &body, tail, path + 1 + orcpt, -1) == 0;
}

/* GQ_RCPT for as many as the channel takes, then GQ_DATA. False: it failed. */
static bool
tell_recipients(struct conn *conn, struct smtp_session *session)
{
	struct ipc_channel *queue = smtp_queue(conn, session);
	struct smtp_transaction *mail = session->mail;
	struct gq_transaction transaction = {mail->id};
	struct smtp_rcpt *rcpt;

	if (queue == NULL || mail->channel_lost)
		return false;
	for (;;) {
		rcpt = mail->told == NULL ? STAILQ_FIRST(&mail->taken)
					  : STAILQ_NEXT(mail->told, entry);
		if (rcpt == NULL)
			break;
		if (ipc_queued(queue) > SMTP_BACKLOG_MAX)
			return pause_telling(conn, mail);
		if (!tell_recipient(queue, mail, rcpt))
			return false;
		mail->told = rcpt;
	}
	session->request = ipc_request(queue, GQ_DATA, &transaction, NULL, 0, -1, SMTP_BODY_TIMEOUT,
				       on_body, conn);
	return session->request != 0;
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);

	(void)fd;
	(void)what;
	if (!tell_recipients(conn, session))
		open_failed(conn, session, QUEUE_UNAVAILABLE);
}

/* A number that no open transaction on any channel of this process has. */
static uint32_t
new_transaction_id(void)
{
	static uint32_t last;

	if (++last == 0)
		last = 1;
	return last;
}

/* For filters. Of a name that is longer than any they see what there is room for. */
static bool
tell_client(struct conn *conn, const struct smtp_session *session)
{
	struct gq_client client;

	memset(&client, 0, sizeof(client));
	client.transaction = session->mail->id;
	if (conn_tls_version(conn) != NULL) {
		strlcpy(client.tls.version, conn_tls_version(conn), sizeof(client.tls.version));
		strlcpy(client.tls.cipher, conn_tls_cipher(conn), sizeof(client.tls.cipher));
	}
	strlcpy(client.helo, session->helo, sizeof(client.helo));
	for (char *c = client.helo; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			*c = '?';
	}
	return ipc_send(smtp_queue(conn, session), GQ_CLIENT, 0, &client, NULL, 0, -1) == 0;
}

static bool
tell_mail(struct conn *conn, const struct smtp_session *session)
{
	struct ipc_channel *queue = smtp_queue(conn, session);
	const struct smtp_transaction *mail = session->mail;
	struct gq_mail body;

	if (queue == NULL || ipc_queued(queue) > SMTP_BACKLOG_MAX)
		return false;
	memset(&body, 0, sizeof(body)); /* its padding too */
	body.conn = conn_identity(conn);
	body.peer = *conn_peer(conn);
	body.transaction = mail->id;
	body.size = mail->declared_size;
	body.parameters = mail->parameters;
	if (ipc_send(queue, GQ_MAIL, 0, &body, mail->from, strlen(mail->from), -1) == -1)
		return false;
	return session->helo == NULL || tell_client(conn, session);
}

/*
 * Queue hears of a transaction only here: one that is reset, or loses all its recipients, costs it
 * nothing, and it may be restarted before.
 */
void
smtp_open_body(struct conn *conn, struct smtp_session *session)
{
	struct smtp_transaction *mail = session->mail;

	mail->id = new_transaction_id();
	if (!tell_mail(conn, session)) {
		mail->id = 0;
		open_failed(conn, session, QUEUE_UNAVAILABLE);
		return;
	}
	session->state = SMTP_OPENING;
	smtp_hold(conn, session);
	if (!tell_recipients(conn, session))
		open_failed(conn, session, QUEUE_UNAVAILABLE);
}

void
smtp_cmd_data(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)command;
	/* RFC 3030 3: what is binary can't be framed by lines. */
	if (session->mail->parameters.body == BODY_BINARYMIME)
		(void)smtp_refuse(conn, "503 5.5.1 A message of BODY=BINARYMIME comes by BDAT");
	else if (session->mail->taken_count == 0)
		smtp_reply(conn, "554 5.5.1 No valid recipients"); /* RFC 5321 3.3 */
	else
		smtp_open_body(conn, session);
}
