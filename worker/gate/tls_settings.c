/* SPDX-License-Identifier: ISC */
#include <openssl/err.h>
#include <string.h>

#include "worker/gate/tls_internal.h"

/* Forward secrecy and AEAD only, cheap ones first; RFC 9325 4.2. */
#define CIPHERS_TLS12                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERS_TLS13 "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256:P-384"
/* What certd signs. */
#define SIGNATURE_SCHEMES                                                               \
	"ed25519:ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:" \
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"                  \
	"rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
#define SECURITY_LEVEL 2 /* SSL_CTX_set_security_level(3): RSA from 2048 bits on, no SHA-1 */
#define TICKET_LIFETIME 7200L

/* Every name on its own: OpenSSL is silent about one it doesn't know among others it does. */
static int
check_names(SSL_CTX *ctx, const char *list, struct error *err)
{
	char copy[GATE_CIPHERS_SIZE];
	char *rest = copy, *name;

	strlcpy(copy, list, sizeof(copy));
	while ((name = strsep(&rest, ": ,")) != NULL) {
		if (*name == '\0' || strchr("!-+@", *name) != NULL)
			continue;
		if (SSL_CTX_set_cipher_list(ctx, name) != 1)
			return error_set(err, "unknown TLS 1.2 cipher \"%s\"", name);
	}
	return 0;
}

static int
check_cipher(const SSL_CIPHER *cipher, struct error *err)
{
	if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0)
		return 0;
	if (SSL_CIPHER_get_kx_nid(cipher) != NID_kx_ecdhe)
		return error_set(err, "TLS 1.2 cipher \"%s\" has no forward secrecy by ECDHE",
				 SSL_CIPHER_get_name(cipher));
	if (SSL_CIPHER_get_auth_nid(cipher) != NID_auth_rsa &&
	    SSL_CIPHER_get_auth_nid(cipher) != NID_auth_ecdsa)
		return error_set(err, "TLS 1.2 cipher \"%s\" goes without a certificate",
				 SSL_CIPHER_get_name(cipher));
	return 0;
}

static int
set_ciphers(SSL_CTX *ctx, const struct tls_context *context, struct error *err)
{
	const char *tls12 = context->ciphers_tls12, *tls13 = context->ciphers_tls13;
	const STACK_OF(SSL_CIPHER) * ciphers;

	if (*tls13 == '\0')
		tls13 = CIPHERS_TLS13;
	if (SSL_CTX_set_ciphersuites(ctx, tls13) != 1)
		return error_set(err, "no list of TLS 1.3 ciphers: \"%s\"", tls13);
	if (*tls12 == '\0')
		return SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) == 1
			   ? 0
			   : error_set(err, "OpenSSL lacks the TLS 1.2 ciphers");
	if (check_names(ctx, tls12, err) == -1)
		return -1;
	if (SSL_CTX_set_cipher_list(ctx, tls12) != 1)
		return error_set(err, "no list of TLS 1.2 ciphers: \"%s\"", tls12);
	ciphers = SSL_CTX_get_ciphers(ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		if (check_cipher(sk_SSL_CIPHER_value(ciphers, i), err) == -1)
			return -1;
	}
	return 0;
}

static void
set_options(SSL_CTX *ctx)
{
	/*
	 * The mail protocols say themselves where they end, so a missing close_notify is no
	 * attack, only a client in a hurry.
	 */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
				     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ASYNC | SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_LIFETIME);
	/* Mail clients keep connections open: one ticket is enough for the next. */
	SSL_CTX_set_num_tickets(ctx, 1);
}

SSL_CTX *
tls_settings_new_ctx(struct tls_context *context, struct error *err)
{
	SSL_CTX *ctx =
	    SSL_CTX_new_ex(context->libctx, PROVIDER_PREFER_DEFAULT, TLS_server_method());

	if (ctx == NULL) {
		error_set(err, "OpenSSL makes no SSL_CTX");
		return NULL;
	}
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, SIGNATURE_SCHEMES) != 1) {
		error_set(err, "OpenSSL lacks TLS 1.3, a group or a signature scheme");
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (set_ciphers(ctx, context, err) == -1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	set_options(ctx);
	tls_hello_set_callbacks(ctx);
	tls_clients_set_callbacks(ctx);
	return ctx;
}
