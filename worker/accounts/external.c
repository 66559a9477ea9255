/* SPDX-License-Identifier: ISC */
/*
 * GA_EXTERNAL: SASL EXTERNAL (RFC 4422 appendix A), by a client's certificate.
 *
 * A gate brings the handshake in which the client has signed, and can't make one up: the verifier
 * looks at it, and says whose certificate it was. Whose account that is, is decided here:
 *
 * - that of a client_fingerprint or client_subject in accounts.conf, and
 * - that of each rfc822Name in the certificate.
 *
 * An authorization identity has to be one of these; without one there has to be exactly one.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/proto/accounts_verify.h"
#include "worker/accounts/login.h"

/* What AV_VERIFIED says; points into the message. */
struct identity {
	const uint8_t *fingerprint;
	const char *subject; /* "": none that could be listed */
	const char *names[IDENTITY_NAMES_MAX];
	size_t name_count;
};

/* The accounts that a certificate is for, each once. */
struct candidates {
	const struct account *account[IDENTITY_NAMES_MAX + 2];
	size_t count;
};

/* -1: the verifier broke the protocol. */
static int
parse_identity(const struct ipc_message *message, struct identity *identity)
{
	const struct av_verified *verified = message->body;
	const char *at = message->tail, *end = at + message->tail_length;

	if (verified->names > IDENTITY_NAMES_MAX || verified->zero != 0 || at == end ||
	    end[-1] != '\0')
		return -1;
	*identity = (struct identity){.fingerprint = verified->fingerprint, .subject = at};
	at += strlen(at) + 1;
	while (at < end && identity->name_count < verified->names) {
		identity->names[identity->name_count++] = at;
		at += strlen(at) + 1;
	}
	return at == end && identity->name_count == verified->names ? 0 : -1;
}

static bool
is_candidate(const struct candidates *candidates, const struct account *account)
{
	for (size_t i = 0; i < candidates->count; i++) {
		if (candidates->account[i] == account)
			return true;
	}
	return false;
}

/* By its address, so that one in a domain that is not ours is nobody's. */
static void
add_candidate(const struct login *login, const char *address, struct candidates *candidates)
{
	char canonical[ADDRESS_SIZE];
	const struct account *account = resolve_login(login->service->resolver, address, canonical);

	if (account != NULL && !is_candidate(candidates, account))
		candidates->account[candidates->count++] = account;
}

static void
find_candidates(const struct login *login, const struct identity *identity,
		struct candidates *candidates)
{
	const struct accounts *accounts = login->service->accounts;
	const struct account *listed[] = {
	    accounts_find_fingerprint(accounts, identity->fingerprint),
	    accounts_find_subject(accounts, identity->subject),
	};

	candidates->count = 0;
	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
		if (listed[i] != NULL)
			add_candidate(login, listed[i]->address, candidates);
	}
	for (size_t i = 0; i < identity->name_count; i++) {
		/* Without a domain it would be read as a name at the default one. */
		if (strchr(identity->names[i], '@') != NULL)
			add_candidate(login, identity->names[i], candidates);
	}
}

/* Sets *ACCOUNT, or returns why not. */
static const char *
choose(const struct login *login, const struct identity *identity, const struct account **account)
{
	char canonical[ADDRESS_SIZE];
	struct candidates candidates;

	find_candidates(login, identity, &candidates);
	if (candidates.count == 0)
		return "the certificate is for no account here";
	if (login->authorization[0] != '\0') {
		*account = resolve_login(login->service->resolver, login->authorization, canonical);
		if (*account == NULL || !is_candidate(&candidates, *account))
			return "the certificate is not for that account";
	} else {
		*account = candidates.account[0];
		if (candidates.count > 1)
			return "the certificate is for several accounts, and the client named none";
	}
	return (*account)->enabled ? NULL : "the account is disabled";
}

static void
decide(struct login *login, const struct identity *identity)
{
	const struct account *account = NULL;
	const char *why = choose(login, identity, &account);

	/* For the log: who it seems to be, as long as it is nobody. */
	if (account != NULL)
		strlcpy(login->user, account->address, sizeof(login->user));
	else if (login->user[0] == '\0')
		strlcpy(login->user,
			identity->name_count > 0 ? identity->names[0] : identity->subject,
			sizeof(login->user));
	if (why != NULL)
		login_failed(login, why);
	else
		login_accept(login);
}

static int
on_verified(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct login *login = arg;
	struct identity identity;

	(void)channel;
	login->verify = 0;
	if (message == NULL) {
		login_unavailable(login, "the verifier did not answer");
		return 0;
	}
	if (message->type == AV_REFUSED) {
		const struct av_refused *refused = message->body;

		if (refused->later > 1 || refused->zero != 0) {
			login_unavailable(login, "the verifier's answer was none");
			return -1;
		}
		if (refused->later == 1)
			login_unavailable(login, message->tail);
		else
			login_failed(login, message->tail);
		return 0;
	}
	if (message->type != AV_VERIFIED || parse_identity(message, &identity) == -1) {
		login_unavailable(login, "the verifier's answer was none");
		return -1;
	}
	if (login->service->accounts == NULL)
		login_unavailable(login, "no good accounts.conf has been read yet");
	else
		decide(login, &identity);
	return 0;
}

void
external_cancel(struct login *login)
{
	/* A verifier that is gone has answered already: with nothing. */
	if (login->verify != 0)
		ipc_cancel(login->verifier, login->verify);
	login->verify = 0;
}

static bool
is_valid(const struct ga_external *request, const struct gate_channel *from)
{
	return request->service < SERVICE_COUNT && request->service != SERVICE_SMTP &&
	       memchr(request->authorization, '\0', sizeof(request->authorization)) != NULL &&
	       memcmp(request->zero, "\0\0\0", sizeof(request->zero)) == 0 &&
	       clients_allowed(from, request->trust);
}

int
external_handle(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ga_external *request = message->body;
	struct gate_channel *from = context;
	struct accounts_service *service = from->service;
	struct login *login;

	if (message->id == 0 || message->tail_length == 0 || !is_valid(request, from))
		return -1;
	login = login_new(service, channel, message->id);
	if (login == NULL)
		return 0;
	login->conn = request->conn;
	login->peer = request->peer;
	login->service_number = request->service;
	login->by = "certificate";
	login->mechanism = LOGIN_BY_EXTERNAL;
	login->from = from;
	strlcpy(login->authorization, request->authorization, sizeof(login->authorization));
	if (login->authorization[0] != '\0')
		(void)resolve_login(service->resolver, login->authorization, login->user);
	login_set_state(login, LOGIN_VERIFYING);
	login->verifier = service->verify;
	login->verify = clients_verify(from, request->trust, message->tail, message->tail_length,
				       on_verified, login);
	if (login->verify == 0)
		login_unavailable(login, "the verifier of clients' certificates can't be asked");
	return 0;
}
