/* SPDX-License-Identifier: ISC */
/* Handshakes that wait for certd, and what can happen meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tls_pair.h"

#define MANY 560u /* more than there are fibres (FIBRES_MAX) */

static int
start(void **state)
{
	struct bench *bench = malloc(sizeof(*bench));

	signal(SIGPIPE, SIG_IGN);
	bench_init(bench);
	fake_certd_add(&bench->certd, "a", fake_key(KEY_KIND_P256), "DNS:a.example");
	fake_certd_add(&bench->certd, "b", fake_key(KEY_KIND_RSA), "DNS:b.example");
	bench_start(bench);
	*state = bench;
	return 0;
}

static int
stop(void **state)
{
	bench_free(*state);
	free(*state);
	return 0;
}

static void
set_version(struct pair *pair, int version)
{
	SSL_set_min_proto_version(pair->client, version);
	SSL_set_max_proto_version(pair->client, version);
}

/* Opens a pair whose handshake waits for certd. */
static void
open_waiting(struct pair *pair, struct bench *bench, const char *certificate)
{
	bench->certd.mode = FAKE_HOLD;
	pair_open(pair, bench, certificate, NULL);
	pair_run(pair);
	assert_int_equal(pair->result, TLS_WANT_KEY);
}

static void
assert_done(struct pair *pair)
{
	pair_run(pair);
	if (pair->result == TLS_FAILED)
		print_error("server: %s\n", tls_error(pair->server));
	assert_int_equal(pair->result, TLS_OK);
	assert_int_equal(pair->client_result, 1);
	assert_true(pair_echo(pair));
}

static void
test_waiting(void **state)
{
	struct bench *bench = *state;
	struct pair slow, other;

	/* Nobody is woken, and to ask again changes nothing, until the answer is there. */
	open_waiting(&slow, bench, "a");
	assert_int_equal(bench->certd.requests, 1);
	assert_int_equal(slow.woken, 0);
	assert_int_equal(tls_handshake(slow.server), TLS_WANT_KEY);
	assert_int_equal(bench->certd.requests, 1);
	/* Others are served. */
	bench->certd.mode = FAKE_ANSWER;
	pair_open(&other, bench, "b", NULL);
	assert_done(&other);
	fake_certd_release(&bench->certd);
	assert_done(&slow);
	assert_int_equal(slow.woken, 1);
	pair_free(&slow);
	pair_free(&other);
}

/* The waker may put it off to a later turn of the loop. */
static void
test_woken_later(void **state)
{
	struct bench *bench = *state;
	struct pair pair;

	bench->certd.mode = FAKE_HOLD;
	pair_open(&pair, bench, "a", NULL);
	pair.auto_wake = false;
	pair_run(&pair);
	fake_certd_release(&bench->certd);
	bench_turn(bench);
	assert_int_equal(pair.woken, 1);
	assert_done(&pair);
	pair_free(&pair);
}

static void
test_certd_dies(void **state)
{
	struct bench *bench = *state;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		unsigned before = bench->certd.requests;
		struct pair waiting, later;

		bench->certd.mode = FAKE_HOLD;
		pair_open(&waiting, bench, "b", NULL);
		set_version(&waiting, version);
		pair_run(&waiting);
		assert_int_equal(waiting.result, TLS_WANT_KEY);
		fake_certd_die(&bench->certd);
		bench_turn(bench);
		/* Who comes while there is none waits too. */
		pair_open(&later, bench, "a", NULL);
		set_version(&later, version);
		pair_run(&later);
		assert_int_equal(later.result, TLS_WANT_KEY);
		assert_int_equal(waiting.woken + later.woken, 0);
		/* The new one has other handles for the same keys. */
		bench->certd.mode = FAKE_ANSWER;
		bench_reconnect(bench);
		assert_int_equal(bench->certd.requests, before + 3);
		assert_done(&waiting);
		assert_done(&later);
		pair_free(&waiting);
		pair_free(&later);
	}
	assert_int_equal(bench->ready, 1);
}

/* The master hands over a new channel before the old one has been seen to end. */
static void
test_channel_replaced(void **state)
{
	struct bench *bench = *state;
	struct ipc_channel *old;
	struct pair pair;

	open_waiting(&pair, bench, "a");
	old = bench->certd.channel;
	bench->certd.mode = FAKE_ANSWER;
	bench_reconnect(bench);
	assert_ptr_not_equal(old, bench->certd.channel);
	assert_done(&pair);
	pair_free(&pair);
}

