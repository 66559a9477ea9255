/* SPDX-License-Identifier: ISC */
/* Relay's TLS, against a server of OpenSSL's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "worker/relay/tls_client.h"

static SSL_CTX *server_ctx;
static int alert_sent;

static void
note_alert(const SSL *ssl, int where, int value)
{
	(void)ssl;
	if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT)
		alert_sent = value & 0xff;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static int
start(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key);

	(void)state;
	server_ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(server_ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server_ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	SSL_CTX_free(server_ctx);
	return 0;
}

/* Turns of both, until neither has anything to do. */
static void
run(SSL *client, SSL *server)
{
	for (int i = 0; i < 10; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
}

static void
assert_carries(SSL *from, SSL *to)
{
	char bytes[8];

	assert_int_equal(SSL_write(from, "EHLO", 4), 4);
	assert_int_equal(SSL_read(to, bytes, sizeof(bytes)), 4);
}

/* RFC 5246 7.2.2: no_renegotiation, and what was agreed on stays. */
static void
a_server_wants_to_negotiate_again(void **state)
{
	const struct security security = {.level = SECURITY_OFFERED, .name = "mx.example.org"};
	struct tls_client tls;
	struct error err;
	SSL *client, *server = SSL_new(server_ctx);
	BIO *there, *here;
	char byte;

	(void)state;
	assert_int_equal(tls_client_start(&tls, &err), 0);
	client = tls_client_connect(tls.ctx, &security);
	assert_non_null(client);
	assert_int_equal(BIO_new_bio_pair(&here, 0, &there, 0), 1);
	SSL_set_bio(client, here, here);
	SSL_set_bio(server, there, there);
	SSL_set_max_proto_version(server, TLS1_2_VERSION);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	run(client, server);
	assert_carries(client, server);
	assert_carries(server, client);

	alert_sent = -1;
	SSL_set_info_callback(client, note_alert);
	assert_int_equal(SSL_renegotiate(server), 1);
	assert_int_equal(SSL_do_handshake(server), 1); /* HelloRequest */
	assert_int_equal(SSL_read(client, &byte, 1), -1);
	assert_int_equal(SSL_get_error(client, -1), SSL_ERROR_WANT_READ);
	assert_int_equal(alert_sent, SSL_AD_NO_RENEGOTIATION);
	/* OpenSSL's server gives up over it, and the client does not wait for anything. */
	assert_int_equal(SSL_read(server, &byte, 1), -1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);

	ERR_clear_error();
	SSL_free(client);
	SSL_free(server);
	tls_client_end(&tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_server_wants_to_negotiate_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
