/* SPDX-License-Identifier: ISC */
#include "worker/gate/sasl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base64.h"
#include "common/proto/gate_accounts.h"
#include "common/sasl_external.h"
#include "common/sasl_plain.h"

#define LOGIN_TIMEOUT 60   /* seconds; guessing is slowed, and a session may have to start */
#define LOGINS_WAITING 512 /* messages in the channel to accounts: more would end it (ipc.h) */

/* "Username:" and "Password:", which is what clients of LOGIN wait for. */
#define PROMPT_USER "VXNlcm5hbWU6"
#define PROMPT_PASSWORD "UGFzc3dvcmQ6"

struct sasl_mechanism {
	const char *name;
	bool (*offered)(const struct conn *);
	void (*response)(struct sasl *, const char *text, size_t length);
	const char *prompt; /* the first challenge */
};

static void
forget(struct sasl *sasl)
{
	freezero(sasl->user, sasl->user_length);
	sasl->user = NULL;
	sasl->user_length = 0;
	sasl->mechanism = NULL;
}

static void
tell(struct sasl *sasl, enum sasl_event event, const char *text)
{
	if (event != SASL_CHALLENGE)
		forget(sasl);
	sasl->event(sasl->conn, event, text, NULL);
}

static void
tell_and_resume(struct sasl *sasl, enum sasl_event event)
{
	struct conn *c = sasl->conn;

	tell(sasl, event, "");
	conn_resume(c);
}

/* -- Asking accounts -------------------------------------------------------------------- */

static int
on_verdict(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct sasl *sasl = arg;
	const struct ga_login_failed *failed;

	(void)channel;
	sasl->channel = NULL;
	sasl->request = 0;
	if (message != NULL && message->type == GA_LOGGED_IN) {
		forget(sasl);
		sasl->event(sasl->conn, SASL_LOGGED_IN, "", message);
		return 0;
	}
	if (message != NULL && message->type == GA_LOGIN_FAILED) {
		uint32_t verdict;

		failed = message->body;
		verdict = failed->verdict;
		tell_and_resume(sasl, verdict == LOGIN_FAILED ? SASL_WRONG : SASL_UNAVAILABLE);
		return verdict == LOGIN_FAILED || verdict == LOGIN_UNAVAILABLE ? 0 : -1;
	}
	tell_and_resume(sasl, SASL_UNAVAILABLE);
	return message == NULL ? 0 : -1;
}

static void
await(struct sasl *sasl)
{
	if (sasl->request != 0)
		return;
	sasl->channel = NULL;
	tell_and_resume(sasl, SASL_UNAVAILABLE);
}

/* MESSAGE is wiped. */
static void
ask(struct sasl *sasl, char message[LOGIN_TAIL_MAX], size_t length)
{
	struct conn *c = sasl->conn;
	struct ga_login request;

	memset(&request, 0, sizeof(request)); /* its padding too */
	request.conn = conn_identity(c);
	request.peer = *conn_peer(c);
	request.service = conn_listener(c)->settings.service;
	request.tls = conn_is_secure(c) ? 1 : 0;
	conn_pause(c);
	sasl->channel = conn_accounts(c);
	sasl->request = 0;
	if (sasl->channel != NULL && ipc_queued(sasl->channel) <= LOGINS_WAITING)
		sasl->request = ipc_request(sasl->channel, GA_LOGIN, &request, message, length, -1,
					    LOGIN_TIMEOUT, on_verdict, sasl);
	explicit_bzero(message, LOGIN_TAIL_MAX);
	await(sasl);
}

void
sasl_password(struct sasl *sasl, struct conn *c, sasl_event_fn *event, const char *user,
	      size_t user_length, const char *password, size_t password_length)
{
	char message[LOGIN_TAIL_MAX];
	size_t length = sasl_plain_compose(message, user, user_length, password, password_length);

	sasl->conn = c;
	sasl->event = event;
	if (length == 0)
		tell(sasl, SASL_MALFORMED, "user name and password");
	else
		ask(sasl, message, length);
}

/* -- The mechanisms ----------------------------------------------------------------------- */

