/* SPDX-License-Identifier: ISC */
/* The channel to certd: certificates and ticket keys come down, signatures are asked for. */
#include <openssl/async.h>
#include <openssl/err.h>
#include <string.h>

#include "common/log.h"
#include "worker/gate/tls_internal.h"

/*
 * The handshake's own time-out ends a request that isn't answered; this one, later, only makes the
 * channel forget it.
 */
#define ANSWER_GRACE 5

static const char *
refusal_text(uint32_t reason)
{
	static const char *const texts[] = {
	    [GC_REFUSED_KEY] = "certd refused: no key of this gate",
	    [GC_REFUSED_SCHEME] = "certd refused: a signature scheme not for this key",
	    [GC_REFUSED_LENGTH] = "certd refused: a hash or a point of the wrong length",
	    [GC_REFUSED_CURVE] = "certd refused: the curve",
	    [GC_REFUSED_FAILED] = "certd failed to sign",
	    [GC_REFUSED_RATE] = "certd refused: too many requests of this gate",
	};

	if (reason == 0 || reason >= sizeof(texts) / sizeof(texts[0]))
		return "certd refused";
	return texts[reason];
}

static void
settle(struct waiting *waiting, enum waiting_state state, const char *why)
{
	struct tls *tls = waiting->tls;

	waiting->state = state;
	waiting->why = why;
	tls->wake(tls->wake_arg);
}

/* Without a message the channel has ended: the request is sent again on the next one. */
static int
on_answer(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct waiting *waiting = arg;

	(void)channel;
	waiting->id = 0;
	if (message == NULL)
		return 0;
	switch (message->type) {
	case GC_SIGNED:
		if (message->tail_length == 0 || message->tail_length > waiting->size)
			break;
		memcpy(waiting->signature, message->tail, message->tail_length);
		waiting->length = message->tail_length;
		settle(waiting, SIGNED, NULL);
		return 0;
	case GC_REFUSED:
		settle(waiting, REFUSED,
		       refusal_text(((const struct gc_refused *)message->body)->reason));
		return 0;
	default:
		break;
	}
	settle(waiting, REFUSED, "certd broke the protocol");
	return -1;
}

/* Sends it if it can be sent now; else it stays, for the next channel. */
static void
send_request(struct tls_context *context, struct waiting *waiting)
{
	struct sign_request *request = waiting->request;
	const void *body = &request->as.tls13;

	if (!context->channel_ready)
		return;
	if (request->type == GC_TLS13_SERVER) {
		request->as.tls13.key = waiting->key->handle;
		request->as.tls13.listener = waiting->tls->choice->listener;
	} else {
		request->as.tls12.key = waiting->key->handle;
		request->as.tls12.listener = waiting->tls->choice->listener;
		body = &request->as.tls12;
	}
	waiting->id = ipc_request(context->channel, request->type, body, NULL, 0, -1,
				  context->handshake_timeout + ANSWER_GRACE, on_answer, waiting);
}

int
tls_channel_sign(struct provider_signer *signer, struct sign_request *request, uint8_t *signature,
		 size_t size, size_t *length)
{
	struct certd_key *key = (struct certd_key *)(void *)signer;
	struct tls_context *context = key->context;
	struct waiting waiting = {.key = key, .request = request, .signature = signature};

	if (context == NULL || context->running == NULL || ASYNC_get_current_job() == NULL)
		return -1;
	waiting.size = size;
	waiting.tls = context->running;
	waiting.tls->waiting = &waiting;
	TAILQ_INSERT_TAIL(&context->waiting, &waiting, entry);
	if (key->gone) {
		waiting.state = REFUSED;
		waiting.why = "the certificate's key is gone";
	} else {
		send_request(context, &waiting);
	}
	while (waiting.state == WAITING) {
		if (ASYNC_pause_job() != 1) {
			tls_channel_give_up(&waiting, "OpenSSL can't pause");
			break;
		}
	}
	TAILQ_REMOVE(&context->waiting, &waiting, entry);
	waiting.tls->waiting = NULL;
	*length = waiting.length;
	if (waiting.state != SIGNED)
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "%s", waiting.why);
	return waiting.state == SIGNED ? 0 : -1;
}

void
tls_channel_give_up(struct waiting *waiting, const char *why)
{
	if (waiting->id != 0)
		ipc_cancel(waiting->tls->context->channel, waiting->id);
	waiting->id = 0;
	waiting->state = REFUSED;
	waiting->why = why;
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

/* All that waited for a channel. A wake may end any connection, so each turn begins anew. */
static void
send_waiting(struct tls_context *context)
{
	struct waiting *waiting, *next;

	TAILQ_FOREACH (waiting, &context->waiting, entry) {
		if (waiting->state == WAITING && waiting->id == 0 && !waiting->key->gone)
			send_request(context, waiting);
	}
	do {
		TAILQ_FOREACH_SAFE (waiting, &context->waiting, entry, next) {
			if (waiting->state == WAITING && waiting->key->gone) {
				settle(waiting, REFUSED, "the certificate's key is gone");
				break;
			}
		}
	} while (waiting != NULL);
}

static int
on_ready(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct tls_context *context = arg;
	void (*ready)(void *) = context->ready;

	(void)channel;
	(void)message;
	if (context->channel_ready)
		return -1;
	certificates_settle(context);
	context->channel_ready = true;
	send_waiting(context);
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
	context->channel = NULL;
	context->channel_ready = false;
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
	struct waiting *waiting;

	ipc_close(context->channel);
	context->channel_ready = false;
	TAILQ_FOREACH (waiting, &context->waiting, entry)
		waiting->id = 0;
	certificates_unsettle(context);
	if (!context->told_ready) {
		context->ready = ready;
		context->ready_arg = arg;
	}
	context->channel = ipc_open(context->base, fd, &gate_certd_boundary, IPC_CLIENT, handlers,
				    on_ended, context, peer);
	return context->channel == NULL ? -1 : 0;
}
