/* SPDX-License-Identifier: ISC */
/*
 * What SASL needs of the connection (conn.h): for EXTERNAL (RFC 4422 appendix A) the client's
 * certificate, for SCRAM (RFC 5802) the channel binding.
 */
#include <string.h>

#include "common/proto/gate_accounts.h"
#include "worker/gate/conn_private.h"

#define PROOFS_WAITING 64 /* in the channel to accounts, 60 kB each at most */

bool
conn_may_password(const struct conn *c)
{
	return conn_may_login(c) && c->listener->settings.clients != CLIENT_REQUIRE;
}

bool
conn_may_external(const struct conn *c)
{
	size_t length;

	return c->tls != NULL && tls_proof(c->tls, &length) != NULL;
}

void
conn_forget_certificate(struct conn *c)
{
	if (c->tls != NULL)
		tls_record_free(c->tls);
}

uint32_t
conn_ask_external(struct conn *c, const char *authorization, unsigned timeout, ipc_reply_fn *reply,
		  void *arg)
{
	struct ga_external request;
	const uint8_t *proof;
	uint32_t id = 0;
	size_t length;

	if (!conn_may_external(c))
		return 0;
	memset(&request, 0, sizeof(request)); /* its padding too */
	request.conn = c->id;
	request.peer = c->peer;
	request.service = c->listener->settings.service;
	request.trust = c->listener->settings.trust;
	strlcpy(request.authorization, authorization, sizeof(request.authorization));
	proof = tls_proof(c->tls, &length);
	if (c->gate->accounts != NULL && ipc_queued(c->gate->accounts) <= PROOFS_WAITING)
		id = ipc_request(c->gate->accounts, GA_EXTERNAL, &request, (const char *)proof,
				 length, -1, timeout, reply, arg);
	if (id != 0)
		tls_record_free(c->tls); /* it counts once */
	return id;
}

uint32_t
conn_scram_offer(const struct conn *c)
{
	return c->gate->scram_offer;
}

bool
conn_bindings(const struct conn *c, struct ga_binding binding[BINDING_TYPES])
{
	if (c->tls == NULL) {
		memset(binding, 0, BINDING_TYPES * sizeof(binding[0]));
		return false;
	}
	return tls_bindings(c->tls, binding);
}
