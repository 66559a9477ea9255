/* SPDX-License-Identifier: ISC */
/*
 * IMAP up to the login: the not authenticated state of RFC 9051 3.1. The answer to a login that
 * succeeds is the session process's, which is told the command's tag as the first line of its
 * stream; here are the ways there, and all that fails.
 */
#include "worker/gate/conn.h"
#include "worker/gate/imap/command.h"
#include "worker/gate/sasl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_TRIES 3

struct imap_login {
	struct sasl sasl;
	char tag[IMAP_LOGIN_TAG_SIZE]; /* of the command that logs in */
	unsigned continued;            /* literals of the command that "+" has been said for */
	unsigned tries;
	unsigned errors;
};

static void
say(struct conn *c, const char *tag, const char *text)
{
	conn_printf(c, "%s %s\r\n", tag, text);
}

/* An answer to what is no command, or not one now; too many of them, and that was it. */
static void
complain(struct conn *c, const char *tag, const char *text)
{
	struct imap_login *login = conn_state(c);
	uint32_t most = conn_settings(c)->max_errors;

	say(c, tag, text);
	login->errors++;
	if (most == 0 || login->errors < most)
		return;
	say(c, "*", "BYE Too many errors");
	conn_finish(c, "too many errors");
}

/* RFC 9051 7.2.2, what holds before the login. LITERAL-, since here is no room for more (RFC 7888).
 */
static void
put_capabilities(struct conn *c)
{
	char mechanisms[SASL_LIST_SIZE];

	sasl_list(c, " AUTH=", mechanisms);
	/* The last two are for clients that don't ask again after the login (Python's imaplib). */
	conn_printf(c, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE IDLE%s%s%s",
		    conn_can_start_tls(c) ? " STARTTLS" : "",
		    conn_may_password(c) ? "" : " LOGINDISABLED", mechanisms);
}

/* -- The login ---------------------------------------------------------------------------- */

static void
logged_in(struct conn *c, struct ipc_message *message)
{
	struct imap_login *login = conn_state(c);
	int stream = ipc_take_fd(message);
	char line[IMAP_LOGIN_TAG_SIZE + 2];

	strlcpy(line, login->tag, sizeof(line));
	strlcat(line, "\r\n", sizeof(line));
	/* A fresh stream has room for that; if nobody reads it any more, something was said first.
	 */
	if (write(stream, line, strlen(line)) == -1)
		log_event(LOG_NOTICE, "imap.session_gone", KV_CONN(conn_identity(c)),
			  KV_STR("why", strerror(errno)));
	conn_hand_over(c, stream);
}

static void
login_wrong(struct conn *c)
{
	struct imap_login *login = conn_state(c);

	say(c, login->tag, "NO [AUTHENTICATIONFAILED] Wrong user name or password");
	if (++login->tries < LOGIN_TRIES)
		return;
	say(c, "*", "BYE Too many failed logins");
	conn_finish(c, "failed logins");
}

static void
on_sasl(struct conn *c, enum sasl_event event, const char *text, struct ipc_message *message)
{
	struct imap_login *login = conn_state(c);

	switch (event) {
	case SASL_CHALLENGE:
		say(c, "+", text);
		break;
	case SASL_LOGGED_IN:
		logged_in(c, message);
		break;
	case SASL_WRONG:
		login_wrong(c);
		break;
	case SASL_UNAVAILABLE:
		say(c, login->tag, "NO [UNAVAILABLE] Logins can't be checked now, try again later");
		break;
	case SASL_MALFORMED:
		complain(c, login->tag, "BAD Not what the mechanism expects");
		break;
	}
}

/* -- Commands ------------------------------------------------------------------------------- */

/* True, and said so, where a login must not be tried. What was sent is not looked at. */
static bool
refuse_login(struct conn *c, const char *tag)
{
	if (conn_may_login(c))
		return false;
	complain(c, tag,
		 conn_can_start_tls(c)
		     ? "NO [PRIVACYREQUIRED] Use STARTTLS first"
		     : "NO [PRIVACYREQUIRED] Logins are not taken here without TLS");
	return true;
}

