/* SPDX-License-Identifier: ISC */
/*
 * SCRAM (RFC 5802) as the gate sees it: messages that are carried to accounts and back, and what
 * the TLS connection can be bound with. Nothing in them is looked at here.
 */
#include <string.h>

#include "common/base64.h"
#include "worker/gate/sasl_internal.h"

bool
sasl_scram_offered(const struct conn *c, const struct sasl_mechanism *mechanism)
{
	struct ga_binding binding[BINDING_TYPES];

	if (!conn_may_password(c) || (conn_scram_offer(c) & 1u << mechanism->hash) == 0)
		return false;
	return !mechanism->plus || conn_bindings(c, binding);
}

static void
begin(struct sasl *sasl, const char *message, size_t length)
{
	struct conn *c = sasl->conn;
	struct ga_scram request;

	memset(&request, 0, sizeof(request));
	request.conn = conn_identity(c);
	request.peer = *conn_peer(c);
	request.service = conn_listener(c)->settings.service;
	request.tls = conn_is_secure(c) ? 1 : 0;
	request.hash = sasl->mechanism->hash;
	request.plus = sasl->mechanism->plus ? 1 : 0;
	(void)conn_bindings(c, request.binding);
	sasl->carried = true;
	sasl_ask(sasl, GA_SCRAM, &request, message, length);
	explicit_bzero(&request, sizeof(request));
}

void
sasl_scram_response(struct sasl *sasl, const char *text, size_t length)
{
	char message[SCRAM_MESSAGE_MAX];
	size_t decoded = 0;

	if (base64_decode(text, length, message, sizeof(message), &decoded) == -1) {
		sasl_scram_forget(sasl);
		sasl_tell(sasl, SASL_MALFORMED, "SCRAM message in base64");
	} else if (sasl->carried) {
		const struct ga_exchange exchange = {.conn = conn_identity(sasl->conn)};

		sasl_ask(sasl, GA_RESPONSE, &exchange, message, decoded);
	} else {
		begin(sasl, message, decoded);
	}
	explicit_bzero(message, sizeof(message));
}

void
sasl_scram_forget(struct sasl *sasl)
{
	struct ipc_channel *accounts;

	if (!sasl->carried)
		return;
	sasl->carried = false;
	accounts = conn_accounts(sasl->conn);
	if (accounts != NULL && ipc_queued(accounts) <= LOGINS_WAITING) {
		const struct ga_exchange exchange = {.conn = conn_identity(sasl->conn)};

		(void)ipc_send(accounts, GA_FORGET, 0, &exchange, NULL, 0, -1);
	}
}
