/* SPDX-License-Identifier: ISC */
#include "worker/relay/client_certificates.h"

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "common/log.h"
#include "common/proto/relay_certd.h"
#include "worker/tls/chain.h"
#include "worker/tls/fibres.h"
#include "worker/tls/key.h"

#define ANSWER_SECONDS 600 /* the connection has a shorter time-out of its own */

/* Never changes; a new chain is a new one of these. */
struct certificate {
	LIST_ENTRY(certificate) entry;
	char name[CERT_NAME_SIZE];
	struct certd_key *key;
	STACK_OF(X509) * chain; /* the leaf first */
	EVP_PKEY *pkey;         /* the provider's, with KEY behind it */
	bool seen;              /* has come on the current channel */
};
LIST_HEAD(certificate_list, certificate);

struct client_certificates {
	struct tls_keys keys;
	struct event_base *base;
	OSSL_LIB_CTX *libctx;
	struct event *news;
	struct certificate_list list;
};

/* -- Certificates --------------------------------------------------------------------------------
 */

static void
certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	chain_free(certificate->chain);
	EVP_PKEY_free(certificate->pkey);
	certd_key_release(certificate->key);
	free(certificate);
}

/* Connections that run keep what is in it. */
static void
certificate_remove(struct certificate *certificate)
{
	LIST_REMOVE(certificate, entry);
	certificate_free(certificate);
}

static struct certificate *
find(const struct client_certificates *certificates, const char *name)
{
	struct certificate *certificate;

	LIST_FOREACH (certificate, &certificates->list, entry) {
		if (strcmp(certificate->name, name) == 0)
			return certificate;
	}
	return NULL;
}

/* The key under this name: the one known already, if the public keys are the same. */
static struct certd_key *
choose_key(struct client_certificates *certificates, const struct certificate *old,
	   const X509 *leaf)
{
	if (old != NULL && EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(old->chain, 0)),
				       X509_get0_pubkey(leaf)) == 1)
		return certd_key_hold(old->key);
	return certd_key_new(&certificates->keys);
}