static void
test_key_gone(void **state)
{
	struct bench *bench = *state;
	const struct mg_choice b = choice_of("b");
	struct error err;
	struct pair pair;

	/* certd comes back with another key under the name: the old one's signature is lost. */
	open_waiting(&pair, bench, "a");
	fake_certd_die(&bench->certd);
	bench_turn(bench);
	fake_certd_replace(&bench->certd, "a", fake_key(KEY_KIND_P256), "DNS:a.example");
	bench->certd.mode = FAKE_ANSWER;
	bench_reconnect(bench);
	assert_int_equal(pair.result, TLS_FAILED);
	assert_string_equal(tls_error(pair.server), "the certificate's key is gone");
	pair_run(&pair);
	assert_int_equal(pair.client_alert, SSL_AD_INTERNAL_ERROR);
	pair_free(&pair);
	/* Or without it. */
	open_waiting(&pair, bench, "b");
	fake_certd_die(&bench->certd);
	bench_turn(bench);
	X509_free(bench->certd.entries[1].cert);
	EVP_PKEY_free(bench->certd.entries[1].key);
	bench->certd.count = 1;
	bench->certd.mode = FAKE_ANSWER;
	bench_reconnect(bench);
	assert_int_equal(pair.result, TLS_FAILED);
	assert_null(tls_new(bench->context, 0, &b, NULL, NULL, NULL, &err));
	pair_free(&pair);
	pair_open(&pair, bench, "a", NULL);
	assert_done(&pair);
	pair_free(&pair);
}

static void
assert_certificate(const struct pair *pair, const X509 *cert)
{
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(pair->client), cert), 0);
}

static void
test_certificate_replaced(void **state)
{
	struct bench *bench = *state;
	struct pair running, waiting, fresh;
	X509 *old = bench->certd.entries[0].cert;

	X509_up_ref(old);
	pair_open(&running, bench, "a", NULL);
	assert_done(&running);
	open_waiting(&waiting, bench, "a");
	/* A new certificate for the same key: nobody notices who has begun with the old one. */
	fake_certd_replace(&bench->certd, "a", NULL, "DNS:a.example,DNS:new.example");
	bench_turn(bench);
	fake_certd_release(&bench->certd);
	assert_done(&waiting);
	assert_certificate(&waiting, old);
	assert_true(pair_echo(&running));
	pair_open(&fresh, bench, "a", NULL);
	assert_done(&fresh);
	assert_certificate(&fresh, bench->certd.entries[0].cert);
	pair_free(&fresh);
	/* A new key, also for who was accepted before it came. */
	pair_open(&fresh, bench, "a", NULL);
	fake_certd_replace(&bench->certd, "a", fake_key(KEY_KIND_RSA), "DNS:a.example");
	bench_turn(bench);
	assert_true(pair_echo(&running));
	assert_done(&fresh);
	assert_certificate(&fresh, bench->certd.entries[0].cert);
	pair_free(&fresh);
	pair_free(&waiting);
	pair_free(&running);
	X509_free(old);
}

/* A chain OpenSSL won't take leaves the one before it in force. */
static void
test_bad_certificate(void **state)
{
	struct bench *bench = *state;
	struct gc_certificate body = {.key = bench->certd.first_handle, .name = "a"};
	EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)512);
	X509 *cert = fake_cert(weak, "DNS:a.example");
	unsigned char *der = NULL;
	int length = i2d_X509(cert, &der);
	struct pair pair;

	ipc_send(bench->certd.channel, GC_CERTIFICATE, 0, &body, (const char *)der, (size_t)length,
		 -1);
	ipc_send(bench->certd.channel, GC_CERTIFICATE, 0, &body, (const char *)der,
		 (size_t)length / 2, -1);
	ipc_send(bench->certd.channel, GC_CERTIFICATE, 0, &body, "nonsense", 8, -1);
	ipc_send(bench->certd.channel, GC_CERTIFICATE, 0, &body, NULL, 0, -1);
	bench_turn(bench);
	assert_non_null(bench->certd.channel);
	pair_open(&pair, bench, "a", NULL);
	assert_done(&pair);
	assert_certificate(&pair, bench->certd.entries[0].cert);
	pair_free(&pair);
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(weak);
}

