/* SPDX-License-Identifier: ISC */
/*
 * What certd composes is what OpenSSL signs: whole handshakes between OpenSSL and OpenSSL are
 * watched, the parts a gate would send are taken from the wire, and the server's signature is
 * verified over what certd composes from them.
 */
#include "tests/unit/certd_support.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "certd/compose.h"

#define MESSAGES_MAX 65536

/* Handshake messages as they were seen by the client, up to the one with the signature. */
static struct seen {
	uint8_t bytes[MESSAGES_MAX];
	size_t length;
	uint8_t signed_message[4096]; /* CertificateVerify or ServerKeyExchange */
	size_t signed_length;
} seen;

static void
watch(int writing, int version, int type, const void *bytes, size_t length, SSL *ssl, void *arg)
{
	const uint8_t *message = bytes;

	(void)writing;
	(void)version;
	(void)ssl;
	(void)arg;
	if (type != SSL3_RT_HANDSHAKE || seen.signed_length != 0)
		return;
	if (message[0] == SSL3_MT_SERVER_KEY_EXCHANGE || message[0] == SSL3_MT_CERTIFICATE_VERIFY) {
		assert_true(length <= sizeof(seen.signed_message));
		memcpy(seen.signed_message, message, length);
		seen.signed_length = length;
		return;
	}
	assert_true(seen.length + length <= sizeof(seen.bytes));
	memcpy(seen.bytes + seen.length, message, length);
	seen.length += length;
}

static SSL_CTX *
server_context(EVP_PKEY *pkey, const char *groups)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct x509_made made;
	BIO *bio;
	X509 *x509;

	support_make(pkey, "mail.example.org", &made);
	bio = BIO_new_mem_buf(made.set.part[PART_CRT].bytes, (int)made.set.part[PART_CRT].length);
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(SSL_CTX_use_certificate(context, x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, pkey), 1);
	assert_int_equal(SSL_CTX_set1_groups_list(context, groups), 1);
	X509_free(x509);
	BIO_free(bio);
	x509_made_free(&made);
	return context;
}

/* A handshake in memory; returns the client's SSL, *SERVER is the other. */
static SSL *
shake(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL **server)
{
	SSL *client = SSL_new(client_ctx);
	BIO *a, *b;

	*server = SSL_new(server_ctx);
	assert_int_equal(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(*server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(*server);
	SSL_set_msg_callback(client, watch);
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(*server));
	     i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(*server);
	}
	assert_true(SSL_is_init_finished(client));
	return client;
}

static void
check(EVP_PKEY *public, const struct composed *composed, const uint8_t *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters;

	assert_int_equal(EVP_DigestVerifyInit_ex(context, &parameters, composed->scheme->digest,
						 NULL, NULL, public, NULL),
			 1);
	if (composed->scheme->padding == PADDING_PSS)
		EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
	assert_int_equal(
	    EVP_DigestVerify(context, signature, length, composed->bytes, composed->length), 1);
	EVP_MD_CTX_free(context);
}

static uint16_t
number(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* RFC 8446 4.4.3: algorithm, signature<0..2^16-1>; signed over the transcript so far. */
static void
check_tls13(const SSL *client, EVP_PKEY *pkey, enum key_kind kind)
{
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(client));
	struct gc_tls13_server request = {.hash_length = (uint16_t)EVP_MD_get_size(md)};
	const uint8_t *message = seen.signed_message + 4;
	struct composed composed;

	request.scheme = number(message);
	assert_int_equal(EVP_Digest(seen.bytes, seen.length, request.hash, NULL, md, NULL), 1);
	assert_int_equal(compose_tls13_server(&request, kind, &composed), 0);
	assert_int_equal(number(message + 2), seen.signed_length - 8);
	check(pkey, &composed, message + 4, number(message + 2));
}

/* RFC 8422 5.4: ServerECDHParams, algorithm, signature. */
static void
check_tls12(const SSL *client, EVP_PKEY *pkey, enum key_kind kind)
{
	const uint8_t *message = seen.signed_message + 4, *after;
	struct gc_tls12_server request = {.point_length = message[3]};
	struct composed composed;

	assert_int_equal(message[0], 3);
	request.curve = number(message + 1);
	memcpy(request.point, message + 4, message[3]);
	after = message + 4 + message[3];
	request.scheme = number(after);
	SSL_get_client_random(client, request.client_random, 32);
	SSL_get_server_random(client, request.server_random, 32);
	assert_int_equal(compose_tls12_server(&request, kind, &composed), 0);
	check(pkey, &composed, after + 4, number(after + 2));
}

static void
run(enum key_kind kind, int version, const char *groups, const char *suites)
{
	SSL_CTX *server_ctx = server_context(support_pkey(kind), groups);
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *client, *server;

	SSL_CTX_set_min_proto_version(client_ctx, version);
	SSL_CTX_set_max_proto_version(client_ctx, version);
	/* The client's first key share must do: a HelloRetryRequest changes the transcript. */
	assert_int_equal(SSL_CTX_set1_groups_list(client_ctx, groups), 1);
	if (suites != NULL)
		assert_int_equal(SSL_CTX_set_ciphersuites(client_ctx, suites), 1);
	client = shake(server_ctx, client_ctx, &server);
	if (version == TLS1_3_VERSION)
		check_tls13(client, support_pkey(kind), kind);
	else
		check_tls12(client, support_pkey(kind), kind);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
}

static void
test_tls13(void **state)
{
	(void)state;
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		run(*kind, TLS1_3_VERSION, "X25519", "TLS_AES_128_GCM_SHA256");
		run(*kind, TLS1_3_VERSION, "X25519", "TLS_AES_256_GCM_SHA384");
	}
}

static void
test_tls12(void **state)
{
	static const char *const groups[] = {"X25519", "X448", "P-256", "P-384", "P-521"};

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		/* In TLS 1.2 the certificate's curve has to be among the groups, too. */
		run(KEY_RSA, TLS1_2_VERSION, groups[i], NULL);
		run(KEY_ED25519, TLS1_2_VERSION, groups[i], NULL);
	}
	run(KEY_P256, TLS1_2_VERSION, "P-256", NULL);
	run(KEY_P384, TLS1_2_VERSION, "P-384", NULL);
	run(KEY_P521, TLS1_2_VERSION, "P-521", NULL);
	run(KEY_P256, TLS1_2_VERSION, "X25519:P-256", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls13),
	    cmocka_unit_test(test_tls12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
