/* SPDX-License-Identifier: ISC */
#include "worker/relay/tls_client.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

/*
 * Whose certificate it is is not looked at here: without a policy for the domain nobody could say
 * whose it should be, and TLS to anybody is better than none (RFC 7435).
 */
int
tls_client_start(struct tls_client *client, struct error *err)
{
	*client = (struct tls_client){.libctx = NULL};
	/* No configuration file: it could load modules. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return error_set(err, "OpenSSL does not start");
	client->libctx = OSSL_LIB_CTX_new();
	if (client->libctx == NULL)
		return error_set(err, "OpenSSL makes no library context");
	if (provider_load(client->libctx, client->providers, err) == -1)
		return -1;
	client->ctx = SSL_CTX_new_ex(client->libctx, PROVIDER_PREFER_DEFAULT, TLS_client_method());
	if (client->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(client->ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_dane_enable(client->ctx) != 1)
		return error_set(err, "OpenSSL makes no context");
	/* RFC 7672 3.1.1: with DANE-EE neither names nor dates matter. */
	(void)SSL_CTX_dane_set_flags(client->ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_CTX_set_verify(client->ctx, SSL_VERIFY_NONE, NULL);
	/* What was agreed on stays (RFC 5246 7.2.2): no server can change it under a mail. */
	(void)SSL_CTX_set_options(client->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* Of our certificate the server gets what certd has sent, and nothing that looks alike. */
	(void)SSL_CTX_set_mode(client->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	return 0;
}

void
tls_client_end(struct tls_client *client)
{
	SSL_CTX_free(client->ctx);
	provider_unload(client->providers);
	OSSL_LIB_CTX_free(client->libctx);
	*client = (struct tls_client){.libctx = NULL};
}

/* Nobody is there to be asked. */
static int
no_passphrase(char *buffer, int size, int writes, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

size_t
tls_client_trust(SSL_CTX *ctx, const char *pem, size_t length)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = length > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)length);
	size_t count = 0;
	X509 *cert;

	while (bio != NULL && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (X509_STORE_add_cert(store, cert) == 1)
			count++;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	return count;
}

/* -- One server ---------------------------------------------------------------------------------
 */

static bool
is_address(const char *name)
{
	struct in6_addr ignored;

	return inet_pton(AF_INET, name, &ignored) == 1 || inet_pton(AF_INET6, name, &ignored) == 1;
}

/* RFC 6125 6.4.3: "*" is a whole label. RFC 8461 4.1, RFC 9525 2: the subject's common name is no
 * host's. */
static bool
verify_name(SSL *ssl, const char *name)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	return SSL_set1_host(ssl, name) == 1;
}

static bool
require_authority(SSL *ssl, const struct security *security)
{
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return verify_name(ssl, security->name);
}

/* OpenSSL takes the strongest digests there are (RFC 7671 9). */
static bool
require_dane(SSL *ssl, const struct security *security)
{
	const struct dane *dane = security->dane;
	bool any = false;

	if (SSL_dane_enable(ssl, security->name) <= 0)
		return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (size_t i = 0; i < dane->count; i++) {
		const struct dns_tlsa *tlsa = &dane->records[i];
		int result = SSL_dane_tlsa_add(ssl, tlsa->usage, tlsa->selector, tlsa->matching,
					       tlsa->data, tlsa->length);

		if (result < 0)
			return false;
		any = any || result > 0;
	}
	/* Those that can't be used were left out (dane_add()); with none there is nobody to talk
	 * to. */
	if (!any)
		return false;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return security->other[0] == '\0' || SSL_add1_host(ssl, security->other) == 1;
}

static bool
require_nothing(SSL *ssl, const struct security *security)
{
	(void)ssl;
	(void)security;
	return true;
}

static bool (*const require[SECURITY_LEVELS])(SSL *, const struct security *) = {
    [SECURITY_NONE] = require_nothing,     [SECURITY_OFFERED] = require_nothing,
    [SECURITY_REQUIRED] = require_nothing, [SECURITY_VERIFIED] = require_authority,
    [SECURITY_DANE] = require_dane,
};

SSL *
tls_client_connect(SSL_CTX *ctx, const struct security *security)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL)
		return NULL;
	/* RFC 6066 3: no addresses, nor literals of them (RFC 5321 4.1.3). */
	if ((is_address(security->name) || security->name[0] == '[' ||
	     SSL_set_tlsext_host_name(ssl, security->name) == 1) &&
	    require[security->level](ssl, security))
		return ssl;
	ERR_clear_error();
	SSL_free(ssl);
	return NULL;
}

const char *
tls_client_complaint(const SSL *ssl)
{
	long result = SSL_get_verify_result(ssl);

	return result == X509_V_OK || SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE
		   ? NULL
		   : X509_verify_cert_error_string(result);
}
