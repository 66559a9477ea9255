/* SPDX-License-Identifier: ISC */
#include "worker/tls/key.h"

#include <event2/event.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* -- Keys -------------------------------------------------------------------------------------- */

static int sign(struct provider_signer *, struct sign_request *, uint8_t *signature, size_t size,
		size_t *length);

static void
hold(struct provider_signer *signer)
{
	((struct certd_key *)(void *)signer)->references++;
}

static void
release(struct provider_signer *signer)
{
	certd_key_release((struct certd_key *)(void *)signer);
}

struct certd_key *
certd_key_new(struct tls_keys *keys)
{
	struct certd_key *key = calloc(1, sizeof(*key));

	if (key != NULL) {
		key->signer = (struct provider_signer){keys->parse, sign, hold, release};
		key->references = 1;
		key->keys = keys;
	}
	return key;
}

struct certd_key *
certd_key_hold(struct certd_key *key)
{
	key->references++;
	return key;
}

void
certd_key_release(struct certd_key *key)
{
	if (key != NULL && --key->references == 0)
		free(key);
}

/* -- Signatures -------------------------------------------------------------------------------- */

static const char *
refusal_text(uint32_t reason)
{
	static const char *const texts[] = {
	    [GC_REFUSED_KEY] = "certd refused: no key of this channel",
	    [GC_REFUSED_SCHEME] = "certd refused: a signature scheme not for this key",
	    [GC_REFUSED_LENGTH] = "certd refused: a hash or a point of the wrong length",
	    [GC_REFUSED_CURVE] = "certd refused: the curve",
	    [GC_REFUSED_FAILED] = "certd failed to sign",
	    [GC_REFUSED_RATE] = "certd refused: too many requests",
	    [GC_REFUSED_TRANSCRIPT] = "certd refused: no handshake with this certificate",
	};

	if (reason == 0 || reason >= sizeof(texts) / sizeof(texts[0]))
		return "certd refused";
	return texts[reason];
}

static void
settle(struct waiting *waiting, enum waiting_state state, const char *why)
{
	struct tls_signing *signing = waiting->signing;

	waiting->state = state;
	waiting->why = why;
	signing->wake(signing->wake_arg);
}

/* Without a message the channel has ended: the request is sent again on the next one. */
int
tls_keys_answered(struct ipc_channel *channel, struct ipc_message *message, void *arg)
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
ask(struct tls_keys *keys, struct waiting *waiting)
{
	if (keys->ready)
		waiting->id = keys->ask(keys, waiting);
}

/* Makes a signature that is waited for fail. */
static void
give_up(struct waiting *waiting, const char *why)
{
	if (waiting->id != 0)
		ipc_cancel(waiting->signing->keys->channel, waiting->id);
	waiting->id = 0;
	waiting->state = REFUSED;
	waiting->why = why;
}

/* What the provider calls. Runs on a fibre and pauses it until certd answers. */
static int
sign(struct provider_signer *signer, struct sign_request *request, uint8_t *signature, size_t size,
     size_t *length)
{
	struct certd_key *key = (struct certd_key *)(void *)signer;
	struct tls_keys *keys = key->keys;
	struct waiting waiting = {.key = key, .request = request, .signature = signature};

	if (keys == NULL || keys->running == NULL || ASYNC_get_current_job() == NULL)
		return -1;
	waiting.size = size;
	waiting.signing = keys->running;
	waiting.signing->waiting = &waiting;
	TAILQ_INSERT_TAIL(&keys->waiting, &waiting, entry);
	if (key->gone) {
		waiting.state = REFUSED;
		waiting.why = "the certificate's key is gone";
	} else {
		ask(keys, &waiting);
	}
	while (waiting.state == WAITING) {
		if (ASYNC_pause_job() != 1) {
			give_up(&waiting, "OpenSSL can't pause");
			break;
		}
	}
	TAILQ_REMOVE(&keys->waiting, &waiting, entry);
	waiting.signing->waiting = NULL;
	*length = waiting.length;
	if (waiting.state != SIGNED)
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "%s", waiting.why);
	return waiting.state == SIGNED ? 0 : -1;
}

