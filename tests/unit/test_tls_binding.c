/* SPDX-License-Identifier: ISC */
/* What a login can be bound to (RFC 9266, RFC 5929): both ends come to the same, or to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509.h>
#include <signal.h>
#include <string.h>

#include "tests/unit/tls_pair.h"

static struct bench bench;

static int
start(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	bench_init(&bench);
	fake_certd_add(&bench.certd, "rsa", fake_key(KEY_KIND_RSA), "DNS:rsa.example");
	fake_certd_add(&bench.certd, "p256", fake_key(KEY_KIND_P256), "DNS:p256.example");
	fake_certd_add(&bench.certd, "ed25519", fake_key(KEY_KIND_ED25519), "DNS:ed.example");
	bench_start(&bench);
	return bench.ready == 1 ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	bench_free(&bench);
	return 0;
}

static void
open_version(struct pair *pair, const char *certificate, int version, SSL_SESSION *session)
{
	pair_open(pair, &bench, certificate, NULL);
	SSL_set_min_proto_version(pair->client, version);
	SSL_set_max_proto_version(pair->client, version);
	if (session != NULL)
		SSL_set_session(pair->client, session);
}

static void
run(struct pair *pair, struct ga_binding binding[BINDING_TYPES])
{
	assert_false(tls_bindings(pair->server, binding)); /* not before the handshake */
	pair_run(pair);
	assert_int_equal(pair->result, TLS_OK);
	assert_true(pair_echo(pair));
	memset(binding, 0xff, BINDING_TYPES * sizeof(binding[0]));
	assert_int_equal(tls_bindings(pair->server, binding),
			 binding[BINDING_EXPORTER].length > 0 ||
			     binding[BINDING_END_POINT].length > 0);
}

static void
assert_bytes(const struct ga_binding *binding, const void *bytes, size_t length)
{
	assert_int_equal(binding->length, length);
	assert_memory_equal(binding->bytes, bytes, length);
}

static void
assert_exporter(const struct pair *pair, const struct ga_binding *binding)
{
	uint8_t bytes[32];

	assert_int_equal(SSL_export_keying_material(pair->client, bytes, sizeof(bytes),
						    "EXPORTER-Channel-Binding", 24,
						    (const uint8_t *)"", 0, 1),
			 1);
	assert_bytes(binding, bytes, sizeof(bytes));
}

static void
assert_end_point(const struct pair *pair, const struct ga_binding *binding)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	assert_int_equal(
	    X509_digest(SSL_get0_peer_certificate(pair->client), EVP_sha256(), bytes, &length), 1);
	assert_bytes(binding, bytes, length);
}

static void
tls13(void **state)
{
	static const char *const certificates[] = {"rsa", "p256"};
	struct ga_binding binding[BINDING_TYPES], other[BINDING_TYPES];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pair pair;

		open_version(&pair, certificates[i], TLS1_3_VERSION, NULL);
		run(&pair, binding);
		assert_exporter(&pair, &binding[BINDING_EXPORTER]);
		assert_int_equal(binding[BINDING_UNIQUE].length, 0);
		assert_end_point(&pair, &binding[BINDING_END_POINT]);
		pair_free(&pair);
		open_version(&pair, certificates[i], TLS1_3_VERSION, NULL);
		run(&pair, other);
		assert_memory_not_equal(binding[BINDING_EXPORTER].bytes,
					other[BINDING_EXPORTER].bytes, 32);
		assert_memory_equal(&binding[BINDING_END_POINT], &other[BINDING_END_POINT],
				    sizeof(other[BINDING_END_POINT]));
		pair_free(&pair);
	}
}

/* The first Finished is the client's, on a resumed session the server's. */
static void
tls12(void **state)
{
	struct ga_binding binding[BINDING_TYPES];
	SSL_SESSION *session = NULL;

	(void)state;
	for (int resumed = 0; resumed < 2; resumed++) {
		struct pair pair;
		uint8_t finished[64];
		size_t length;

		open_version(&pair, "p256", TLS1_2_VERSION, session);
		run(&pair, binding);
		assert_int_equal(SSL_session_reused(pair.client), resumed);
		length = resumed == 1
			     ? SSL_get_peer_finished(pair.client, finished, sizeof(finished))
			     : SSL_get_finished(pair.client, finished, sizeof(finished));
		assert_int_equal(length, 12);
		assert_bytes(&binding[BINDING_UNIQUE], finished, length);
		assert_exporter(&pair, &binding[BINDING_EXPORTER]);
		assert_end_point(&pair, &binding[BINDING_END_POINT]);
		SSL_SESSION_free(session);
		session = SSL_get1_session(pair.client);
		tls_close(pair.server);
		SSL_shutdown(pair.client); /* or the session is not to be resumed */
		pair_free(&pair);
	}
	SSL_SESSION_free(session);
}

/* RFC 7627 1: without it, somebody in between can make two connections have one master secret. */
static void
without_an_extended_master_secret(void **state)
{
	struct ga_binding binding[BINDING_TYPES];
	struct pair pair;

	(void)state;
	open_version(&pair, "p256", TLS1_2_VERSION, NULL);
	SSL_set_options(pair.client, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	run(&pair, binding);
	assert_int_equal(binding[BINDING_EXPORTER].length, 0);
	assert_int_equal(binding[BINDING_UNIQUE].length, 0);
	assert_end_point(&pair, &binding[BINDING_END_POINT]);
	pair_free(&pair);
}

/* Ed25519 signs without a hash: RFC 5929 4.1 has no end point for it. */
static void
without_a_hash(void **state)
{
	struct ga_binding binding[BINDING_TYPES];
	struct pair pair;

	(void)state;
	open_version(&pair, "ed25519", TLS1_3_VERSION, NULL);
	run(&pair, binding);
	assert_exporter(&pair, &binding[BINDING_EXPORTER]);
	assert_int_equal(binding[BINDING_END_POINT].length, 0);
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tls13),
	    cmocka_unit_test(tls12),
	    cmocka_unit_test(without_an_extended_master_secret),
	    cmocka_unit_test(without_a_hash),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
