/* SPDX-License-Identifier: ISC */
/* AUTH PLAIN, LOGIN and EXTERNAL (RFC 4954, RFC 4616, RFC 4422 appendix A), for submission only. */
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"
#include "common/sasl_external.h"
#include "common/sasl_plain.h"
#include "worker/gate/smtp/session.h"

/* "Username:" and "Password:", which is what clients of LOGIN wait for. */
#define PROMPT_USER "334 VXNlcm5hbWU6"
#define PROMPT_PASSWORD "334 UGFzc3dvcmQ6"

void
smtp_auth_reset(struct smtp_session *session)
{
	free(session->login_user);
	session->login_user = NULL;
	free(session->waiting);
	session->waiting = NULL;
	if (session->state == SMTP_LOGIN)
		session->state = SMTP_READY;
}

static void
refuse_response(struct conn *conn, struct smtp_session *session)
{
	smtp_auth_reset(session);
	(void)smtp_refuse(conn, "501 5.5.2 The response is not what the mechanism expects");
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
	conn_forget_certificate(conn);
	log_event(LOG_INFO, "smtp.login", KV_CONN(conn_identity(conn)),
		  KV_STR("user", session->account));
	return true;
}

static int
on_login(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *conn = arg;
	struct smtp_session *session = conn_state(conn);
	const struct ga_login_failed *failed;
	int result = 0;

	(void)channel;
	session->request = 0;
	session->state = SMTP_READY;
	if (message == NULL) {
		unavailable(conn);
	} else if (message->type == GA_LOGGED_IN) {
		if (logged_in(conn, session, message))
			smtp_reply(conn, "235 2.7.0 Authentication successful");
		else
			unavailable(conn);
	} else if (message->type == GA_LOGIN_FAILED) {
		failed = message->body;
		if (failed->verdict != LOGIN_FAILED)
			unavailable(conn);
		else if (!smtp_refuse(conn, "535 5.7.8 Authentication failed"))
			return 0;
	} else {
		unavailable(conn);
		result = -1;
	}
	smtp_release(conn, session);
	return result;
}

/* session->request is under way, or 0. */
static void
await_login(struct conn *conn, struct smtp_session *session)
{
	if (session->request == 0) {
		unavailable(conn);
		return;
	}
	session->state = SMTP_CHECKING;
	smtp_hold(conn, session);
}