static void
do_login(struct conn *c, const struct imap_login_command *command)
{
	struct imap_login *login = conn_state(c);

	if (refuse_login(c, command->tag))
		return;
	if (!conn_may_password(c)) {
		complain(c, command->tag,
			 "NO [CANNOT] No passwords here, only certificates: AUTHENTICATE EXTERNAL");
		return;
	}
	strlcpy(login->tag, command->tag, IMAP_LOGIN_TAG_SIZE);
	if (command->user_length == 0 || command->password_length == 0) {
		login_wrong(c);
		return;
	}
	sasl_password(&login->sasl, c, on_sasl, command->user, command->user_length,
		      command->password, command->password_length);
}

static void
do_authenticate(struct conn *c, const struct imap_login_command *command)
{
	struct imap_login *login = conn_state(c);
	const struct sasl_mechanism *mechanism;
	char offered[SASL_LIST_SIZE], text[SASL_LIST_SIZE + 80] = "NO [CANNOT] ";

	if (refuse_login(c, command->tag))
		return;
	mechanism = sasl_find(c, command->mechanism, command->mechanism_length);
	if (mechanism != NULL) {
		strlcpy(login->tag, command->tag, IMAP_LOGIN_TAG_SIZE);
		sasl_begin(&login->sasl, c, on_sasl, mechanism, command->response,
			   command->response_length);
		return;
	}
	sasl_list(c, " ", offered);
	strlcat(text,
		offered[0] != '\0' ? "This mechanism can't be used here, these can:"
				   : "No mechanism is left, connect again to show a certificate",
		sizeof(text));
	strlcat(text, offered, sizeof(text));
	complain(c, command->tag, text);
}

static void
do_capability(struct conn *c, const struct imap_login_command *command)
{
	conn_write(c, "* ", 2);
	put_capabilities(c);
	conn_write(c, "\r\n", 2);
	say(c, command->tag, "OK These can be had before the login");
}

static void
do_noop(struct conn *c, const struct imap_login_command *command)
{
	say(c, command->tag, "OK Nothing done");
}

/* RFC 2971 3.2; a version is nobody's business before the login. */
static void
do_id(struct conn *c, const struct imap_login_command *command)
{
	say(c, "*", "ID (\"name\" \"Postern\")");
	say(c, command->tag, "OK Pleased to meet you");
}

static void
do_starttls(struct conn *c, const struct imap_login_command *command)
{
	if (conn_is_secure(c)) {
		complain(c, command->tag, "BAD This is TLS already");
	} else if (!conn_can_start_tls(c)) {
		complain(c, command->tag, "BAD There is no TLS here");
	} else {
		say(c, command->tag, "OK Begin TLS");
		conn_start_tls(c);
	}
}

static void
do_logout(struct conn *c, const struct imap_login_command *command)
{
	say(c, "*", "BYE Bye");
	say(c, command->tag, "OK Logged out");
	conn_finish(c, "quit");
}

static void
do_not_now(struct conn *c, const struct imap_login_command *command)
{
	complain(c, command->tag, "BAD Log in first");
}

static void
do_unknown(struct conn *c, const struct imap_login_command *command)
{
	complain(c, command->tag, "BAD There is no such command");
}

static void
do_malformed(struct conn *c, const struct imap_login_command *command)
{
	char text[128] = "BAD ";

	strlcat(text, command->why, sizeof(text));
	complain(c, command->tag, text);
}

static void (*const commands[IMAP_LOGIN_VERB_COUNT])(struct conn *,
						     const struct imap_login_command *) = {
    [IMAP_LOGIN_CAPABILITY] = do_capability,
    [IMAP_LOGIN_NOOP] = do_noop,
    [IMAP_LOGIN_LOGOUT] = do_logout,
    [IMAP_LOGIN_ID] = do_id,
    [IMAP_LOGIN_STARTTLS] = do_starttls,
    [IMAP_LOGIN_LOGIN] = do_login,
    [IMAP_LOGIN_AUTHENTICATE] = do_authenticate,
    [IMAP_LOGIN_NOT_NOW] = do_not_now,
    [IMAP_LOGIN_UNKNOWN] = do_unknown,
    [IMAP_LOGIN_MALFORMED] = do_malformed,
};

