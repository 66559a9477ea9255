/* SPDX-License-Identifier: ISC */
/* The commands that carry no mail. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/smtp/session.h"

/* RFC 5321 4.1.1.1 and the extensions' registrations. */
static void
announce(struct conn *conn, const struct smtp_session *session, const struct smtp_command *command)
{
	const struct mg_settings *settings = conn_settings(conn);
	char mechanisms[SASL_LIST_SIZE] = "";

	smtp_reply(conn, "250-%s greets %s", settings->hostname, command->domain);
	smtp_reply(conn, "250-PIPELINING");
	smtp_reply(conn, "250-SIZE %" PRIu64, settings->max_message_size);
	smtp_reply(conn, "250-8BITMIME");
	smtp_reply(conn, "250-CHUNKING");
	smtp_reply(conn, "250-BINARYMIME");
	smtp_reply(conn, "250-SMTPUTF8");
	smtp_reply(conn, "250-DSN");
	smtp_reply(conn, "250-ENHANCEDSTATUSCODES");
	smtp_reply(conn, "250-LIMITS RCPTMAX=%" PRIu32, /* RFC 9422 */
		   smtp_recipients_max(conn, session));
	if (conn_is_secure(conn))
		smtp_reply(conn, "250-REQUIRETLS"); /* RFC 8689 2 */
	if (conn_can_start_tls(conn))
		smtp_reply(conn, "250-STARTTLS");
	if (smtp_is_submission(conn))
		sasl_list(conn, " ", mechanisms);
	if (mechanisms[0] != '\0')
		smtp_reply(conn, "250-AUTH%s", mechanisms);
	smtp_reply(conn, "250 HELP");
}

/* EHLO and HELO. Either resets the transaction: RFC 5321 4.1.4. */
void
smtp_cmd_hello(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	char *domain = strdup(command->domain);

	if (domain == NULL) {
		smtp_close(conn, "no-memory", "421 4.3.0 Out of memory, try again later");
		return;
	}
	smtp_transaction_end(conn, session);
	free(session->helo);
	session->helo = domain;
	session->extended = command->verb == SMTP_EHLO;
	session->state = SMTP_READY;
	if (session->extended)
		announce(conn, session, command);
	else
		smtp_reply(conn, "250 %s greets %s", conn_settings(conn)->hostname,
			   command->domain);
}

void
smtp_cmd_rset(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)command;
	smtp_transaction_end(conn, session);
	smtp_reply(conn, "250 2.0.0 Ok");
}

void
smtp_cmd_noop(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_reply(conn, "250 2.0.0 Ok");
}

/* RFC 5321 3.5.3, 7.3: nobody is told who has a mailbox. */
void
smtp_cmd_vrfy(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_reply(conn, "252 2.5.0 Not verified here; a message to it may be accepted");
}

void
smtp_cmd_expn(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_reply(conn, "502 5.5.1 Lists are not expanded here");
}

void
smtp_cmd_help(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_reply(
	    conn,
	    "214 2.0.0 This is Postern. Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY "
	    "HELP QUIT STARTTLS%s",
	    smtp_is_submission(conn) ? " AUTH" : "");
}

void
smtp_cmd_quit(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_close(conn, "quit", "221 2.0.0 %s closes the connection",
		   conn_settings(conn)->hostname);
}

/* RFC 3207 4; 4.2: nothing said before the handshake counts after it. */
void
smtp_cmd_starttls(struct conn *conn, struct smtp_session *session,
		  const struct smtp_command *command)
{
	(void)command;
	if (conn_is_secure(conn)) {
		(void)smtp_refuse(conn, "503 5.5.1 This connection is in TLS already");
		return;
	}
	if (!conn_can_start_tls(conn)) {
		(void)smtp_refuse(conn, "502 5.5.1 STARTTLS is not possible here");
		return;
	}
	smtp_reply(conn, "220 2.0.0 Ready to start TLS");
	smtp_session_reset(conn, session);
	conn_start_tls(conn);
}

/* What follows is a form or a file that someone else chose: none of it is a command. */
void
smtp_cmd_http(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	(void)session;
	(void)command;
	smtp_close(conn, "http", "421 4.7.0 This is a mail server, it doesn't speak HTTP");
}
