/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/smtp/received.h"

#define IDLE_MIN 100

struct command_rule {
	smtp_handler_fn *handle;
	unsigned states;          /* in which it is allowed */
	bool idle;                /* does nothing for a message: smtp_count_idle() */
	const char *out_of_order; /* why not, once EHLO has been said */
};

#define GREETED (SMTP_IN(SMTP_READY) | SMTP_IN(SMTP_ENVELOPE) | SMTP_IN(SMTP_CHUNKS))
#define ANY_STATE (SMTP_IN(SMTP_NEW) | GREETED)

static const struct command_rule rules[SMTP_VERB_COUNT] = {
    [SMTP_EHLO] = {smtp_cmd_hello, ANY_STATE, true, NULL},
    [SMTP_HELO] = {smtp_cmd_hello, ANY_STATE, true, NULL},
    [SMTP_MAIL] = {smtp_cmd_mail, SMTP_IN(SMTP_READY), false, "A mail transaction is open already"},
    [SMTP_RCPT] = {smtp_cmd_rcpt, SMTP_IN(SMTP_ENVELOPE), false, "Send MAIL first"},
    [SMTP_DATA] = {smtp_cmd_data, SMTP_IN(SMTP_ENVELOPE), false, "Send MAIL and RCPT first"},
    [SMTP_BDAT] = {smtp_cmd_bdat, ANY_STATE, false, NULL},
    [SMTP_RSET] = {smtp_cmd_rset, ANY_STATE, true, NULL},
    [SMTP_NOOP] = {smtp_cmd_noop, ANY_STATE, true, NULL},
    [SMTP_VRFY] = {smtp_cmd_vrfy, ANY_STATE, true, NULL},
    [SMTP_EXPN] = {smtp_cmd_expn, ANY_STATE, true, NULL},
    [SMTP_HELP] = {smtp_cmd_help, ANY_STATE, true, NULL},
    [SMTP_QUIT] = {smtp_cmd_quit, ANY_STATE, false, NULL},
    [SMTP_STARTTLS] = {smtp_cmd_starttls, GREETED, true, NULL},
    [SMTP_AUTH] = {smtp_cmd_auth, SMTP_IN(SMTP_READY), false,
		   "AUTH is not possible within a mail transaction"},
    [SMTP_HTTP] = {smtp_cmd_http, ANY_STATE, false, NULL},
};

bool
smtp_is_submission(const struct conn *conn)
{
	return conn_listener(conn)->settings.service == SERVICE_SUBMISSION;
}

/*
 * -- Replies --------------------------------------------------------------------
 */

static void write_reply(struct conn *, const char *format, va_list)
    __attribute__((format(printf, 2, 0)));

static void
write_reply(struct conn *conn, const char *format, va_list ap)
{
	char line[SMTP_REPLY_SIZE + 1]; /* the NUL becomes the CR */
	int n = vsnprintf(line, SMTP_REPLY_SIZE, format, ap);
	size_t length = n < 0 ? 0 : (size_t)n;

	if (length > SMTP_REPLY_SIZE - 1)
		length = SMTP_REPLY_SIZE - 1;
	line[length++] = '\r';
	line[length++] = '\n';
	conn_write(conn, line, length);
}

void
smtp_reply(struct conn *conn, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_reply(conn, format, ap);
	va_end(ap);
}

void
smtp_close(struct conn *conn, const char *why, const char *format, ...)
{
	struct smtp_session *session = conn_state(conn);
	va_list ap;

	va_start(ap, format);
	write_reply(conn, format, ap);
	va_end(ap);
	smtp_transaction_end(conn, session);
	session->state = SMTP_CLOSING;
	conn_finish(conn, why);
}

/* Whether one more error than BEFORE is too much. */
static bool
is_last_error(const struct conn *conn, uint32_t before)
{
	uint32_t max = conn_settings(conn)->max_errors;

	return max != 0 && before + 1 >= max;
}

/* False: that was one too many. */
static bool
count_error(struct conn *conn)
{
	struct smtp_session *session = conn_state(conn);

	if (!is_last_error(conn, session->errors++)) {
		if (session->account == NULL)
			conn_note_error(conn);
		return true;
	}
	smtp_close(conn, "too-many-errors", "421 4.7.0 %s Too many errors, goodbye",
		   conn_settings(conn)->hostname);
	return false;
}

bool
smtp_refuse(struct conn *conn, const char *format, ...)
{
	struct smtp_session *session = conn_state(conn);
	va_list ap;

	/* The last one's reply is the 421: a command has one reply. */
	if (is_last_error(conn, session->errors))
		return count_error(conn);
	va_start(ap, format);
	write_reply(conn, format, ap);
	va_end(ap);
	return count_error(conn);
}

bool
smtp_refuse_mailbox(struct conn *conn, const char *format, ...)
{
	const struct smtp_session *session = conn_state(conn);
	va_list ap;

	va_start(ap, format);
	write_reply(conn, format, ap);
	va_end(ap);
	if (session->account == NULL)
		conn_note_error(conn);
	return smtp_count_idle(conn);
}