static void
plain_response(struct sasl *sasl, const char *text, size_t text_length)
{
	char message[LOGIN_TAIL_MAX];
	size_t length;

	if (sasl_plain_decode(text, text_length, message, &length) == -1)
		tell(sasl, SASL_MALFORMED, "PLAIN response (RFC 4616)");
	else
		ask(sasl, message, length);
}

static void
login_user(struct sasl *sasl, const char *text, size_t length)
{
	char user[ADDRESS_SIZE];
	size_t n;

	if (base64_decode(text, length, user, sizeof(user) - 1, &n) == -1 || n == 0 ||
	    memchr(user, '\0', n) != NULL) {
		tell(sasl, SASL_MALFORMED, "user name in base64");
		return;
	}
	sasl->user = malloc(n);
	if (sasl->user == NULL) {
		tell(sasl, SASL_UNAVAILABLE, "");
		return;
	}
	memcpy(sasl->user, user, n);
	sasl->user_length = n;
	tell(sasl, SASL_CHALLENGE, PROMPT_PASSWORD);
}

static void
login_response(struct sasl *sasl, const char *text, size_t text_length)
{
	char message[LOGIN_TAIL_MAX], password[PASSWORD_SIZE];
	size_t n, length = 0;

	if (sasl->user == NULL) {
		login_user(sasl, text, text_length);
		return;
	}
	if (base64_decode(text, text_length, password, sizeof(password) - 1, &n) == 0)
		length = sasl_plain_compose(message, sasl->user, sasl->user_length, password, n);
	explicit_bzero(password, sizeof(password));
	if (length == 0)
		tell(sasl, SASL_MALFORMED, "password in base64");
	else
		ask(sasl, message, length);
}

static void
external_response(struct sasl *sasl, const char *text, size_t length)
{
	char authorization[ADDRESS_SIZE];

	if (sasl_external_decode(text, length, authorization) == -1) {
		tell(sasl, SASL_MALFORMED, "EXTERNAL response (RFC 4422)");
		return;
	}
	conn_pause(sasl->conn);
	sasl->channel = conn_accounts(sasl->conn);
	sasl->request =
	    conn_ask_external(sasl->conn, authorization, LOGIN_TIMEOUT, on_verdict, sasl);
	await(sasl);
}

static const struct sasl_mechanism mechanisms[] = {
    {"EXTERNAL", conn_may_external, external_response, ""},
    {"PLAIN", conn_may_password, plain_response, ""},
    {"LOGIN", conn_may_password, login_response, PROMPT_USER},
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

void
sasl_list(const struct conn *c, const char *prefix, char out[SASL_LIST_SIZE])
{
	out[0] = '\0';
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!mechanisms[i].offered(c))
			continue;
		strlcat(out, prefix, SASL_LIST_SIZE);
		strlcat(out, mechanisms[i].name, SASL_LIST_SIZE);
	}
}

const struct sasl_mechanism *
sasl_find(const struct conn *c, const char *name, size_t length)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (strlen(mechanisms[i].name) == length &&
		    strncasecmp(mechanisms[i].name, name, length) == 0 && mechanisms[i].offered(c))
			return &mechanisms[i];
	}
	return NULL;
}

void
sasl_begin(struct sasl *sasl, struct conn *c, sasl_event_fn *event,
	   const struct sasl_mechanism *mechanism, const char *response, size_t length)
{
	forget(sasl);
	sasl->conn = c;
	sasl->event = event;
	sasl->mechanism = mechanism;
	if (response == NULL)
		tell(sasl, SASL_CHALLENGE, mechanism->prompt);
	else
		sasl_response(sasl, response, length == 1 && response[0] == '=' ? 0 : length);
}

bool
sasl_in_exchange(const struct sasl *sasl)
{
	return sasl->mechanism != NULL && sasl->request == 0;
}

void
sasl_response(struct sasl *sasl, const char *text, size_t length)
{
	sasl->mechanism->response(sasl, text, length);
}

void
sasl_cancel(struct sasl *sasl)
{
	if (sasl->channel != NULL)
		ipc_cancel(sasl->channel, sasl->request);
	sasl->channel = NULL;
	sasl->request = 0;
	forget(sasl);
}
