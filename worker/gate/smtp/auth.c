/* SPDX-License-Identifier: ISC */
/* AUTH (RFC 4954), for submission only: what sasl.h has, in SMTP's words. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/session.h"

void
smtp_auth_reset(struct smtp_session *session)
{
	sasl_cancel(&session->sasl);
	free(session->waiting);
	session->waiting = NULL;
	if (session->state == SMTP_LOGIN)
		session->state = SMTP_READY;
}

static void
unavailable(struct conn *conn)
{
	smtp_reply(conn, "454 4.7.0 Logins can't be checked now, try again later");
}

/*
 * -- The answer of accounts -----------------------------------------------------
 */

/* No message of queue's has a meaning here unless it is a reply. */
static const struct ipc_handler no_handlers[] = {{0, NULL}};

static void
on_submitter_ended(struct ipc_channel *channel, void *context)
{
	struct smtp_session *session = conn_state(context);

	(void)channel;
	session->submitter = NULL;
	if (session->mail != NULL)
		session->mail->channel_lost = true;
}

/* Returns false without memory: then nobody is logged in. */
static bool
logged_in(struct conn *conn, struct smtp_session *session, struct ipc_message *message)
{
	session->account = strndup(message->tail, message->tail_length);
	if (session->account != NULL)
		session->submitter = ipc_open(conn_event_base(conn), ipc_take_fd(message),
					      &gate_queue_boundary, IPC_CLIENT, no_handlers,
					      on_submitter_ended, conn, "queue (submitter)");
	if (session->submitter == NULL) {
		free(session->account);
		session->account = NULL;
		return false;
	}
	session->limits = ((const struct ga_logged_in *)message->body)->limits;
	conn_forget_certificate(conn);
	log_event(LOG_INFO, "smtp.login", KV_CONN(conn_identity(conn)),
		  KV_STR("user", session->account));
	return true;
}

static void
on_logged_in(struct conn *conn, struct smtp_session *session, struct ipc_message *message)
{
	if (logged_in(conn, session, message))
		smtp_reply(conn, "235 2.7.0 Authentication successful");
	else
		unavailable(conn);
	conn_resume(conn);
}

static void
on_sasl(struct conn *conn, enum sasl_event event, const char *text, struct ipc_message *message)
{
	struct smtp_session *session = conn_state(conn);

	session->state = event == SASL_CHALLENGE ? SMTP_LOGIN : SMTP_READY;
	switch (event) {
	case SASL_CHALLENGE:
		smtp_reply(conn, "334 %s", text);
		break;
	case SASL_LOGGED_IN:
		on_logged_in(conn, session, message);
		break;
	case SASL_WRONG:
		(void)smtp_refuse(conn, "535 5.7.8 Authentication failed");
		break;
	case SASL_UNAVAILABLE:
		unavailable(conn);
		break;
	case SASL_MALFORMED:
		(void)smtp_refuse(conn, "501 5.5.2 The response is not what the mechanism expects");
		break;
	}
}

/*
 * -- MAIL without AUTH ----------------------------------------------------------
 */

/* The client may not know that it has been looked at: what it is told is what MAIL says. */
static int
on_login_by_mail(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);
	struct smtp_command *mail = session->waiting;
	bool refused = message != NULL && message->type == GA_LOGIN_FAILED;
	bool known = refused || message == NULL || message->type == GA_LOGGED_IN;

	(void)channel;
	session->request = 0;
	session->waiting = NULL;
	session->state = SMTP_READY;
	if (refused)
		refused = ((const struct ga_login_failed *)message->body)->verdict == LOGIN_FAILED;
	if ((message != NULL && message->type == GA_LOGGED_IN &&
	     logged_in(conn, session, message)) ||
	    refused)
		smtp_cmd_mail(conn, session, mail); /* 250, or 530 */
	else
		unavailable(conn);
	free(mail);
	if (session->state != SMTP_CLOSING)
		smtp_release(conn, session);
	return known ? 0 : -1;
}

bool
smtp_auth_by_mail(struct conn *conn, struct smtp_session *session,
		  const struct smtp_command *command)
{
	if (session->account != NULL || !conn_may_external(conn))
		return false;
	session->waiting = malloc(sizeof(*session->waiting));
	if (session->waiting == NULL) {
		unavailable(conn);
		return true;
	}
	*session->waiting = *command; /* what points into its line is not MAIL's */
	session->request = conn_ask_external(conn, "", SMTP_LOGIN_TIMEOUT, on_login_by_mail, conn);
	if (session->request == 0) {
		smtp_auth_reset(session);
		unavailable(conn);
		return true;
	}
	session->state = SMTP_CHECKING;
	smtp_hold(conn, session);
	return true;
}

/*
 * -- The command ----------------------------------------------------------------
 */

void
smtp_auth_response(struct conn *conn, struct smtp_session *session, const char *line, size_t length)
{
	/* RFC 4954 4 */
	if (length == 1 && line[0] == '*') {
		smtp_auth_reset(session);
		(void)smtp_refuse(conn, "501 5.7.0 Authentication cancelled");
		return;
	}
	session->state = SMTP_CHECKING; /* on_sasl() is next, perhaps at once */
	sasl_response(&session->sasl, line, length);
}

/* RFC 4954 4: a mechanism that is not known, or not to be had now. */
static void
refuse_mechanism(struct conn *conn, const char *mechanism)
{
	char offered[SASL_LIST_SIZE];

	sasl_list(conn, " ", offered);
	if (offered[0] != '\0')
		(void)smtp_refuse(conn, "504 5.5.4 Mechanism %s can't be used here, these can:%s",
				  mechanism, offered);
	else
		(void)smtp_refuse(conn, "504 5.5.4 This connection's certificate has been looked "
					"at, connect again to show another");
}

static void
begin(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	const struct sasl_mechanism *mechanism =
	    sasl_find(conn, command->mechanism, strlen(command->mechanism));

	if (mechanism == NULL) {
		refuse_mechanism(conn, command->mechanism);
		return;
	}
	session->state = SMTP_CHECKING; /* as above */
	sasl_begin(&session->sasl, conn, on_sasl, mechanism, command->initial_response,
		   command->initial_response_length);
}

void
smtp_cmd_auth(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	if (!smtp_is_submission(conn))
		(void)smtp_refuse(conn,
				  "502 5.5.1 AUTH is for the submission service, not for this one");
	else if (session->account != NULL)
		(void)smtp_refuse(conn, "503 5.5.1 You are authenticated already");
	else if (!conn_may_login(conn))
		(void)smtp_refuse(
		    conn, "538 5.7.11 Encryption required: Must issue a STARTTLS command first");
	else
		begin(conn, session, command);
}