bool
smtp_count_idle(struct conn *conn)
{
	struct smtp_session *session = conn_state(conn);
	uint32_t allowed = conn_settings(conn)->max_recipients;

	if (allowed < IDLE_MIN)
		allowed = IDLE_MIN;
	return ++session->idling <= allowed || count_error(conn);
}

void
smtp_hold(struct conn *conn, struct smtp_session *session)
{
	if (session->held)
		return;
	session->held = true;
	conn_pause(conn);
}

void
smtp_release(struct conn *conn, struct smtp_session *session)
{
	if (!session->held)
		return;
	session->held = false;
	conn_resume(conn);
}

struct ipc_channel *
smtp_queue(struct conn *conn, const struct smtp_session *session)
{
	return session->account != NULL ? session->submitter : conn_queue(conn);
}

/*
 * -- Lines ----------------------------------------------------------------------
 */

/* Whether a command may be carried out while RCPTs before it wait: only a RCPT that will wait too.
 */
static bool
may_overtake(struct conn *conn, const struct smtp_session *session,
	     const struct smtp_command *command, int parsed)
{
	return parsed == 0 && command->verb == SMTP_RCPT && session->state == SMTP_ENVELOPE &&
	       !smtp_rcpts_full(session) && smtp_rcpt_is_asked(conn, session, command);
}

static void
refuse_order(struct conn *conn, const struct smtp_session *session, const struct command_rule *rule)
{
	if (session->unmailed) {
		/* RFC 2920 3.1: the client could not know, and may send its next mail. */
		if (smtp_count_idle(conn))
			smtp_reply(conn, "503 5.5.1 %s", rule->out_of_order);
	} else if (session->state == SMTP_NEW) {
		(void)smtp_refuse(conn, "503 5.5.1 Send EHLO first");
	} else if (session->state == SMTP_CHUNKS) {
		(void)smtp_refuse(conn, "503 5.5.1 BDAT has begun the message: more BDAT, or RSET");
	} else {
		(void)smtp_refuse(conn, "503 5.5.1 %s", rule->out_of_order);
	}
}

/*
 * What a user's device is called is often no Domain ("Anna's phone", "desktop-"), and its owner
 * can't tell the mail program another name. Then its literal counts, as of a client that has no
 * name (RFC 5321 4.1.4). Strangers are refused.
 */
static bool
is_nameless_user(const struct conn *conn, const struct smtp_command *command)
{
	return (command->verb == SMTP_EHLO || command->verb == SMTP_HELO) &&
	       command->argument_length > 0 && smtp_is_submission(conn);
}

/* False: not now, the line stays. */
static bool
command_line(struct conn *conn, struct smtp_session *session, const char *line, size_t length)
{
	const struct command_rule *rule;
	struct smtp_command command;
	struct smtp_reply reply = {""};
	int parsed = smtp_command_parse(line, length, &command, &reply);

	if (parsed == -1 && is_nameless_user(conn, &command)) {
		received_literal(conn_peer(conn), command.domain);
		parsed = 0;
	}
	if (smtp_rcpts_waiting(session) && !may_overtake(conn, session, &command, parsed))
		return false;
	if (command.verb == SMTP_VERB_COUNT) {
		(void)smtp_refuse(conn, "%s", reply.text);
		return true;
	}
	rule = &rules[command.verb];
	if (command.verb == SMTP_MAIL && session->state == SMTP_READY)
		session->unmailed = true; /* until it is taken */
	if ((rule->states & SMTP_IN(session->state)) == 0)
		refuse_order(conn, session, rule);
	else if (parsed == -1 && command.verb == SMTP_BDAT)
		/* What follows would be taken for commands, and somebody else may have chosen it.
		 */
		smtp_close(conn, "bad-chunk", "%s", reply.text);
	else if (parsed == -1 && command.no_mailbox)
		(void)smtp_refuse_mailbox(conn, "%s", reply.text);
	else if (parsed == -1)
		(void)smtp_refuse(conn, "%s", reply.text);
	else if (!rule->idle || smtp_count_idle(conn))
		rule->handle(conn, session, &command);
	return true;
}

/* False: not now, the line stays. LENGTH is without the LF. */
static bool
whole_line(struct conn *conn, struct smtp_session *session, const char *line, size_t length)
{
	/* RFC 5321 2.3.8 */
	if (length == 0 || line[length - 1] != '\r') {
		if (smtp_rcpts_waiting(session))
			return false;
		smtp_auth_reset(session);
		(void)smtp_refuse(conn, "500 5.5.2 Bare LF: a command line ends with CRLF");
		return true;
	}
	length--;
	if (session->state != SMTP_LOGIN)
		return command_line(conn, session, line, length);
	smtp_auth_response(conn, session, line, length);
	return true;
}

/* Swallows the rest of a line that is too long; its end brings the reply. */
static size_t
swallow(struct conn *conn, struct smtp_session *session, const char *bytes, size_t length)
{
	const char *lf = memchr(bytes, '\n', length);

	if (lf == NULL)
		return length;
	if (smtp_rcpts_waiting(session)) {
		smtp_hold(conn, session);
		return (size_t)(lf - bytes);
	}
	session->swallow = false;
	smtp_auth_reset(session);
	(void)smtp_refuse(conn, "500 5.5.6 Line too long");
	return (size_t)(lf - bytes) + 1;
}

