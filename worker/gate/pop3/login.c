/* SPDX-License-Identifier: ISC */
/*
 * POP3 up to the login: the AUTHORIZATION state of RFC 1939. The answer to a login that succeeds is
 * written by the session process, behind the hand-over; here are the ways there, and all that
 * fails.
 */
#include "common/child.h"
#include "common/proto/gate_accounts.h"
#include "common/sasl_external.h"
#include "common/sasl_plain.h"
#include "worker/gate/conn.h"
#include "worker/gate/pop3/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOGIN_TIMEOUT 60 /* seconds; guessing is slowed, and a session may have to start */
#define LOGIN_TRIES 3
#define MECHANISMS_SIZE 64
#define LOGINS_WAITING 512 /* messages in the channel to accounts: more would end it (ipc.h) */

enum mechanism { NONE, EXTERNAL, PLAIN, MECHANISM_COUNT };

struct pop3_login {
	char *user; /* of USER, waits for PASS */
	size_t user_length;
	enum mechanism in_auth;      /* a SASL response of it is awaited, RFC 5034 4 */
	struct ipc_channel *channel; /* accounts is being asked there */
	uint32_t request;
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

/* RFC 3206: AUTH is for the credentials; SYS/TEMP is nobody's fault who types them. */
static void
login_failed(struct conn *c, bool wrong)
{
	struct pop3_login *login = conn_state(c);

	if (!wrong) {
		say(c, "-ERR [SYS/TEMP] can't tell now, please try again later");
	} else if (++login->tries < LOGIN_TRIES) {
		say(c, "-ERR [AUTH] wrong user name or password");
	} else {
		say(c, "-ERR [AUTH] wrong user name or password, too often");
		conn_finish(c, "failed logins");
	}
	conn_resume(c);
}

static int
on_verdict(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct conn *c = arg;
	struct pop3_login *login = conn_state(c);
	const struct ga_login_failed *failed;
	bool wrong = false;

	(void)channel;
	login->channel = NULL;
	if (message != NULL && message->type == GA_LOGGED_IN) {
		conn_hand_over(c, ipc_take_fd(message));
		return 0;
	}
	if (message != NULL && message->type == GA_LOGIN_FAILED) {
		failed = message->body;
		wrong = failed->verdict == LOGIN_FAILED;
		login_failed(c, wrong);
		return wrong || failed->verdict == LOGIN_UNAVAILABLE ? 0 : -1;
	}
	login_failed(c, false);
	return message == NULL ? 0 : -1;
}

/* MESSAGE is wiped. */
static void
ask(struct conn *c, char message[LOGIN_TAIL_MAX], size_t length)
{
	struct pop3_login *login = conn_state(c);
	struct ga_login request;

	memset(&request, 0, sizeof(request)); /* its padding too */
	request.conn = conn_identity(c);
	request.peer = *conn_peer(c);
	request.service = SERVICE_POP3;
	request.tls = conn_is_secure(c) ? 1 : 0;
	conn_pause(c);
	login->channel = conn_accounts(c);
	login->request = 0;
	if (login->channel != NULL && ipc_queued(login->channel) <= LOGINS_WAITING)
		login->request = ipc_request(login->channel, GA_LOGIN, &request, message, length,
					     -1, LOGIN_TIMEOUT, on_verdict, c);
	explicit_bzero(message, LOGIN_TAIL_MAX);
	if (login->request == 0) {
		login->channel = NULL;
		login_failed(c, false);
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
	char message[LOGIN_TAIL_MAX];
	size_t length;

	if (refuse_password(c))
		return;
	if (login->user == NULL) {
		complain(c, "-ERR USER comes first");
		return;
	}
	length = sasl_plain_compose(message, login->user, login->user_length, command->argument,
				    command->argument_length);
	forget_user(login);
	if (length == 0)
		complain(c, command->argument_length == 0 ? "-ERR PASS wants a password"
							  : "-ERR this can't be a password");
	else
		ask(c, message, length);
}

static void
plain_response(struct conn *c, const char *text, size_t text_length)
{
	char message[LOGIN_TAIL_MAX];
	size_t length;

	if (sasl_plain_decode(text, text_length, message, &length) == -1)
		complain(c, "-ERR this is no PLAIN response (RFC 4616)");
	else
		ask(c, message, length);
}

static void
external_response(struct conn *c, const char *text, size_t text_length)
{
	struct pop3_login *login = conn_state(c);
	char authorization[ADDRESS_SIZE];

	if (sasl_external_decode(text, text_length, authorization) == -1) {
		complain(c, "-ERR this is no EXTERNAL response (RFC 4422)");
		return;
	}
	conn_pause(c);
	login->channel = conn_accounts(c);
	login->request = conn_ask_external(c, authorization, LOGIN_TIMEOUT, on_verdict, c);
	if (login->request == 0) {
		login->channel = NULL;
		login_failed(c, false);
	}
}

static const struct {
	const char *name;
	bool (*offered)(const struct conn *);
	void (*response)(struct conn *, const char *text, size_t length);
} mechanisms[MECHANISM_COUNT] = {
    [EXTERNAL] = {"EXTERNAL", conn_may_external, external_response},
    [PLAIN] = {"PLAIN", conn_may_password, plain_response},
};

/* Each with a space in front. */
static void
list_mechanisms(const struct conn *c, char out[MECHANISMS_SIZE])
{
	out[0] = '\0';
	for (size_t i = NONE + 1; i < MECHANISM_COUNT; i++) {
		if (!mechanisms[i].offered(c))
			continue;
		strlcat(out, " ", MECHANISMS_SIZE);
		strlcat(out, mechanisms[i].name, MECHANISMS_SIZE);
	}
}

/* NONE: it is not known, or not to be had now. */
static enum mechanism
find_mechanism(const struct conn *c, const struct pop3_command *command)
{
	enum mechanism i = NONE + 1;

	while (i < MECHANISM_COUNT &&
	       (strlen(mechanisms[i].name) != command->argument_length ||
		strncasecmp(mechanisms[i].name, command->argument, command->argument_length) != 0 ||
		!mechanisms[i].offered(c)))
		i++;
	return i == MECHANISM_COUNT ? NONE : i;
}

static void
refuse_mechanism(struct conn *c)
{
	char offered[MECHANISMS_SIZE], line[MECHANISMS_SIZE + 64];

	list_mechanisms(c, offered);
	snprintf(line, sizeof(line), "-ERR AUTH wants a mechanism:%s",
		 offered[0] != '\0' ? offered
				    : " none is left, connect again to show a certificate");
	complain(c, line);
}

static void
do_auth(struct conn *c, const struct pop3_command *command)
{
	struct pop3_login *login = conn_state(c);
	enum mechanism mechanism;
	size_t length = command->response_length;

	if (refuse_login(c))
		return;
	forget_user(login);
	mechanism = find_mechanism(c, command);
	if (mechanism == NONE) {
		refuse_mechanism(c);
	} else if (command->response == NULL) {
		login->in_auth = mechanism;
		say(c, "+ ");
	} else {
		/* RFC 5034 4: "=" is an initial response that is empty. */
		if (length == 1 && command->response[0] == '=')
			length = 0;
		mechanisms[mechanism].response(c, command->response, length);
	}
}

/* RFC 2449 5: what holds in this state, and what holds in the next. */
static void
do_capa(struct conn *c, const struct pop3_command *command)
{
	char offered[MECHANISMS_SIZE];

	(void)command;
	list_mechanisms(c, offered);
	say(c, "+OK these can be had");
	say(c, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER");
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
do_malformed(struct conn *c, const struct pop3_command *command)
{
	(void)command;
	complain(c, "-ERR this is no command");
}

static void (*const commands[POP3_VERB_COUNT])(struct conn *, const struct pop3_command *) = {
    [POP3_CAPA] = do_capa,           [POP3_USER] = do_user, [POP3_PASS] = do_pass,
    [POP3_AUTH] = do_auth,           [POP3_STLS] = do_stls, [POP3_QUIT] = do_quit,
    [POP3_NOT_NOW] = do_not_now,     [POP3_APOP] = do_apop, [POP3_UNKNOWN] = do_unknown,
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
	if (login->in_auth != NONE) {
		enum mechanism mechanism = login->in_auth;

		login->in_auth = NONE;
		if (text == 1 && bytes[0] == '*')
			complain(c, "-ERR cancelled");
		else
			mechanisms[mechanism].response(c, bytes, text);
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

	if (login->channel != NULL)
		ipc_cancel(login->channel, login->request);
	login->channel = NULL;
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
    .full_farewell = "-ERR [SYS/TEMP] too many connections, please try again later\r\n",
    .denied_farewell = "-ERR [SYS/PERM] no access from your address\r\n",
    .tls_farewell = "-ERR TLS begins with STLS on this port\r\n",
};