static struct certificate *
certificate_new(struct client_certificates *certificates, const struct certificate *old,
		const struct ipc_message *message, struct error *err)
{
	const struct gc_certificate *sent = message->body;
	struct certificate *certificate = calloc(1, sizeof(*certificate));
	const X509 *leaf;

	if (certificate == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	strlcpy(certificate->name, sent->name, sizeof(certificate->name));
	certificate->seen = true;
	certificate->chain =
	    chain_parse(certificates->libctx, message->tail, message->tail_length, err);
	if (certificate->chain != NULL) {
		leaf = sk_X509_value(certificate->chain, 0);
		certificate->key = choose_key(certificates, old, leaf);
		if (certificate->key == NULL)
			error_set(err, "no memory");
		else
			certificate->pkey =
			    provider_key(certificates->libctx, X509_get0_pubkey(leaf),
					 &certificate->key->signer, err);
	}
	if (certificate->pkey != NULL)
		return certificate;
	ERR_clear_error();
	certificate_free(certificate);
	return NULL;
}

enum certificate_look
client_certificates_look(const struct client_certificates *certificates, const char *name)
{
	if (name[0] == '\0' || find(certificates, name) != NULL)
		return CERTIFICATE_HERE;
	return certificates->keys.ready ? CERTIFICATE_MISSING : CERTIFICATE_COMES;
}

int
client_certificates_use(const struct client_certificates *certificates, const char *name, SSL *ssl)
{
	const struct certificate *certificate = find(certificates, name);
	STACK_OF(X509) * rest;
	int result;

	if (certificate == NULL || (rest = sk_X509_dup(certificate->chain)) == NULL)
		return -1;
	result = SSL_use_cert_and_key(ssl, sk_X509_shift(rest), certificate->pkey, rest, 1);
	sk_X509_free(rest);
	ERR_clear_error();
	return result == 1 ? 0 : -1;
}

struct tls_keys *
client_certificates_keys(struct client_certificates *certificates)
{
	return &certificates->keys;
}

/* -- The channel ---------------------------------------------------------------------------------
 */

static uint32_t
ask(struct tls_keys *keys, struct waiting *waiting)
{
	struct sign_request *request = waiting->request;
	const void *body = &request->as.tls13_client;

	if (request->type == RC_TLS12_CLIENT) {
		request->as.tls12_client.key = waiting->key->handle;
		body = &request->as.tls12_client;
	} else {
		request->as.tls13_client.key = waiting->key->handle;
	}
	return ipc_request(keys->channel, request->type, body, (const char *)request->transcript,
			   request->transcript_length, -1, ANSWER_SECONDS, tls_keys_answered,
			   waiting);
}

static int
on_certificate(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct client_certificates *certificates = context;
	const struct gc_certificate *sent = message->body;
	struct certificate *old, *certificate;
	struct error err = {.text = ""};

	(void)channel;
	if (sent->zero != 0 || memchr(sent->name, '\0', sizeof(sent->name)) == NULL ||
	    !cert_name_valid(sent->name))
		return -1;
	old = find(certificates, sent->name);
	certificate = certificate_new(certificates, old, message, &err);
	if (certificate == NULL) {
		/* An old one goes on being used as long as its key is there. */
		log_event(LOG_ERR, "certificate.refused", KV_STR("name", sent->name),
			  KV_STR("why", err.text));
		return 0;
	}
	if (old != NULL && old->key != certificate->key)
		old->key->gone = true;
	if (old != NULL)
		certificate_remove(old);
	certificate->key->handle = sent->key;
	LIST_INSERT_HEAD(&certificates->list, certificate, entry);
	event_active(certificates->news, 0, 0);
	return 0;
}

static int
on_gone(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gc_gone *gone = message->body;
	struct certificate *certificate;

	(void)channel;
	if (memchr(gone->name, '\0', sizeof(gone->name)) == NULL ||
	    (certificate = find(context, gone->name)) == NULL)
		return -1;
	certificate->key->gone = true;
	certificate_remove(certificate);
	return 0;
}

/* What has not come on this channel is none of relay's any more. */
static int
on_ready(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct client_certificates *certificates = context;
	struct certificate *certificate, *next;

	(void)channel;
	(void)message;
	if (certificates->keys.ready)
		return -1;
	LIST_FOREACH_SAFE (certificate, &certificates->list, entry, next) {
		if (certificate->seen)
			continue;
		certificate->key->gone = true;
		certificate_remove(certificate);
	}
	tls_keys_settle(&certificates->keys);
	event_active(certificates->news, 0, 0);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {RC_CERTIFICATE, on_certificate},
    {RC_GONE, on_gone},
    {RC_READY, on_ready},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct client_certificates *certificates = context;

	if (certificates->keys.channel != channel)
		return;
	certificates->keys.channel = NULL;
	certificates->keys.ready = false;
	log_event(LOG_WARNING, "certd.gone", KV_STR("peer", ipc_peer(channel)),
		  KV_STR("then", "handshakes that need a key wait for its successor"));
}

int
client_certificates_set_channel(struct client_certificates *certificates, int fd)
{
	struct certificate *certificate;

	ipc_close(certificates->keys.channel);
	tls_keys_unsettle(&certificates->keys);
	LIST_FOREACH (certificate, &certificates->list, entry)
		certificate->seen = false;
	certificates->keys.channel =
	    ipc_open(certificates->base, fd, &relay_certd_boundary, IPC_CLIENT, handlers, on_ended,
		     certificates, "certd");
	return certificates->keys.channel == NULL ? -1 : 0;
}

struct client_certificates *
client_certificates_new(struct event_base *base, OSSL_LIB_CTX *libctx, struct event *news)
{
	struct client_certificates *certificates = calloc(1, sizeof(*certificates));

	if (certificates == NULL)
		return NULL;
	certificates->base = base;
	certificates->libctx = libctx;
	certificates->news = news;
	LIST_INIT(&certificates->list);
	if (tls_keys_start(&certificates->keys, base, client_request_parse, ask) == 0) {
		if (fibres_start() == 0)
			return certificates;
		tls_keys_end(&certificates->keys);
	}
	free(certificates);
	return NULL;
}

void
client_certificates_free(struct client_certificates *certificates)
{
	struct certificate *certificate, *next;

	if (certificates == NULL)
		return;
	tls_keys_end(&certificates->keys);
	LIST_FOREACH_SAFE (certificate, &certificates->list, entry, next) {
		certificate->key->keys = NULL;
		certificate_remove(certificate);
	}
	fibres_end();
	free(certificates);
}