static size_t
line_max(const struct conn *conn, const struct smtp_session *session, const char *bytes,
	 size_t length)
{
	if (smtp_is_submission(conn) &&
	    (session->state == SMTP_LOGIN || smtp_command_is(bytes, length, SMTP_AUTH)))
		return SMTP_AUTH_MAX;
	return SMTP_LINE_MAX;
}

static size_t
input(struct conn *conn, const char *bytes, size_t length)
{
	struct smtp_session *session = conn_state(conn);
	size_t max, used;
	const char *lf;

	if (session->state == SMTP_RECEIVING)
		return smtp_receive(conn, session, bytes, length);
	if (session->held)
		return 0;
	if (session->chunk_left > 0)
		return smtp_chunk(conn, session, bytes, length);
	if (session->swallow)
		return swallow(conn, session, bytes, length);
	max = line_max(conn, session, bytes, length);
	lf = memchr(bytes, '\n', length < max ? length : max);
	if (lf == NULL) {
		session->swallow = length >= max;
		return session->swallow ? max : 0;
	}
	used = (size_t)(lf - bytes) + 1;
	if (whole_line(conn, session, bytes, used - 1))
		return used;
	smtp_hold(conn, session);
	return 0;
}

/*
 * -- The protocols --------------------------------------------------------------
 */

static void
greet(struct conn *conn)
{
	smtp_reply(conn, "220 %s ESMTP Postern", conn_settings(conn)->hostname);
}

/* RFC 3207 4.2: the client begins anew, with EHLO. */
static void
secured(struct conn *conn)
{
	(void)conn;
}

void
smtp_session_reset(struct conn *conn, struct smtp_session *session)
{
	if (session->request != 0 && session->state == SMTP_CHECKING && conn_accounts(conn) != NULL)
		ipc_cancel(conn_accounts(conn), session->request);
	smtp_transaction_end(conn, session);
	smtp_auth_reset(session);
	ipc_close(session->submitter);
	free(session->helo);
	free(session->account);
	*session = (struct smtp_session){.state = SMTP_NEW};
}

static void
closed(struct conn *conn)
{
	smtp_session_reset(conn, conn_state(conn));
}

/*
 * Nobody is cut off in the middle of a mail: from MAIL on its transaction may end, and who logs in
 * may send the mail that he logs in for, or his mail program would show him an error. Who is cut
 * off in between mails comes again by himself. None stays for ever: each command has idle_timeout,
 * and those that do nothing for a message are counted.
 */
static bool
busy(struct conn *conn)
{
	const struct smtp_session *session = conn_state(conn);

	if (session->state <= SMTP_READY)
		return session->submitter != NULL && !session->mailed;
	return session->state < SMTP_CLOSING;
}

static bool
content(struct conn *conn)
{
	const struct smtp_session *session = conn_state(conn);

	return session->state >= SMTP_OPENING && session->state < SMTP_CLOSING;
}

/* The gate ends who is idle, but another mail may have come together with the end of the last. */
bool
smtp_has_left(struct conn *conn, struct smtp_session *session)
{
	const char *farewell = conn_drain_farewell(conn);

	if (farewell == NULL || busy(conn))
		return false;
	conn_write(conn, farewell, strlen(farewell));
	session->state = SMTP_CLOSING;
	conn_finish(conn, "drained");
	return true;
}

#define SMTP_FAREWELLS                                                                          \
	.idle_farewell = "421 4.4.2 Nothing heard for too long, closing the connection\r\n",    \
	.drain_farewell = "421 4.3.2 The server is restarting, please try again\r\n",           \
	.stop_farewell = "421 4.3.2 The server is shutting down, try again later\r\n",          \
	.full_farewell = "421 4.7.0 Too many connections here or from your address, try again " \
			 "later\r\n",                                                           \
	.early_farewell = "554 5.5.1 You talked before the greeting: no mail server does\r\n",  \
	.denied_farewell = "554 5.7.1 Connections from your address are not accepted here\r\n", \
	.tls_farewell = "421 4.7.0 This port begins in plaintext, TLS comes with STARTTLS\r\n"

const struct protocol smtp_protocol = {
    .name = "smtp",
    .state_size = sizeof(struct smtp_session),
    .input_max = SMTP_LINE_MAX,
    .open = greet,
    .secured = secured,
    .input = input,
    .queue_up = smtp_queue_up,
    .closed = closed,
    .busy = busy,
    .content = content,
    SMTP_FAREWELLS,
};

const struct protocol submission_protocol = {
    .name = "submission",
    .state_size = sizeof(struct smtp_session),
    .input_max = SMTP_AUTH_MAX,
    .open = greet,
    .secured = secured,
    .input = input,
    .queue_up = smtp_queue_up,
    .closed = closed,
    .busy = busy,
    .content = content,
    SMTP_FAREWELLS,
};
