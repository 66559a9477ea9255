/* SPDX-License-Identifier: ISC */
#include "worker/gate/sasl_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base64.h"
#include "common/sasl_external.h"
#include "common/sasl_plain.h"

/* "Username:" and "Password:", which is what clients of LOGIN wait for. */
#define PROMPT_USER "VXNlcm5hbWU6"
#define PROMPT_PASSWORD "UGFzc3dvcmQ6"

static void
forget(struct sasl *sasl)
{
	freezero(sasl->user, sasl->user_length);
	sasl->user = NULL;
	sasl->user_length = 0;
	sasl->mechanism = NULL;
	sasl->carried = false;
}

void
sasl_tell(struct sasl *sasl, enum sasl_event event, const char *text)
{
	if (event != SASL_CHALLENGE)
		forget(sasl);
	sasl->event(sasl->conn, event, text, NULL);
}

static void
tell_and_resume(struct sasl *sasl, enum sasl_event event, const char *text)
{
	struct conn *c = sasl->conn;

	sasl_tell(sasl, event, text);
	conn_resume(c);
}

/* -- Asking accounts -------------------------------------------------------------------- */

static int
on_failed(struct sasl *sasl, const struct ga_login_failed *failed)
{
	switch (failed->verdict) {
	case LOGIN_FAILED:
		tell_and_resume(sasl, SASL_WRONG, "");
		return 0;
	case LOGIN_UNAVAILABLE:
		tell_and_resume(sasl, SASL_UNAVAILABLE, "");
		return 0;
	case LOGIN_MALFORMED:
		tell_and_resume(sasl, SASL_MALFORMED, "SCRAM message (RFC 5802)");
		return 0;
	default:
		tell_and_resume(sasl, SASL_UNAVAILABLE, "");
		return -1;
	}
}

static int
on_verdict(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct sasl *sasl = arg;

	(void)channel;
	sasl->channel = NULL;
	sasl->request = 0;
	if (message != NULL && message->type == GA_LOGGED_IN) {
		forget(sasl);
		sasl->event(sasl->conn, SASL_LOGGED_IN, "", message);
		return 0;
	}
	if (message != NULL && message->type == GA_LOGIN_FAILED)
		return on_failed(sasl, message->body);
	if (message != NULL && message->type == GA_CHALLENGE && sasl->carried) {
		char text[BASE64_ENCODED(CHALLENGE_MAX) + 1];

		base64_encode(message->tail, message->tail_length, text);
		tell_and_resume(sasl, SASL_CHALLENGE, text);
		return 0;
	}
	tell_and_resume(sasl, SASL_UNAVAILABLE, "");
	return message == NULL ? 0 : -1;
}

static void
await(struct sasl *sasl)
{
	if (sasl->request != 0)
		return;
	sasl->channel = NULL;
	tell_and_resume(sasl, SASL_UNAVAILABLE, "");
}

void
sasl_ask(struct sasl *sasl, uint16_t type, const void *body, const void *tail, size_t length)
{
	conn_pause(sasl->conn);
	sasl->channel = conn_accounts(sasl->conn);
	sasl->request = 0;
	if (sasl->channel != NULL && ipc_queued(sasl->channel) <= LOGINS_WAITING)
		sasl->request = ipc_request(sasl->channel, type, body, tail, length, -1,
					    LOGIN_TIMEOUT, on_verdict, sasl);
	await(sasl);
}

/* MESSAGE is wiped. BY_LOGIN: the mechanism of that name. */
static void
ask(struct sasl *sasl, char message[LOGIN_TAIL_MAX], size_t length, bool by_login)
{
	struct conn *c = sasl->conn;
	struct ga_login request;

	memset(&request, 0, sizeof(request)); /* its padding too */
	request.conn = conn_identity(c);
	request.peer = *conn_peer(c);
	request.service = conn_listener(c)->settings.service;
	request.tls = conn_is_secure(c) ? 1 : 0;
	request.login = by_login ? 1 : 0;
	sasl_ask(sasl, GA_LOGIN, &request, message, length);
	explicit_bzero(message, LOGIN_TAIL_MAX);
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
		sasl_tell(sasl, SASL_MALFORMED, "user name and password");
	else
		ask(sasl, message, length, false);
}

