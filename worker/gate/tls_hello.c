/* SPDX-License-Identifier: ISC */
/* What is decided while a ClientHello is looked at: certificate, protocol, ticket. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "worker/gate/tls_internal.h"
#include "worker/gate/tls_names.h"

#define ALPN_MAX 32
#define TRUST_TEXT_SIZE 9

static struct tls *
tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/*
 * RFC 6066 3: a session "MUST NOT" be resumed under another server_name. OpenSSL compares session
 * id contexts before it takes a ticket, so that is where the name goes; the protocol goes there
 * too, so that no ticket crosses from one to another, and so do the certificates (a renewed one is
 * another: a client that binds to it must have seen it, RFC 5929 4), and what the
 * client's certificate is asked with (there are no tickets then, but from listeners that don't).
 */
static int
bind_sessions(struct tls *tls, const struct certificate_set *set, const char *host)
{
	char
	    text[CERTIFICATE_KINDS * EVP_MAX_MD_SIZE + ALPN_MAX + TRUST_TEXT_SIZE + HOST_NAME_SIZE];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;
	size_t used = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (X509_digest(sk_X509_value(set->member[i]->chain, 0), tls->context->sha256,
				(unsigned char *)text + used, &length) != 1)
			return 0;
		used += length;
	}
	tls->certificates = set->count;
	used += strlcpy(text + used, tls->alpn == NULL ? "" : tls->alpn, ALPN_MAX) + 1;
	used += (size_t)snprintf(text + used, TRUST_TEXT_SIZE, "%08x", tls_trust(tls)) + 1;
	used += strlcpy(text + used, host, HOST_NAME_SIZE);
	return EVP_Digest(text, used, digest, &length, tls->context->sha256, NULL) == 1 &&
	       SSL_set_session_id_context(tls->ssl, digest, SSL_MAX_SID_CTX_LENGTH) == 1;
}

/* The set may have changed since the connection was accepted. */
static int
present(struct tls *tls, const struct certificate_set *set)
{
	struct error err;
	SSL_CTX *ctx = choice_ctx(tls->context, set, &err);

	if (ctx != NULL && SSL_set_SSL_CTX(tls->ssl, ctx) != NULL)
		return 0;
	ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "%s", ctx == NULL ? err.text : "SSL");
	return -1;
}

/* First of all callbacks, before a ticket is looked at. */
static int
on_client_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls *tls = tls_of(ssl);
	struct certificate_set set = {.count = 0};
	const unsigned char *data;
	char host[HOST_NAME_SIZE] = "";
	size_t length;
	bool asked;

	(void)arg;
	asked = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &length) == 1;
	/* What is no host name is none that anybody knows. */
	if (asked && server_name_parse(data, length, host) == -1)
		host[0] = '\0';
	*alert = SSL_AD_INTERNAL_ERROR;
	if (!choose(tls->context, tls->choice, asked ? host : NULL, &set, &tls->name_known)) {
		if (asked)
			*alert = SSL_AD_UNRECOGNIZED_NAME;
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL,
			       "no certificate for the name \"%s\"", host);
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (present(tls, &set) == 0 && bind_sessions(tls, &set, host))
		return SSL_CLIENT_HELLO_SUCCESS;
	return SSL_CLIENT_HELLO_ERROR;
}

/* RFC 6066 3: the answer says whether the name was used. */
static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	(void)alert;
	(void)arg;
	return tls_of(ssl)->name_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* RFC 7301 3.2: no protocol in common is fatal, where there is one at all. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
	unsigned in_length, void *arg)
{
	const char *alpn = tls_of(ssl)->alpn;
	size_t length;

	(void)arg;
	if (alpn == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	length = strlen(alpn);
	for (unsigned at = 0; at < in_length; at += 1u + in[at]) {
		if (in[at] == length && in_length - at > length &&
		    memcmp(in + at + 1, alpn, length) == 0) {
			*out = in + at + 1;
			*out_length = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
set_mac_key(EVP_MAC_CTX *mac, uint8_t *key, size_t length)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, key, length),
	    OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1),
	    OSSL_PARAM_END,
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

/* RFC 5077 4; returns as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says: 2 asks for a new ticket. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	  EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_context *context = tls_of(ssl)->context;
	struct gc_ticket_keys *keys = &context->ticket_keys;

	if (encrypt) {
		if (keys->count == 0)
			return 0;
		memcpy(name, keys->key[0].name, sizeof(keys->key[0].name));
		if (RAND_bytes_ex(context->libctx, iv, EVP_MAX_IV_LENGTH, 0) != 1 ||
		    EVP_EncryptInit_ex2(cipher, context->ticket_cipher, keys->key[0].aes, iv,
					NULL) != 1 ||
		    set_mac_key(mac, keys->key[0].hmac, sizeof(keys->key[0].hmac)) != 1)
			return -1;
		return 1;
	}
	for (uint32_t i = 0; i < keys->count; i++) {
		if (memcmp(name, keys->key[i].name, sizeof(keys->key[i].name)) != 0)
			continue;
		if (set_mac_key(mac, keys->key[i].hmac, sizeof(keys->key[i].hmac)) != 1 ||
		    EVP_DecryptInit_ex2(cipher, context->ticket_cipher, keys->key[i].aes, iv,
					NULL) != 1)
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}

void
tls_hello_set_callbacks(SSL_CTX *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
