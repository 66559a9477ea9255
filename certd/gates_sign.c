/* SPDX-License-Identifier: ISC */
/* Requests to sign: which key, how often, and what is refused. */
#include <string.h>

#include "certd/compose.h"
#include "certd/gates_internal.h"

/* One of the channel's own, or NULL. */
static const struct gc_listener *
listener_of(const struct gate *gate, const struct gc_listener *said)
{
	for (size_t i = 0; i < gate->listener_count; i++) {
		if (gate->listeners[i].service == said->service &&
		    gate->listeners[i].port == said->port)
			return &gate->listeners[i];
	}
	return NULL;
}

/* A request to sign, as far as both kinds are alike. */
struct ask {
	struct gate *gate;
	uint32_t id;
	uint32_t key;
	uint16_t scheme;
	const struct gc_listener *listener; /* of the channel, or NULL */
	struct slot *slot;                  /* NULL: no key of the channel's */
	struct pair *pair;
};

static int
refuse(const struct ask *ask, int reason, const char *why)
{
	const struct gc_refused refused = {.reason = (uint32_t)reason};
	struct gate *gate = ask->gate;
	const struct audit_refusal refusal = {
	    .peer = ipc_peer(gate->channel),
	    .key = ask->slot == NULL ? NULL : ask->slot->name,
	    .listener = ask->listener,
	    .scheme = ask->scheme,
	    .reason = reason,
	    .why = why,
	};

	audit_refused(&gate->audit, ask->slot == NULL ? NULL : &ask->slot->uses, &refusal);
	(void)ipc_send(gate->channel, GC_REFUSED, ask->id, &refused, NULL, 0, -1);
	return 0;
}

static int
sign(const struct ask *ask, const struct composed *composed, enum use_kind kind)
{
	const struct ipc_empty empty = {{0}};
	uint8_t signature[SIGNATURE_MAX];
	struct error err;
	size_t length;

	if (key_sign(ask->pair->key, composed, signature, &length, &err) == -1)
		return refuse(ask, GC_REFUSED_FAILED, err.text);
	uses_count(&ask->slot->uses, ask->listener, kind);
	(void)ipc_send(ask->gate->channel, GC_SIGNED, ask->id, &empty, (const char *)signature,
		       length, -1);
	return 0;
}

/* Finds the key. False: refused. */
static bool
accept_ask(struct ask *ask)
{
	ask->slot = slots_find(&ask->gate->slots, ask->key, ask->gate->weak, &ask->pair);
	if (!rate_take(&ask->gate->rate, rate_clock()))
		refuse(ask, GC_REFUSED_RATE, NULL);
	else if (ask->slot == NULL)
		refuse(ask, GC_REFUSED_KEY, NULL);
	else
		return true;
	return false;
}

static int
on_tls13_server(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gc_tls13_server *request = message->body;
	struct ask ask = {.gate = context,
			  .id = message->id,
			  .key = request->key,
			  .scheme = request->scheme,
			  .listener = listener_of(context, &request->listener)};
	struct composed composed;
	int reason;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!accept_ask(&ask))
		return 0;
	reason = compose_tls13_server(request, key_kind(ask.pair->key), &composed);
	return reason != 0 ? refuse(&ask, reason, NULL) : sign(&ask, &composed, USE_TLS13);
}

static int
on_tls12_server(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gc_tls12_server *request = message->body;
	struct ask ask = {.gate = context,
			  .id = message->id,
			  .key = request->key,
			  .scheme = request->scheme,
			  .listener = listener_of(context, &request->listener)};
	struct composed composed;
	int reason;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!accept_ask(&ask))
		return 0;
	reason = compose_tls12_server(request, key_kind(ask.pair->key), &composed);
	return reason != 0 ? refuse(&ask, reason, NULL) : sign(&ask, &composed, USE_TLS12);
}

const struct ipc_handler gate_handlers[] = {
    {GC_TLS13_SERVER, on_tls13_server},
    {GC_TLS12_SERVER, on_tls12_server},
    {0, NULL},
};