/* -- The mechanisms ----------------------------------------------------------------------- */

static void
plain_response(struct sasl *sasl, const char *text, size_t text_length)
{
	char message[LOGIN_TAIL_MAX];
	size_t length;

	if (sasl_plain_decode(text, text_length, message, &length) == -1)
		sasl_tell(sasl, SASL_MALFORMED, "PLAIN response (RFC 4616)");
	else
		ask(sasl, message, length, false);
}

static void
login_user(struct sasl *sasl, const char *text, size_t length)
{
	char user[ADDRESS_SIZE];
	size_t n;

	if (base64_decode(text, length, user, sizeof(user) - 1, &n) == -1 || n == 0 ||
	    memchr(user, '\0', n) != NULL) {
		sasl_tell(sasl, SASL_MALFORMED, "user name in base64");
		return;
	}
	sasl->user = malloc(n);
	if (sasl->user == NULL) {
		sasl_tell(sasl, SASL_UNAVAILABLE, "");
		return;
	}
	memcpy(sasl->user, user, n);
	sasl->user_length = n;
	sasl_tell(sasl, SASL_CHALLENGE, PROMPT_PASSWORD);
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
		sasl_tell(sasl, SASL_MALFORMED, "password in base64");
	else
		ask(sasl, message, length, true);
}

static void
external_response(struct sasl *sasl, const char *text, size_t length)
{
	char authorization[ADDRESS_SIZE];

	if (sasl_external_decode(text, length, authorization) == -1) {
		sasl_tell(sasl, SASL_MALFORMED, "EXTERNAL response (RFC 4422)");
		return;
	}
	conn_pause(sasl->conn);
	sasl->channel = conn_accounts(sasl->conn);
	sasl->request =
	    conn_ask_external(sasl->conn, authorization, LOGIN_TIMEOUT, on_verdict, sasl);
	await(sasl);
}

static bool
external_offered(const struct conn *c, const struct sasl_mechanism *mechanism)
{
	(void)mechanism;
	return conn_may_external(c);
}

static bool
password_offered(const struct conn *c, const struct sasl_mechanism *mechanism)
{
	(void)mechanism;
	return conn_may_password(c);
}

/* The best first: there are clients that take the first that they know. */
static const struct sasl_mechanism mechanisms[] = {
    {"EXTERNAL", external_offered, external_response, "", 0, false},
    {"SCRAM-SHA-256-PLUS", sasl_scram_offered, sasl_scram_response, "", SCRAM_SHA_256, true},
    {"SCRAM-SHA-256", sasl_scram_offered, sasl_scram_response, "", SCRAM_SHA_256, false},
    {"SCRAM-SHA-1-PLUS", sasl_scram_offered, sasl_scram_response, "", SCRAM_SHA_1, true},
    {"SCRAM-SHA-1", sasl_scram_offered, sasl_scram_response, "", SCRAM_SHA_1, false},
    {"PLAIN", password_offered, plain_response, "", 0, false},
    {"LOGIN", password_offered, login_response, PROMPT_USER, 0, false},
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

void
sasl_list(const struct conn *c, const char *prefix, char out[SASL_LIST_SIZE])
{
	out[0] = '\0';
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!mechanisms[i].offered(c, &mechanisms[i]))
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
		    strncasecmp(mechanisms[i].name, name, length) == 0 &&
		    mechanisms[i].offered(c, &mechanisms[i]))
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
		sasl_tell(sasl, SASL_CHALLENGE, mechanism->prompt);
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
	sasl_scram_forget(sasl);
	forget(sasl);
}