static void
test_freed_while_waiting(void **state)
{
	struct bench *bench = *state;
	struct pair pair;

	/* The request is out. */
	open_waiting(&pair, bench, "a");
	pair_free(&pair);
	fake_certd_release(&bench->certd);
	bench_turn(bench);
	/* There is no certd. */
	open_waiting(&pair, bench, "b");
	fake_certd_die(&bench->certd);
	bench_turn(bench);
	pair_free(&pair);
	/* The answer has come, but was not taken. */
	bench->certd.mode = FAKE_ANSWER;
	bench_reconnect(bench);
	pair_open(&pair, bench, "a", NULL);
	pair.auto_wake = false;
	SSL_do_handshake(pair.client);
	assert_int_equal(tls_handshake(pair.server), TLS_WANT_KEY);
	bench_turn(bench);
	assert_int_equal(pair.woken, 1);
	pair_free(&pair);
	/* In the middle of nothing. */
	pair_open(&pair, bench, "a", NULL);
	pair_free(&pair);
	pair_open(&pair, bench, "a", NULL);
	assert_done(&pair);
	pair_free(&pair);
}

static void
test_refused(void **state)
{
	struct bench *bench = *state;
	struct pair pair;

	bench->certd.mode = FAKE_REFUSE;
	pair_open(&pair, bench, "a", NULL);
	pair_run(&pair);
	assert_int_equal(pair.result, TLS_FAILED);
	assert_string_equal(tls_error(pair.server), "certd refused: no key of this channel");
	assert_int_equal(pair.client_alert, SSL_AD_INTERNAL_ERROR);
	pair_free(&pair);
	bench->certd.mode = FAKE_ANSWER;
	pair_open(&pair, bench, "a", NULL);
	assert_done(&pair);
	pair_free(&pair);
}

/* Design section 1: a peer that breaks the protocol is cut off. */
static void
test_protocol_broken(void **state)
{
	static const enum fake_mode modes[] = {FAKE_WRONG, FAKE_EMPTY};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct pair pair;

		bench->certd.mode = modes[i];
		pair_open(&pair, bench, "a", NULL);
		pair_run(&pair);
		assert_int_equal(pair.result, TLS_FAILED);
		assert_string_equal(tls_error(pair.server), "certd broke the protocol");
		assert_null(bench->certd.channel);
		pair_free(&pair);
		bench->certd.mode = FAKE_ANSWER;
		bench_reconnect(bench);
		pair_open(&pair, bench, "a", NULL);
		assert_done(&pair);
		pair_free(&pair);
	}
	/* Ready twice; more ticket keys than there can be; a name without an end. */
	for (int i = 0; i < 3; i++) {
		struct gc_ticket_keys tickets = {.count = TICKET_KEYS + 1};
		struct gc_certificate body = {.key = 1};

		memset(body.name, 'x', sizeof(body.name));
		if (i == 0)
			ipc_send(bench->certd.channel, GC_READY, 0, NULL, NULL, 0, -1);
		else if (i == 1)
			ipc_send(bench->certd.channel, GC_TICKET_KEYS, 0, &tickets, NULL, 0, -1);
		else
			ipc_send(bench->certd.channel, GC_CERTIFICATE, 0, &body, NULL, 0, -1);
		bench_turn(bench);
		assert_null(bench->certd.channel);
		bench_reconnect(bench);
	}
}

/* More handshakes at once than fibres: the rest wait for their turn, all are done in the end. */
static void
test_many(void **state)
{
	struct bench *bench = *state;
	struct pair *pairs = calloc(MANY, sizeof(*pairs));

	bench->certd.mode = FAKE_HOLD;
	for (unsigned i = 0; i < MANY; i++) {
		pair_open(&pairs[i], bench, "a", NULL);
		pairs[i].client_result = SSL_do_handshake(pairs[i].client);
		pairs[i].result = tls_handshake(pairs[i].server);
		assert_int_equal(pairs[i].result, TLS_WANT_KEY);
	}
	bench_turn(bench);
	assert_true(bench->certd.requests < MANY);
	/* Some go away: of those that wait for certd, and of those that wait for a fibre. */
	for (unsigned i = 0; i < MANY; i += 100) {
		tls_free(pairs[i].server);
		pairs[i].server = NULL;
	}
	tls_free(pairs[MANY - 1].server);
	pairs[MANY - 1].server = NULL;
	fake_certd_release(&bench->certd);
	for (int i = 0; i < 200; i++)
		bench_turn(bench);
	for (unsigned i = 0; i < MANY; i++) {
		if (pairs[i].server != NULL) {
			pair_run(&pairs[i]);
			assert_int_equal(pairs[i].result, TLS_OK);
		}
		pair_free(&pairs[i]);
	}
	free(pairs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_waiting),
	    TEST(test_woken_later),
	    TEST(test_certd_dies),
	    TEST(test_channel_replaced),
	    TEST(test_key_gone),
	    TEST(test_certificate_replaced),
	    TEST(test_bad_certificate),
	    TEST(test_freed_while_waiting),
	    TEST(test_refused),
	    TEST(test_protocol_broken),
	    TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
