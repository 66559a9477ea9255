/* SPDX-License-Identifier: ISC */
/* MAIL and RCPT, and the life of a transaction (RFC 5321 3.3). */
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"
#include "common/submit_limits.h"
#include "worker/gate/smtp/claims.h"
#include "worker/gate/smtp/fixup.h"
#include "worker/gate/smtp/session.h"

/*
 * -- Transactions ---------------------------------------------------------------
 */

static void
free_rcpts(struct smtp_rcpts *list)
{
	struct smtp_rcpt *rcpt;

	while ((rcpt = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, entry);
		/* Not conn_accounts(): a new one may have come, and this one not ended yet. */
		if (rcpt->request != 0)
			ipc_cancel(rcpt->asked, rcpt->request);
		free(rcpt);
	}
}

/* What queue knows of it: withdrawn, unless its commit is under way already. */
static void
leave_queue(struct conn *conn, struct smtp_session *session)
{
	const struct smtp_transaction *mail = session->mail;
	struct ipc_channel *channel;

	channel = session->state == SMTP_CONFIRMING ? conn_queue(conn) : smtp_queue(conn, session);
	if (channel == NULL)
		return;
	if (session->request != 0)
		ipc_cancel(channel, session->request);
	if (mail->id == 0 || mail->channel_lost || session->state == SMTP_COMMITTING ||
	    session->state == SMTP_CONFIRMING)
		return;
	(void)ipc_send(channel, GQ_ABORT, 0, &(struct gq_transaction){mail->id}, NULL, 0, -1);
}

void
smtp_transaction_end(struct conn *conn, struct smtp_session *session)
{
	struct smtp_transaction *mail = session->mail;

	session->unmailed = false;
	if (mail == NULL)
		return;
	session->mailed = true;
	leave_queue(conn, session);
	free_rcpts(&mail->asked);
	free_rcpts(&mail->taken);
	if (mail->timer != NULL)
		event_free(mail->timer);
	if (mail->receipt != NULL && mail->receipt->fd != -1)
		close(mail->receipt->fd);
	if (mail->receipt != NULL) {
		smtp_fixup_clear(mail->receipt->fixup);
		free(mail->receipt->fixup);
		claims_clear(mail->receipt->claims);
		free(mail->receipt->claims);
	}
	free(mail->receipt);
	free(mail);
	session->mail = NULL;
	session->request = 0;
	if (session->state != SMTP_CLOSING)
		session->state = SMTP_READY;
}

/* The login was good for that channel only. */
static void
queue_lost(struct conn *conn)
{
	smtp_close(conn, "queue-lost",
		   "421 4.3.0 The mail queue was restarted, please connect again");
}

/* RFC 4954 6, RFC 6409 4.3. Returns whether this client may send mail at all. */
static bool
may_mail(struct conn *conn, const struct smtp_session *session)
{
	if (!smtp_is_submission(conn))
		return true;
	if (session->account == NULL) {
		(void)smtp_refuse(conn, "530 5.7.0 %s",
				  conn_may_login(conn) ? "Authentication required"
						       : "Must issue a STARTTLS command first");
		return false;
	}
	if (session->submitter == NULL) {
		queue_lost(conn);
		return false;
	}
	return true;
}

void
smtp_cmd_mail(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	uint64_t max = conn_settings(conn)->max_message_size;
	size_t size = strlen(command->path) + 1;
	struct smtp_transaction *mail;

	if (smtp_has_left(conn, session))
		return;
	if (smtp_is_submission(conn) && smtp_auth_by_mail(conn, session, command))
		return;
	if (!may_mail(conn, session))
		return;
	/* RFC 8689 2: it is only meant in a session of TLS. */
	if ((command->parameters.flags & MAIL_REQUIRETLS) != 0 && !conn_is_secure(conn)) {
		(void)smtp_refuse(conn, "555 5.7.10 REQUIRETLS is not known without TLS");
		return;
	}
	if (command->size > max) {
		(void)smtp_refuse(
		    conn, "552 5.3.4 This server takes messages of %" PRIu64 " octets at most",
		    max);
		return;
	}
	mail = calloc(1, sizeof(*mail) + size);
	if (mail == NULL) {
		smtp_reply(conn, "451 4.3.0 Out of memory, try again later");
		return;
	}
	memcpy(mail->from, command->path, size);
	mail->declared_size = command->size;
	mail->parameters = command->parameters;
	STAILQ_INIT(&mail->taken);
	STAILQ_INIT(&mail->asked);
	session->mail = mail;
	session->unmailed = false;
	session->state = SMTP_ENVELOPE;
	smtp_reply(conn, "250 2.1.0 Ok");
}

/*
 * -- Recipients -----------------------------------------------------------------
 */

bool
smtp_rcpts_waiting(const struct smtp_session *session)
{
	return session->mail != NULL && session->mail->asked_count > 0;
}

bool
smtp_rcpts_full(const struct smtp_session *session)
{
	return session->mail != NULL && session->mail->asked_count >= SMTP_RCPTS_ASKED;
}

