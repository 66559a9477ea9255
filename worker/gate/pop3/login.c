/* SPDX-License-Identifier: ISC */
/*
 * POP3 up to the login: the AUTHORIZATION state of RFC 1939. The answer to a login that succeeds is
 * written by the session process, behind the hand-over; here are the ways there, and all that
 * fails.
 */
#include "common/pop3_lang.h"
#include "worker/gate/conn.h"
#include "worker/gate/pop3/command.h"
#include "worker/gate/sasl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_TRIES 3

struct pop3_login {
	struct sasl sasl;
	char *user; /* of USER, waits for PASS */
	size_t user_length;
	unsigned tries;
	unsigned errors;
};

static void
say(struct conn *c, const char *line)
{
	conn_write(c, line, strlen(line));
	conn_write(c, "\r\n", 2);
}

/* An answer to what is no command, or not one now; too many of them, and that was it. */
static void
complain(struct conn *c, const char *line)
{
	struct pop3_login *login = conn_state(c);
	uint32_t most = conn_settings(c)->max_errors;

	login->errors++;
	if (most == 0 || login->errors < most) {
		say(c, line);
		return;
	}
	say(c, "-ERR too many errors");
	conn_finish(c, "too many errors");
}

static void
forget_user(struct pop3_login *login)
{
	freezero(login->user, login->user_length);
	login->user = NULL;
	login->user_length = 0;
}

/* -- The login ------------------------------------------------------------------------- */

static void
login_wrong(struct conn *c)
{
	struct pop3_login *login = conn_state(c);

	if (++login->tries < LOGIN_TRIES) {
		say(c, "-ERR [AUTH] wrong user name or password");
	} else {
		say(c, "-ERR [AUTH] wrong user name or password, too often");
		conn_finish(c, "failed logins");
	}
}

static void
malformed(struct conn *c, const char *what)
{
	char line[128];

	snprintf(line, sizeof(line), "-ERR this is no %s", what);
	complain(c, line);
}

/* RFC 3206: AUTH is for the credentials; SYS/TEMP is nobody's fault who types them. */
static void
on_sasl(struct conn *c, enum sasl_event event, const char *text, struct ipc_message *message)
{
	switch (event) {
	case SASL_CHALLENGE:
		conn_printf(c, "+ %s\r\n", text);
		break;
	case SASL_LOGGED_IN:
		conn_hand_over(c, ipc_take_fd(message));
		break;
	case SASL_WRONG:
		login_wrong(c);
		break;
	case SASL_UNAVAILABLE:
		say(c, "-ERR [SYS/TEMP] can't tell now, please try again later");
		break;
	case SASL_MALFORMED:
		malformed(c, text);
		break;
	}
}

/* -- Commands -------------------------------------------------------------------------- */

/* True, and said so, where a login must not be tried. What was sent is not looked at. */
static bool
refuse_login(struct conn *c)
{
	if (conn_may_login(c))
		return false;
	complain(c, conn_can_start_tls(c) ? "-ERR use STLS first"
					  : "-ERR logins are not taken here without TLS");
	return true;
}

static bool
refuse_password(struct conn *c)
{
	if (refuse_login(c))
		return true;
	if (conn_may_password(c))
		return false;
	complain(c, "-ERR no passwords here, only certificates: AUTH EXTERNAL");
	return true;
}

/* Everybody is welcome: who exists is not told here. */
static void
do_user(struct conn *c, const struct pop3_command *command)
{
	struct pop3_login *login = conn_state(c);

	if (refuse_password(c))
		return;
	forget_user(login);
	if (command->argument_length == 0 || command->argument_length >= ADDRESS_SIZE) {
		complain(c, command->argument_length == 0 ? "-ERR USER wants a name"
							  : "-ERR this name is too long");
		return;
	}
	login->user = malloc(command->argument_length);
	if (login->user == NULL) {
		say(c, "-ERR [SYS/TEMP] out of memory");
		return;
	}
	memcpy(login->user, command->argument, command->argument_length);
	login->user_length = command->argument_length;
	say(c, "+OK and the password?");
}

static void
do_pass(struct conn *c, const struct pop3_command *command)
{
	struct pop3_login *login = conn_state(c);

	if (refuse_password(c))
		return;
	if (login->user == NULL) {
		complain(c, "-ERR USER comes first");
		return;
	}
	if (command->argument_length == 0)
		complain(c, "-ERR PASS wants a password");
	else
		sasl_password(&login->sasl, c, on_sasl, login->user, login->user_length,
			      command->argument, command->argument_length);
	forget_user(login);
}

static void
refuse_mechanism(struct conn *c)
{
	char offered[SASL_LIST_SIZE], line[SASL_LIST_SIZE + 64];

	sasl_list(c, " ", offered);
	snprintf(line, sizeof(line), "-ERR AUTH wants a mechanism:%s",
		 offered[0] != '\0' ? offered
				    : " none is left, connect again to show a certificate");
	complain(c, line);
}

static void
do_auth(struct conn *c, const struct pop3_command *command)
{
	struct pop3_login *login = conn_state(c);
	const struct sasl_mechanism *mechanism;

	if (refuse_login(c))
		return;
	forget_user(login);
	mechanism = sasl_find(c, command->argument, command->argument_length);
	if (mechanism == NULL)
		refuse_mechanism(c);
	else
		sasl_begin(&login->sasl, c, on_sasl, mechanism, command->response,
			   command->response_length);
}