/* -- The channel ------------------------------------------------------------------------------- */

/* A fibre is free: who starved for one tries again. From the loop, so that no wake nests. */
static void
on_feed(evutil_socket_t fd, short what, void *arg)
{
	struct tls_keys *keys = arg;
	struct tls_signing *signing = TAILQ_FIRST(&keys->starved);

	(void)fd;
	(void)what;
	if (signing == NULL)
		return;
	TAILQ_REMOVE(&keys->starved, signing, starving);
	signing->is_starving = false;
	signing->wake(signing->wake_arg);
}

int
tls_keys_start(struct tls_keys *keys, struct event_base *base, sign_request_parse_fn *parse,
	       uint32_t (*how)(struct tls_keys *, struct waiting *))
{
	*keys = (struct tls_keys){.parse = parse, .ask = how};
	TAILQ_INIT(&keys->waiting);
	TAILQ_INIT(&keys->starved);
	keys->feed = event_new(base, -1, 0, on_feed, keys);
	return keys->feed == NULL ? -1 : 0;
}

void
tls_keys_end(struct tls_keys *keys)
{
	ipc_close(keys->channel);
	keys->channel = NULL;
	if (keys->feed != NULL)
		event_free(keys->feed);
	keys->feed = NULL;
}

void
tls_keys_unsettle(struct tls_keys *keys)
{
	struct waiting *waiting;

	keys->ready = false;
	TAILQ_FOREACH (waiting, &keys->waiting, entry)
		waiting->id = 0;
}

/* A wake may end any connection, so each turn begins anew. */
void
tls_keys_settle(struct tls_keys *keys)
{
	struct waiting *waiting, *next;

	keys->ready = true;
	TAILQ_FOREACH (waiting, &keys->waiting, entry) {
		if (waiting->state == WAITING && waiting->id == 0 && !waiting->key->gone)
			ask(keys, waiting);
	}
	do {
		TAILQ_FOREACH_SAFE (waiting, &keys->waiting, entry, next) {
			if (waiting->state == WAITING && waiting->key->gone) {
				settle(waiting, REFUSED, "the certificate's key is gone");
				break;
			}
		}
	} while (waiting != NULL);
}

/* -- Handshakes -------------------------------------------------------------------------------- */

void
tls_signing_start(struct tls_signing *signing, struct tls_keys *keys, void (*wake)(void *),
		  void *arg)
{
	*signing = (struct tls_signing){.keys = keys, .wake = wake, .wake_arg = arg};
}

int
tls_signing_run(struct tls_signing *signing, SSL *ssl)
{
	int returned;

	signing->keys->running = signing;
	returned = SSL_do_handshake(ssl);
	signing->keys->running = NULL;
	return returned;
}

void
tls_signing_starve(struct tls_signing *signing)
{
	TAILQ_INSERT_TAIL(&signing->keys->starved, signing, starving);
	signing->is_starving = true;
}

bool
tls_signing_waits(const struct tls_signing *signing)
{
	return (signing->waiting != NULL && signing->waiting->state == WAITING) ||
	       signing->is_starving;
}

void
tls_signing_feed(const struct tls_signing *signing)
{
	if (!TAILQ_EMPTY(&signing->keys->starved))
		event_active(signing->keys->feed, 0, 0);
}

void
tls_signing_end(struct tls_signing *signing, SSL *ssl)
{
	if (signing->waiting != NULL) {
		/* The fibre holds what libssl was at: only its own return gives that back. */
		give_up(signing->waiting, "the connection has ended");
		ERR_clear_error();
		(void)tls_signing_run(signing, ssl);
		ERR_clear_error();
	}
	if (signing->is_starving)
		TAILQ_REMOVE(&signing->keys->starved, signing, starving);
	signing->is_starving = false;
	tls_signing_feed(signing);
}
