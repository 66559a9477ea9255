/* SPDX-License-Identifier: ISC */
/* Requests to sign. */
#include "certd/ask.h"
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

static struct ask
ask_of(struct gate *gate, uint32_t id, uint32_t key, uint16_t scheme,
       const struct gc_listener *listener)
{
	return (struct ask){
	    .channel = gate->channel,
	    .slots = &gate->slots,
	    .weak = gate->weak,
	    .rate = &gate->rate,
	    .audit = &gate->audit,
	    .signed_type = GC_SIGNED,
	    .refused_type = GC_REFUSED,
	    .id = id,
	    .key = key,
	    .scheme = scheme,
	    .listener = listener_of(gate, listener),
	};
}

static int
on_tls13_server(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gc_tls13_server *request = message->body;
	struct ask ask =
	    ask_of(context, message->id, request->key, request->scheme, &request->listener);
	struct composed composed;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!ask_accept(&ask))
		return 0;
	return ask_answer(&ask, compose_tls13_server(request, key_kind(ask.pair->key), &composed),
			  &composed, USE_TLS13);
}

static int
on_tls12_server(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gc_tls12_server *request = message->body;
	struct ask ask =
	    ask_of(context, message->id, request->key, request->scheme, &request->listener);
	struct composed composed;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!ask_accept(&ask))
		return 0;
	return ask_answer(&ask, compose_tls12_server(request, key_kind(ask.pair->key), &composed),
			  &composed, USE_TLS12);
}

const struct ipc_handler gate_handlers[] = {
    {GC_TLS13_SERVER, on_tls13_server},
    {GC_TLS12_SERVER, on_tls12_server},
    {0, NULL},
};
