/* SPDX-License-Identifier: ISC */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/gate/tls_internal.h"
#include "worker/tls/chain.h"

#define RSA_BITS_STRONG 2048 /* NIST SP 800-131A */

static void
certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	chain_free(certificate->chain);
	EVP_PKEY_free(certificate->pkey);
	certd_key_release(certificate->key);
	for (char **name = certificate->host_names; name != NULL && *name != NULL; name++)
		free(*name);
	free(certificate->host_names);
	free(certificate);
}

struct certificate *
certificate_find(struct tls_context *context, const char *name)
{
	struct certificate *certificate;

	TAILQ_FOREACH (certificate, &context->certificates, entry) {
		if (strcmp(certificate->name, name) == 0)
			return certificate;
	}
	return NULL;
}

/* A dNSName as a string in lower case; NULL for what isn't one, or without memory. */
static char *
host_name(const GENERAL_NAME *general)
{
	int type, length;
	const ASN1_IA5STRING *value = GENERAL_NAME_get0_value(general, &type);
	const char *text;
	char *name;

	if (type != GEN_DNS)
		return NULL;
	text = (const char *)ASN1_STRING_get0_data(value);
	length = ASN1_STRING_length(value);
	if (length <= 0 || length >= HOST_NAME_SIZE || memchr(text, '\0', (size_t)length) != NULL)
		return NULL;
	name = strndup(text, (size_t)length);
	for (char *c = name; c != NULL && *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return name;
}

/* RFC 6125 6.4.4: the common name is not looked at, the subjectAltNames are what counts. */
static int
set_host_names(struct certificate *certificate, X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names), used = 0;

	certificate->host_names = calloc((size_t)count + 1, sizeof(char *));
	for (int i = 0; certificate->host_names != NULL && i < count; i++) {
		char *name = host_name(sk_GENERAL_NAME_value(names, i));

		if (name != NULL)
			certificate->host_names[used++] = name;
	}
	GENERAL_NAMES_free(names);
	return certificate->host_names == NULL ? -1 : 0;
}

/* The key in certd under this name: the one known already, if the public keys are the same. */
static struct certd_key *
choose_key(struct tls_context *context, struct certificate *old, X509 *leaf)
{
	if (old != NULL) {
		const X509 *old_leaf = sk_X509_value(old->chain, 0);

		if (EVP_PKEY_eq(X509_get0_pubkey(old_leaf), X509_get0_pubkey(leaf)) == 1)
			return certd_key_hold(old->key);
	}
	return certd_key_new(&context->keys);
}

static int
set_kind(struct certificate *certificate, const EVP_PKEY *key, struct error *err)
{
	static const char *const kinds[CERTIFICATE_KINDS] = {"RSA", "EC", "ED25519"};

	for (int i = 0; i < CERTIFICATE_KINDS; i++) {
		if (!EVP_PKEY_is_a(key, kinds[i]))
			continue;
		certificate->kind = (enum certificate_kind)i;
		certificate->weak =
		    i == CERTIFICATE_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_STRONG;
		return 0;
	}
	return error_set(err, "a key of an unknown kind");
}

/* CHAIN is taken. */
static struct certificate *
certificate_new(struct tls_context *context, const char *name, struct certificate *old,
		STACK_OF(X509) * chain, struct error *err)
{
	X509 *leaf = sk_X509_value(chain, 0);
	struct certificate *certificate = calloc(1, sizeof(*certificate));
	struct certificate_set alone = {1, {certificate}};

	if (certificate == NULL) {
		chain_free(chain);
		error_set(err, "no memory");
		return NULL;
	}
	certificate->chain = chain;
	strlcpy(certificate->name, name, sizeof(certificate->name));
	certificate->key = choose_key(context, old, leaf);
	certificate->self_signed = X509_self_signed(leaf, 0) == 1;
	if (certificate->key == NULL || set_host_names(certificate, leaf) == -1)
		error_set(err, "no memory");
	else if (set_kind(certificate, X509_get0_pubkey(leaf), err) == 0)
		certificate->pkey = provider_key(context->libctx, X509_get0_pubkey(leaf),
						 &certificate->key->signer, err);
	/* What OpenSSL doesn't take, it refuses here, and not when a client is there. */
	if (certificate->pkey != NULL && choice_ctx(context, &alone, err) != NULL)
		return certificate;
	ERR_clear_error();
	certificate_free(certificate);
	return NULL;
}

static void
certificate_remove(struct tls_context *context, struct certificate *certificate)
{
	choice_forget(context, certificate);
	TAILQ_REMOVE(&context->certificates, certificate, entry);
	certificate_free(certificate);
}

/* Connections that run keep the old one. */
static void
certificate_replace(struct tls_context *context, struct certificate *old,
		    struct certificate *certificate, uint32_t handle)
{
	if (old != NULL && old->key != certificate->key)
		old->key->gone = true;
	if (old != NULL)
		certificate_remove(context, old);
	certificate->key->handle = handle;
	certificate->seen = true;
	TAILQ_INSERT_TAIL(&context->certificates, certificate, entry);
}

int
certificate_take(struct tls_context *context, const struct ipc_message *message)
{
	const struct gc_certificate *sent = message->body;
	struct certificate *old, *certificate = NULL;
	STACK_OF(X509) * chain;
	struct error err = {.text = ""};

	if (sent->zero != 0 || sent->name[0] == '\0' ||
	    memchr(sent->name, '\0', sizeof(sent->name)) == NULL)
		return -1;
	old = certificate_find(context, sent->name);
	chain = chain_parse(context->libctx, message->tail, message->tail_length, &err);
	if (chain != NULL)
		certificate = certificate_new(context, sent->name, old, chain, &err);
	if (certificate == NULL) {
		/* An old one goes on being used as long as its key is there. */
		log_event(LOG_ERR, "certificate.refused", KV_STR("name", sent->name),
			  KV_STR("why", err.text));
		return 0;
	}
	certificate_replace(context, old, certificate, sent->key);
	return 0;
}

int
certificate_take_away(struct tls_context *context, const struct ipc_message *message)
{
	const struct gc_gone *gone = message->body;
	struct certificate *certificate;

	if (memchr(gone->name, '\0', sizeof(gone->name)) == NULL ||
	    (certificate = certificate_find(context, gone->name)) == NULL)
		return -1;
	certificate->key->gone = true;
	certificate_remove(context, certificate);
	return 0;
}

void
certificates_unsettle(struct tls_context *context)
{
	struct certificate *certificate;

	TAILQ_FOREACH (certificate, &context->certificates, entry)
		certificate->seen = false;
}

void
certificates_settle(struct tls_context *context)
{
	struct certificate *certificate, *next;

	TAILQ_FOREACH_SAFE (certificate, &context->certificates, entry, next) {
		if (certificate->seen)
			continue;
		log_event(LOG_NOTICE, "certificate.gone", KV_STR("name", certificate->name));
		certificate->key->gone = true;
		certificate_remove(context, certificate);
	}
}

void
certificates_free(struct tls_context *context)
{
	struct certificate *certificate, *next;

	TAILQ_FOREACH_SAFE (certificate, &context->certificates, entry, next) {
		certificate->key->keys = NULL;
		certificate_remove(context, certificate);
	}
}
