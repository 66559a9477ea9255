/* SPDX-License-Identifier: ISC */
/* The channel to certd: certificates and ticket keys come down, signatures are asked for. */
#include <string.h>

#include "common/log.h"
#include "worker/gate/tls_internal.h"

/*
 * The handshake's own time-out ends a request that isn't answered; this one, later, only makes the
 * channel forget it.
 */
#define ANSWER_GRACE 5

uint32_t
tls_channel_ask(struct tls_keys *keys, struct waiting *waiting)
{
	const struct tls_context *context = (struct tls_context *)(void *)keys;
	const struct tls *tls = (struct tls *)(void *)waiting->signing;
	struct sign_request *request = waiting->request;
	const void *body = &request->as.tls13;

	if (request->type == GC_TLS13_SERVER) {
		request->as.tls13.key = waiting->key->handle;
		request->as.tls13.listener = tls->choice->listener;
	} else {
		request->as.tls12.key = waiting->key->handle;
		request->as.tls12.listener = tls->choice->listener;
		body = &request->as.tls12;
	}
	return ipc_request(keys->channel, request->type, body, NULL, 0, -1,
			   context->handshake_timeout + ANSWER_GRACE, tls_keys_answered, waiting);
}

static int
on_certificate(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	(void)channel;
	return certificate_take(arg, message);
}

static int
on_gone(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	(void)channel;
	return certificate_take_away(arg, message);
}

static bool
has_ticket_key(const struct gc_ticket_keys *keys, const uint8_t name[16])
{
	for (uint32_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->key[i].name, name, sizeof(keys->key[i].name)) == 0)
			return true;
	}
	return false;
}

/*
 * A certd that was started again knows only its new key. The earlier ones go on decrypting here
 * until as many new ones have come, so that its restart costs no client a full handshake.
 */
static void
take_ticket_keys(struct gc_ticket_keys *old, const struct gc_ticket_keys *sent)
{
	struct gc_ticket_keys merged = *sent;

	for (uint32_t i = 0; i < old->count && merged.count < TICKET_KEYS; i++) {
		if (!has_ticket_key(&merged, old->key[i].name))
			merged.key[merged.count++] = old->key[i];
	}
	*old = merged;
	explicit_bzero(&merged, sizeof(merged));
}

static int
on_ticket_keys(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct tls_context *context = arg;
	const struct gc_ticket_keys *keys = message->body;

	(void)channel;
	if (keys->count == 0 || keys->count > TICKET_KEYS)
		return -1;
	take_ticket_keys(&context->ticket_keys, keys);
	return 0;
}

static int
on_ready(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct tls_context *context = arg;
	void (*ready)(void *) = context->ready;

	(void)channel;
	(void)message;
	if (context->keys.ready)
		return -1;
	certificates_settle(context);
	tls_keys_settle(&context->keys);
	context->ready = NULL;
	context->told_ready = true;
	if (ready != NULL)
		ready(context->ready_arg);
	return 0;
}

static void
on_ended(struct ipc_channel *channel, void *arg)
{
	struct tls_context *context = arg;

	(void)channel;
	context->keys.channel = NULL;
	context->keys.ready = false;
	log_event(LOG_WARNING, "certd.gone", KV_STR("peer", ipc_peer(channel)),
		  KV_STR("then", "new handshakes wait for its successor"));
}

static const struct ipc_handler handlers[] = {
    {GC_CERTIFICATE, on_certificate},
    {GC_GONE, on_gone},
    {GC_TICKET_KEYS, on_ticket_keys},
    {GC_READY, on_ready},
    {0, NULL},
};

int
tls_context_set_channel(struct tls_context *context, int fd, const char *peer,
			void (*ready)(void *), void *arg)
{
	ipc_close(context->keys.channel);
	tls_keys_unsettle(&context->keys);
	certificates_unsettle(context);
	if (!context->told_ready) {
		context->ready = ready;
		context->ready_arg = arg;
	}
	context->keys.channel = ipc_open(context->base, fd, &gate_certd_boundary, IPC_CLIENT,
					 handlers, on_ended, context, peer);
	return context->keys.channel == NULL ? -1 : 0;
}