/* MESSAGE is a PLAIN message (sasl_plain.h); the caller wipes it. */
static void
check_login(struct conn *conn, struct smtp_session *session, const char *message, size_t length)
{
	struct ipc_channel *accounts = conn_accounts(conn);
	struct ga_login login;

	smtp_auth_reset(session);
	memset(&login, 0, sizeof(login)); /* its padding too */
	login.conn = conn_identity(conn);
	login.peer = *conn_peer(conn);
	login.service = SERVICE_SUBMISSION;
	login.tls = conn_is_secure(conn);
	if (accounts != NULL && ipc_queued(accounts) <= SMTP_BACKLOG_MAX)
		session->request = ipc_request(accounts, GA_LOGIN, &login, message, length, -1,
					       SMTP_LOGIN_TIMEOUT, on_login, conn);
	await_login(conn, session);
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
 * -- Responses ------------------------------------------------------------------
 */

static void
plain_response(struct conn *conn, struct smtp_session *session, const char *text, size_t length)
{
	char message[LOGIN_TAIL_MAX];
	size_t message_length;

	if (sasl_plain_decode(text, length, message, &message_length) == -1) {
		refuse_response(conn, session);
		return;
	}
	check_login(conn, session, message, message_length);
	explicit_bzero(message, sizeof(message));
}

static void
login_user(struct conn *conn, struct smtp_session *session, const char *text, size_t length)
{
	char user[ADDRESS_SIZE];
	size_t n;

	if (base64_decode(text, length, user, sizeof(user) - 1, &n) == -1 || n == 0 ||
	    memchr(user, '\0', n) != NULL) {
		refuse_response(conn, session);
		return;
	}
	free(session->login_user);
	session->login_user = strndup(user, n);
	if (session->login_user == NULL) {
		smtp_auth_reset(session);
		unavailable(conn);
		return;
	}
	session->login_step = LOGIN_PASSWORD;
	session->state = SMTP_LOGIN;
	smtp_reply(conn, PROMPT_PASSWORD);
}

static void
login_password(struct conn *conn, struct smtp_session *session, const char *text, size_t length)
{
	char message[LOGIN_TAIL_MAX], password[PASSWORD_SIZE];
	size_t n, message_length = 0;

	if (base64_decode(text, length, password, sizeof(password) - 1, &n) == 0)
		message_length = sasl_plain_compose(message, session->login_user,
						    strlen(session->login_user), password, n);
	explicit_bzero(password, sizeof(password));
	if (message_length == 0) {
		refuse_response(conn, session);
		return;
	}
	check_login(conn, session, message, message_length);
	explicit_bzero(message, sizeof(message));
}

static void
external_response(struct conn *conn, struct smtp_session *session, const char *text, size_t length)
{
	char authorization[ADDRESS_SIZE];

	if (sasl_external_decode(text, length, authorization) == -1) {
		refuse_response(conn, session);
		return;
	}
	smtp_auth_reset(session);
	session->request =
	    conn_ask_external(conn, authorization, SMTP_LOGIN_TIMEOUT, on_login, conn);
	await_login(conn, session);
}

static void (*const responses[])(struct conn *, struct smtp_session *, const char *, size_t) = {
    [LOGIN_PLAIN] = plain_response,
    [LOGIN_USER] = login_user,
    [LOGIN_PASSWORD] = login_password,
    [LOGIN_EXTERNAL] = external_response,
};

void
smtp_auth_response(struct conn *conn, struct smtp_session *session, const char *line, size_t length)
{
	/* RFC 4954 4 */
	if (length == 1 && line[0] == '*') {
		smtp_auth_reset(session);
		(void)smtp_refuse(conn, "501 5.7.0 Authentication cancelled");
		return;
	}
	responses[session->login_step](conn, session, line, length);
}

static const struct {
	const char *mechanism;
	bool (*offered)(const struct conn *);
	enum smtp_login_step first;
	const char *prompt;
} mechanisms[] = {
    {"EXTERNAL", conn_may_external, LOGIN_EXTERNAL, "334 "},
    {"PLAIN", conn_may_password, LOGIN_PLAIN, "334 "},
    {"LOGIN", conn_may_password, LOGIN_USER, PROMPT_USER},
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

void
smtp_mechanisms(const struct conn *conn, char out[SMTP_MECHANISMS_SIZE])
{
	out[0] = '\0';
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!mechanisms[i].offered(conn))
			continue;
		strlcat(out, " ", SMTP_MECHANISMS_SIZE);
		strlcat(out, mechanisms[i].mechanism, SMTP_MECHANISMS_SIZE);
	}
}

/* RFC 4954 4: a mechanism that is not known, or not to be had now. */
static void
refuse_mechanism(struct conn *conn, const char *mechanism)
{
	char offered[SMTP_MECHANISMS_SIZE];

	smtp_mechanisms(conn, offered);
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
	size_t i = 0;

	while (i < MECHANISMS && (strcmp(command->mechanism, mechanisms[i].mechanism) != 0 ||
				  !mechanisms[i].offered(conn)))
		i++;
	if (i == MECHANISMS) {
		refuse_mechanism(conn, command->mechanism);
		return;
	}
	session->state = SMTP_LOGIN;
	session->login_step = mechanisms[i].first;
	if (command->initial_response != NULL)
		responses[session->login_step](conn, session, command->initial_response,
					       command->initial_response_length);
	else
		smtp_reply(conn, "%s", mechanisms[i].prompt);
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