/* RFC 2449 5: what holds in this state, and what holds in the next. */
static void
do_capa(struct conn *c, const struct pop3_command *command)
{
	char offered[SASL_LIST_SIZE];

	(void)command;
	sasl_list(c, " ", offered);
	say(c, "+OK these can be had");
	say(c, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n"
	       "UTF8 USER\r\nLANG");
	if (conn_can_start_tls(c))
		say(c, "STLS");
	if (conn_may_password(c))
		say(c, "USER");
	if (offered[0] != '\0')
		conn_printf(c, "SASL%s\r\n", offered);
	say(c, "IMPLEMENTATION Postern\r\n.");
}

static void
do_stls(struct conn *c, const struct pop3_command *command)
{
	if (command->argument_length > 0) {
		complain(c, "-ERR STLS takes no argument");
	} else if (conn_is_secure(c)) {
		complain(c, "-ERR this is TLS already");
	} else if (!conn_can_start_tls(c)) {
		complain(c, "-ERR there is no TLS here");
	} else {
		say(c, "+OK begin TLS");
		conn_start_tls(c);
	}
}

static void
do_quit(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	say(c, "+OK bye");
	conn_finish(c, "quit");
}

/*
 * RFC 6856 2.1: messages and answers are UTF-8 from here on. They are sent as they are in either
 * mode, so that nothing has to be remembered, here or in the session.
 */
static void
do_utf8(struct conn *c, const struct pop3_command *command)
{
	if (command->argument_length > 0)
		complain(c, "-ERR UTF8 takes no argument");
	else
		say(c, "+OK UTF-8 it is");
}

static void
do_lang(struct conn *c, const struct pop3_command *command)
{
	switch (pop3_lang(command->argument, command->argument_length)) {
	case POP3_LANG_LISTING:
		say(c, POP3_LANG_LISTED);
		break;
	case POP3_LANG_ENGLISH:
		say(c, POP3_LANG_CHOSEN);
		break;
	case POP3_LANG_NONE:
		complain(c, POP3_LANG_REFUSED);
		break;
	}
}

static void
do_not_now(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR log in first");
}

static void
do_apop(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR APOP is not taken here");
}

static void
do_unknown(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR unknown command");
}

static void
do_not_utf8(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR names and passwords are UTF-8");
}

static void
do_malformed(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR this is no command");
}

static void (*const commands[POP3_VERB_COUNT])(struct conn *, const struct pop3_command *) = {
    [POP3_CAPA] = do_capa,           [POP3_USER] = do_user, [POP3_PASS] = do_pass,
    [POP3_AUTH] = do_auth,           [POP3_STLS] = do_stls, [POP3_QUIT] = do_quit,
    [POP3_NOT_NOW] = do_not_now,     [POP3_APOP] = do_apop, [POP3_UNKNOWN] = do_unknown,
    [POP3_UTF8] = do_utf8,           [POP3_LANG] = do_lang, [POP3_NOT_UTF8] = do_not_utf8,
    [POP3_MALFORMED] = do_malformed,
};

/* -- The protocol ------------------------------------------------------------------------ */

static void
pop3_open(struct conn *c)
{
	/* No timestamp: no APOP (RFC 1939 7). */
	conn_printf(c, "+OK %s POP3 ready\r\n", conn_settings(c)->hostname);
}

static size_t
pop3_input(struct conn *c, const char *bytes, size_t length)
{
	struct pop3_login *login = conn_state(c);
	struct pop3_command command;
	size_t text, used = pop3_line(bytes, length, &text);

	if (used == 0 && length < POP3_LINE_MAX)
		return 0;
	if (used == 0) {
		say(c, "-ERR this line is too long");
		conn_finish(c, "a line too long");
		return length;
	}
	if (sasl_in_exchange(&login->sasl)) {
		if (text == 1 && bytes[0] == '*') { /* RFC 5034 4 */
			sasl_cancel(&login->sasl);
			complain(c, "-ERR cancelled");
		} else
			sasl_response(&login->sasl, bytes, text);
		return used;
	}
	pop3_parse(bytes, text, &command);
	commands[command.verb](c, &command);
	return used;
}

static void
pop3_closed(struct conn *c)
{
	struct pop3_login *login = conn_state(c);

	sasl_cancel(&login->sasl);
	forget_user(login);
}

const struct protocol pop3_protocol = {
    .name = "pop3",
    .alpn = "pop3",
    .state_size = sizeof(struct pop3_login),
    .input_max = POP3_LINE_MAX,
    .open = pop3_open,
    .input = pop3_input,
    .closed = pop3_closed,
    .idle_farewell = "", /* RFC 1939 3: closed "without sending any response" */
    .drain_farewell = "-ERR [SYS/TEMP] this server is restarting, please try again\r\n",
    .stop_farewell = "-ERR [SYS/TEMP] this server is shutting down, please try again later\r\n",
    .full_farewell = "-ERR [SYS/TEMP] too many connections, please try again later\r\n",
    .denied_farewell = "-ERR [SYS/PERM] no access from your address\r\n",
    .tls_farewell = "-ERR TLS begins with STLS on this port\r\n",
};