static const struct {
	const char *format;
	const char *why; /* in the log */
} verdicts[] = {
    [RCPT_NO_MAILBOX] = {"550 5.1.1 <%s>: there is no such mailbox here", "no-mailbox"},
    [RCPT_DISABLED] = {"550 5.2.1 <%s>: this mailbox is disabled", "disabled"},
    [RCPT_NOT_LOCAL] = {"550 5.7.1 relaying denied: <%s> is not served here", "not-local"},
    [RCPT_UNAVAILABLE] = {"451 4.3.0 <%s>: can't be checked now, try again later", "unavailable"},
    [RCPT_FORGED] = {"550 5.1.1 <%s>: this return address was not made here", "forged"},
    [RCPT_OLD] = {"550 5.1.1 <%s>: this return address is too old", "old"},
};

static const char no_literal[] =
    "550 5.1.2 <%s>: mail to address literals is not sent from here (relay.address_literals)";

/* Only who has logged in sends to other domains, and queue sees to that again. */
static bool
may_relay(struct conn *conn, const struct smtp_session *session, const struct smtp_rcpt *rcpt)
{
	return rcpt->verdict == RCPT_NOT_LOCAL && conn_settings(conn)->relay != REACH_HERE &&
	       smtp_is_submission(conn) && session->submitter != NULL;
}

/* An address literal names a host, not a domain (RFC 5321 4.1.3): few want to send there. */
static bool
is_too_far(struct conn *conn, const struct smtp_rcpt *rcpt)
{
	size_t length = strlen(rcpt->path);

	return conn_settings(conn)->relay != REACH_LITERALS && length > 0 &&
	       rcpt->path[length - 1] == ']';
}

/* For want of queue, nobody knows any more that the client may send there. */
static bool
is_lost(struct conn *conn, const struct smtp_session *session, const struct smtp_rcpt *rcpt)
{
	return rcpt->verdict == RCPT_NOT_LOCAL && smtp_is_submission(conn) &&
	       session->submitter == NULL;
}

/* Returns false if the session has ended. */
static bool
refuse_rcpt(struct conn *conn, struct smtp_session *session, struct smtp_rcpt *rcpt)
{
	log_event(LOG_INFO, "smtp.refused", KV_CONN(conn_identity(conn)), KV_STR("stage", "rcpt"),
		  KV_STR("why", verdicts[rcpt->verdict].why), KV_STR("from", session->mail->from),
		  KV_STR("to", rcpt->path), KV_STR("helo", session->helo));
	smtp_reply(conn,
		   may_relay(conn, session, rcpt) ? no_literal : verdicts[rcpt->verdict].format,
		   rcpt->path);
	if (session->account == NULL && rcpt->verdict != RCPT_UNAVAILABLE)
		conn_note_error(conn);
	free(rcpt);
	return smtp_count_idle(conn);
}

/* Likewise. It is no error of the client's: a mail server comes again. */
static bool
put_off_rcpt(struct conn *conn, const struct smtp_session *session, struct smtp_rcpt *rcpt)
{
	log_event(LOG_INFO, "smtp.refused", KV_CONN(conn_identity(conn)), KV_STR("stage", "rcpt"),
		  KV_STR("why", "greylisted"), KV_ADDR("peer", &conn_peer(conn)->address),
		  KV_STR("from", session->mail->from), KV_STR("to", rcpt->path),
		  KV_STR("helo", session->helo), KV_U64("wait", rcpt->wait));
	smtp_reply(conn, "451 4.7.1 <%s>: greylisted, please try again in %" PRIu32 " second%s",
		   rcpt->path, rcpt->wait, rcpt->wait == 1 ? "" : "s");
	free(rcpt);
	return smtp_count_idle(conn);
}

void
smtp_rcpts_reply(struct conn *conn, struct smtp_session *session)
{
	struct smtp_transaction *mail = session->mail;
	struct smtp_rcpt *rcpt;

	while ((rcpt = STAILQ_FIRST(&mail->asked)) != NULL && rcpt->request == 0) {
		STAILQ_REMOVE_HEAD(&mail->asked, entry);
		mail->asked_count--;
		if (rcpt->wait > 0) {
			if (!put_off_rcpt(conn, session, rcpt))
				return;
		} else if (rcpt->verdict == RCPT_LOCAL ||
			   (may_relay(conn, session, rcpt) && !is_too_far(conn, rcpt))) {
			STAILQ_INSERT_TAIL(&mail->taken, rcpt, entry);
			mail->taken_count++;
			smtp_reply(conn, "250 2.1.5 Ok");
		} else if (is_lost(conn, session, rcpt)) {
			free(rcpt);
			queue_lost(conn);
			return;
		} else if (!refuse_rcpt(conn, session, rcpt)) {
			return;
		}
	}
	if (mail->asked_count <= SMTP_RCPTS_ASKED / 2)
		smtp_release(conn, session);
}

