/* SPDX-License-Identifier: ISC */
/*
 * SASL SCRAM (RFC 5802): GA_SCRAM, GA_RESPONSE, GA_FORGET. The exchange is found again by the
 * gate's channel and the connection. An account that does not exist, or has no verifier, goes
 * through the same steps with one that is made up, and fails where a wrong password does.
 *
 * The guess is the client's final message: it waits for the throttle, and counts.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/saslprep.h"
#include "worker/accounts/login.h"
#include "worker/accounts/scram_exchange.h"

#define CLIENT_TIME 60      /* seconds for the client to go on */
#define CHALLENGED_MAX 1024 /* exchanges whose client is to go on; about 6 kB each */

static const char *const names[SCRAM_HASH_COUNT][2] = {
    [SCRAM_SHA_256] = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"},
    [SCRAM_SHA_1] = {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
};
static const enum login_way mechanisms[SCRAM_HASH_COUNT][2] = {
    [SCRAM_SHA_256] = {LOGIN_BY_SCRAM_SHA_256, LOGIN_BY_SCRAM_SHA_256_PLUS},
    [SCRAM_SHA_1] = {LOGIN_BY_SCRAM_SHA_1, LOGIN_BY_SCRAM_SHA_1_PLUS},
};

void
scram_free(struct login *login)
{
	if (login->scram == NULL)
		return;
	if (login->scram->timer != NULL)
		event_free(login->scram->timer);
	freezero(login->scram, sizeof(*login->scram));
	login->scram = NULL;
}

/*
 * -- Waiting for the client -------------------------------------------------------
 */

/* Nobody waits for an answer: the client has the word. */
static void
end_silently(struct login *login)
{
	login->gate = NULL;
	login_refused(login, "the client did not go on");
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_silently(arg);
}

static struct login *
find(const struct accounts_service *service, const struct ipc_channel *gate, conn_id conn)
{
	struct login *login;

	TAILQ_FOREACH (login, &service->logins, entry) {
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
		if (login->state == LOGIN_CHALLENGED && login->gate == gate && login->conn == conn)
			return login;
	}
	return NULL;
}

/* Where there are too many, the oldest has waited longer than any client needs. */
static void
make_room(struct accounts_service *service)
{
	struct login *login;

	if (service->challenged < CHALLENGED_MAX)
		return;
	TAILQ_FOREACH (login, &service->logins, entry) {
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
		if (login->state == LOGIN_CHALLENGED)
			break;
	}
	if (login != NULL)
		end_silently(login);
}

static void
challenge(struct login *login, const char *text, size_t length)
{
	const struct timeval time = {.tv_sec = CLIENT_TIME};
	struct ipc_channel *gate = login->gate;
	uint32_t id = login->id;

	make_room(login->service);
	login_set_state(login, LOGIN_CHALLENGED);
	if (login->scram->timer == NULL)
		login->scram->timer = evtimer_new(login->service->child->base, on_time, login);
	if (login->scram->timer == NULL || evtimer_add(login->scram->timer, &time) == -1)
		login_unavailable(login, "no memory");
	else
		(void)ipc_send(gate, GA_CHALLENGE, id, NULL, text, length, -1);
}

/*
 * -- The client's final message ---------------------------------------------------
 */

/* What the account is now: the file may have changed meanwhile. Returns why not, or NULL. */
static const char *
judge(const struct login *login)
{
	const struct scram_exchange *exchange = login->scram;
	char canonical[ADDRESS_SIZE];
	const struct account *account =
	    resolve_login(login->service->resolver, login->user, canonical);
	bool right = scram_exchange_is_right(exchange);

	if (account == NULL)
		return "no such account";
	if (account->scram[exchange->hash] == NULL)
		return "the account has no verifier of this mechanism";
	if (exchange->wrong != NULL)
		return exchange->wrong;
	if (!right || strcmp(account->scram[exchange->hash], exchange->kept) != 0)
		return "wrong password";
	if (!account->enabled)
		return "the account is disabled";
	return NULL;
}

static void
decide(struct login *login)
{
	char answer[SCRAM_SERVER_FINAL_SIZE];
	const char *why = judge(login);

	login_tried(login, why == NULL ? THROTTLE_RIGHT : THROTTLE_WRONG);
	if (why != NULL) {
		login_failed(login, why);
		return;
	}
	login->scram->proved = true;
	challenge(login, answer, scram_exchange_answer(login->scram, answer));
}

/* The client has seen that we have its verifier, and says so with nothing. */
static void
finish(struct login *login)
{
	const char *why = judge(login);

	if (why != NULL)
		login_failed(login, why);
	else
		login_accept(login);
}

int
scram_handle_response(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ga_exchange *exchange = message->body;
	const struct gate_channel *from = context;
	struct login *login = find(from->service, channel, exchange->conn);

	if (message->id == 0)
		return -1;
	if (login == NULL) {
		struct ga_login_failed failed = {.verdict = LOGIN_UNAVAILABLE};

		/* Its time may just be over. */
		(void)ipc_send(channel, GA_LOGIN_FAILED, message->id, &failed, NULL, 0, -1);
		return 0;
	}
	login->id = message->id;
	(void)evtimer_del(login->scram->timer);
	login_set_state(login, LOGIN_NEW);
	if (login->scram->proved && message->tail_length == 0)
		finish(login);
	else if (login->scram->proved ||
		 scram_exchange_final(login->scram, message->tail, message->tail_length) == -1)
		login_malformed(login);
	else
		login_slow(login, decide);
	return 0;
}

/* The client has cancelled, or is gone. One whose guess is under way is counted all the same. */
int
scram_handle_forget(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ga_exchange *exchange = message->body;
	const struct gate_channel *from = context;
	struct login *login = find(from->service, channel, exchange->conn);

	if (login != NULL)
		end_silently(login);
	return 0;
}

/*
 * -- The client's first message ---------------------------------------------------
 */

static bool
is_valid(const struct ga_scram *request)
{
	if (request->service >= SERVICE_COUNT || request->service == SERVICE_SMTP ||
	    request->tls > 1 || request->plus > 1 || request->hash >= SCRAM_HASH_COUNT)
		return false;
	for (size_t i = 0; i < BINDING_TYPES; i++) {
		const struct ga_binding *binding = &request->binding[i];

		if (binding->length > BINDING_MAX || (binding->length > 0 && request->tls == 0))
			return false;
	}
	return true;
}

/* Names are prepared as passwords are; one that can't be is nobody's. */
static void
resolve_user(struct login *login, const struct scram_client_first *first)
{
	char prepared[ADDRESS_SIZE];

	if (saslprep(first->user, prepared, sizeof(prepared)) == -1)
		strlcpy(prepared, first->user, sizeof(prepared));
	(void)resolve_login(login->service->resolver, prepared, login->user);
}

static void
begin(struct login *login, const struct ga_scram *request, const struct scram_client_first *first)
{
	const struct accounts_service *service = login->service;
	char authorized[ADDRESS_SIZE], canonical[ADDRESS_SIZE];
	const struct account *account, *stand_in;
	const char *why = scram_exchange_bind(login->scram, first, request->binding);

	if (first->authorization[0] != '\0' && why == NULL) {
		(void)resolve_login(service->resolver, first->authorization, authorized);
		if (strcmp(authorized, login->user) != 0)
			why = "may not act for another account";
	}
	if (why != NULL) {
		login_refused(login, why);
		return;
	}
	account = resolve_login(service->resolver, login->user, canonical);
	stand_in = login_stand_in(login);
	scram_exchange_begin(login->scram, first,
			     account != NULL ? account->scram[request->hash] : NULL,
			     stand_in != NULL ? stand_in->scram[request->hash] : NULL, login->user,
			     service->scram_secret);
	challenge(login, login->scram->server_first, login->scram->server_first_length);
}

int
scram_handle(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ga_scram *request = message->body;
	const struct gate_channel *from = context;
	struct accounts_service *service = from->service;
	struct login *login;
	struct scram_client_first first;

	if (message->id == 0 || !is_valid(request))
		return -1;
	login = find(service, channel, request->conn);
	if (login != NULL)
		end_silently(login);
	login = login_new(service, channel, message->id);
	if (login == NULL)
		return 0;
	login->conn = request->conn;
	login->peer = request->peer;
	login->service_number = request->service;
	login->by = names[request->hash][request->plus];
	login->mechanism = mechanisms[request->hash][request->plus];
	login->scram = calloc(1, sizeof(*login->scram));
	if (login->scram == NULL || service->accounts == NULL) {
		login_unavailable(login, login->scram == NULL
					     ? "no memory"
					     : "no good accounts.conf has been read yet");
		return 0;
	}
	login->scram->hash = (enum scram_hash)request->hash;
	login->scram->plus = request->plus == 1;
	if (scram_client_first_parse(message->tail, message->tail_length, &first) == -1) {
		login_malformed(login);
		return 0;
	}
	resolve_user(login, &first);
	begin(login, request, &first);
	return 0;
}
