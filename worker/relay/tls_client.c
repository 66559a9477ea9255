/* SPDX-License-Identifier: ISC */
#include "worker/relay/tls_client.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/*
 * Whose certificate it is is not looked at here: without a policy for the domain nobody could say
 * whose it should be, and TLS to anybody is better than none (RFC 7435).
 */
SSL_CTX *
tls_client_new(struct error *err)
{
	SSL_CTX *ctx;

	/* No configuration file: it could load modules. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		error_set(err, "OpenSSL does not start");
		return NULL;
	}
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		error_set(err, "OpenSSL makes no context");
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					SSL_MODE_RELEASE_BUFFERS);
	return ctx;
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