/* -- The protocol ------------------------------------------------------------------------- */

static void
imap_open(struct conn *c)
{
	conn_write(c, "* OK [", 6);
	put_capabilities(c);
	conn_printf(c, "] %s is ready\r\n", conn_settings(c)->hostname);
}

static size_t
lost(struct conn *c, size_t length)
{
	say(c, "*", "BYE This command is too long");
	conn_finish(c, "a command too long");
	return length;
}

static size_t
take_response(struct conn *c, struct imap_login *login, const char *bytes, size_t length)
{
	size_t text, used = imap_login_line(bytes, length, &text);

	if (used == 0)
		return length < IMAP_LOGIN_MAX ? 0 : lost(c, length);
	if (text == 1 && bytes[0] == '*') { /* RFC 9051 6.2.2 */
		sasl_cancel(&login->sasl);
		complain(c, login->tag, "BAD Cancelled");
	} else
		sasl_response(&login->sasl, bytes, text);
	return used;
}

/*
 * The client waits to be asked for a literal, and won't be. Without TLS none is asked for: it would
 * be a name or a password.
 */
static void
refuse_literal(struct conn *c, const char *bytes, size_t length)
{
	struct imap_login *login = conn_state(c);
	struct imap_login_command command;

	login->continued = 0;
	imap_login_parse(bytes, length, &command);
	if (!refuse_login(c, command.tag))
		complain(c, command.tag, "BAD A literal this large can't be taken here");
	explicit_bzero(&command, sizeof(command));
}

static size_t
imap_input(struct conn *c, const char *bytes, size_t length)
{
	struct imap_login *login = conn_state(c);
	struct imap_login_command command;
	enum imap_login_step step;
	unsigned literals;
	size_t used = 0;

	if (sasl_in_exchange(&login->sasl))
		return take_response(c, login, bytes, length);
	step = imap_login_read(bytes, length, &used, &literals);
	if (step == IMAP_LOGIN_LOST)
		return lost(c, length);
	if (step == IMAP_LOGIN_REFUSED || (step == IMAP_LOGIN_CONTINUE && !conn_may_login(c))) {
		refuse_literal(c, bytes, used);
		return used;
	}
	if (step == IMAP_LOGIN_CONTINUE && literals > login->continued) {
		login->continued = literals;
		say(c, "+", "OK");
	}
	if (step == IMAP_LOGIN_MORE || step == IMAP_LOGIN_CONTINUE)
		return 0;
	login->continued = 0;
	imap_login_parse(bytes, used, &command);
	commands[command.verb](c, &command);
	explicit_bzero(&command, sizeof(command));
	return used;
}

static void
imap_closed(struct conn *c)
{
	struct imap_login *login = conn_state(c);

	sasl_cancel(&login->sasl);
}

const struct protocol imap_protocol = {
    .name = "imap",
    .alpn = "imap",
    .state_size = sizeof(struct imap_login),
    .input_max = IMAP_LOGIN_MAX,
    .open = imap_open,
    .input = imap_input,
    .closed = imap_closed,
    .idle_farewell = "* BYE Nothing came for too long\r\n",
    .drain_farewell = "* BYE [UNAVAILABLE] This server is restarting, please try again\r\n",
    .stop_farewell = "* BYE [UNAVAILABLE] This server is shutting down, please try again later\r\n",
    .full_farewell = "* BYE [UNAVAILABLE] Too many connections, please try again later\r\n",
    .denied_farewell = "* BYE [CONTACTADMIN] No access from your address\r\n",
    .tls_farewell = "* BYE TLS begins with STARTTLS on this port\r\n",
};
