/* SPDX-License-Identifier: ISC */
/* What all connections of a gate have in common; everything OpenSSL does lazily is done here. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/tls_internal.h"
#include "worker/tls/fibres.h"

static int
start_openssl(struct tls_context *context, struct error *err)
{
	uint8_t random[16];

	/* No configuration file: it could load modules, and change what is written down here. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
				 OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			     NULL) != 1)
		return error_set(err, "OpenSSL does not start");
	context->libctx = OSSL_LIB_CTX_new();
	if (context->libctx == NULL)
		return error_set(err, "OpenSSL makes no library context");
	if (provider_load(context->libctx, context->providers, err) == -1)
		return -1;
	context->ticket_cipher =
	    EVP_CIPHER_fetch(context->libctx, "AES-256-CBC", PROVIDER_PREFER_DEFAULT);
	context->sha256 = EVP_MD_fetch(context->libctx, "SHA2-256", PROVIDER_PREFER_DEFAULT);
	if (context->ticket_cipher == NULL || context->sha256 == NULL)
		return error_set(err, "OpenSSL lacks AES or SHA-2");
	if (RAND_bytes_ex(context->libctx, random, sizeof(random), 0) != 1 ||
	    RAND_priv_bytes_ex(context->libctx, random, sizeof(random), 0) != 1)
		return error_set(err, "OpenSSL has no random numbers");
	if (fibres_start() == -1)
		return error_set(err, "OpenSSL has no asynchronous jobs here");
	context->uses_fibres = true;
	return 0;
}

struct tls_context *
tls_context_new(struct event_base *base, const struct mg_settings *settings, struct error *err)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (context == NULL) {
		error_set(err, "TLS: no memory");
		return NULL;
	}
	context->base = base;
	context->handshake_timeout = settings->handshake_timeout;
	strlcpy(context->ciphers_tls12, settings->ciphers_tls12, GATE_CIPHERS_SIZE);
	strlcpy(context->ciphers_tls13, settings->ciphers_tls13, GATE_CIPHERS_SIZE);
	for (size_t i = 0; i < HOST_NAME_SIZE - 1 && settings->hostname[i] != '\0'; i++) {
		char c = settings->hostname[i];

		context->hostname[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	TAILQ_INIT(&context->certificates);
	TAILQ_INIT(&context->set_ctxs);
	LIST_INIT(&context->questions);
	if (tls_keys_start(&context->keys, base, sign_request_parse, tls_channel_ask) == -1)
		error_set(err, "no event");
	else if (start_openssl(context, err) == 0)
		context->bare = tls_settings_new_ctx(context, err);
	if (context->bare == NULL) {
		error_prefix(err, "TLS");
		tls_context_free(context);
		return NULL;
	}
	ERR_clear_error();
	return context;
}

void
tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	tls_keys_end(&context->keys);
	certificates_free(context);
	choice_forget(context, NULL);
	tls_questions_free(context);
	SSL_CTX_free(context->bare);
	EVP_CIPHER_free(context->ticket_cipher);
	EVP_MD_free(context->sha256);
	provider_unload(context->providers);
	OSSL_LIB_CTX_free(context->libctx);
	if (context->uses_fibres)
		fibres_end();
	freezero(context, sizeof(*context));
}