static int
on_verdict(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct smtp_rcpt *rcpt = arg;
	struct conn *conn = rcpt->conn;
	int result = 0;

	(void)channel;
	rcpt->request = 0;
	rcpt->verdict = RCPT_UNAVAILABLE;
	if (message != NULL && message->type == GA_RCPT_VERDICT) {
		const struct ga_rcpt_verdict *verdict = message->body;

		rcpt->verdict = verdict->verdict;
	}
	if (rcpt->verdict < RCPT_LOCAL || rcpt->verdict >= RCPT_VERDICTS ||
	    (message != NULL && message->type != GA_RCPT_VERDICT)) {
		rcpt->verdict = RCPT_UNAVAILABLE;
		result = -1;
	}
	/* Whoever may send here may send there: where that is, queue asks for itself. */
	if (rcpt->verdict == RCPT_ROUTED)
		rcpt->verdict = RCPT_LOCAL;
	if (rcpt->verdict == RCPT_LOCAL)
		smtp_greylist(conn, conn_state(conn), rcpt);
	smtp_rcpts_reply(conn, conn_state(conn));
	return result;
}

/* Asks accounts. Leaves request 0 where that isn't possible now. */
static void
ask(struct conn *conn, struct smtp_rcpt *rcpt)
{
	struct ipc_channel *accounts = conn_accounts(conn);

	rcpt->verdict = RCPT_UNAVAILABLE;
	if (accounts == NULL || ipc_queued(accounts) > SMTP_BACKLOG_MAX)
		return;
	rcpt->asked = accounts;
	rcpt->request = ipc_request(accounts, GA_RCPT, &(struct ipc_empty){0}, rcpt->path,
				    strlen(rcpt->path), -1, SMTP_RCPT_TIMEOUT, on_verdict, rcpt);
}

/* RFC 6531 3.4: only where MAIL has said that there would be such addresses. */
static bool
is_unannounced_utf8(const struct smtp_transaction *mail, const struct smtp_command *command)
{
	return command->utf8 && (mail->parameters.flags & MAIL_SMTPUTF8) == 0;
}

uint32_t
smtp_recipients_max(const struct conn *conn, const struct smtp_session *session)
{
	const struct mg_settings *settings = conn_settings(conn);
	struct submit_limits limits = submit_limits_of(&session->limits, &settings->limits);
	uint32_t his = submit_limits_recipients(&limits);

	return smtp_is_submission(conn) && his != 0 && his < settings->max_recipients
		   ? his
		   : settings->max_recipients;
}

bool
smtp_rcpt_is_asked(const struct conn *conn, const struct smtp_session *session,
		   const struct smtp_command *command)
{
	const struct smtp_transaction *mail = session->mail;

	return !is_unannounced_utf8(mail, command) &&
	       mail->taken_count + mail->asked_count < smtp_recipients_max(conn, session);
}

/* RFC 5321 4.5.3.1.10: not an error of the client, it sends to the rest later. */
static void
refuse_more(struct conn *conn, const struct smtp_session *session,
	    const struct smtp_command *command)
{
	uint32_t most = smtp_recipients_max(conn, session);

	if (!session->mail->full)
		log_event(LOG_INFO, "smtp.refused", KV_CONN(conn_identity(conn)),
			  KV_STR("stage", "rcpt"), KV_STR("why", "too-many"),
			  KV_STR("from", session->mail->from), KV_STR("to", command->path),
			  KV_STR("helo", session->helo),
			  KV_STR("user", session->account != NULL ? session->account : ""),
			  KV_U64("limit", most));
	session->mail->full = true; /* once is enough */
	smtp_reply(conn, "452 4.5.3 Too many recipients: %" PRIu32 " at most in one transaction",
		   most);
}

static void
refuse_unasked(struct conn *conn, const struct smtp_session *session,
	       const struct smtp_command *command)
{
	char quoted[SMTP_QUOTE_SIZE];

	if (is_unannounced_utf8(session->mail, command))
		(void)smtp_refuse_mailbox(conn, "553 5.6.7 <%s>: %s",
					  smtp_quote(command->path, strlen(command->path), quoted),
					  address_error_text(ADDRESS_NOT_ASCII));
	else
		refuse_more(conn, session, command);
}

void
smtp_cmd_rcpt(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	struct smtp_transaction *mail = session->mail;
	size_t size = strlen(command->path) + 1, orcpt_size = strlen(command->orcpt) + 1;
	struct smtp_rcpt *rcpt;

	if (!smtp_rcpt_is_asked(conn, session, command)) {
		refuse_unasked(conn, session, command);
		return;
	}
	rcpt = malloc(sizeof(*rcpt) + size + orcpt_size);
	if (rcpt == NULL) {
		smtp_close(conn, "no-memory", "421 4.3.0 Out of memory, try again later");
		return;
	}
	*rcpt = (struct smtp_rcpt){.conn = conn, .notify = command->notify};
	memcpy(rcpt->path, command->path, size);
	rcpt->orcpt = memcpy(rcpt->path + size, command->orcpt, orcpt_size);
	STAILQ_INSERT_TAIL(&mail->asked, rcpt, entry);
	mail->asked_count++;
	ask(conn, rcpt);
	smtp_rcpts_reply(conn, session);
}
