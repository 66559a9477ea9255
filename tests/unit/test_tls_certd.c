/* SPDX-License-Identifier: ISC */
/* The gate's TLS with a real postern-certd: what the provider asks for is what certd signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/real_certd.h"
#include "tests/unit/tls_pair.h"
#include "worker/gate/tls_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	enum cert_key_kind kind;
} keys[] = {
    {"rsa", CERT_KEY_RSA_2048}, {"rsa3072", CERT_KEY_RSA_3072}, {"p256", CERT_KEY_P256},
    {"p384", CERT_KEY_P384},    {"p521", CERT_KEY_P521},        {"ed25519", CERT_KEY_ED25519},
};

static struct real_certd certd;
static struct bench bench;

static void
on_ready(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
connect_certd(void)
{
	const char *names[COUNT(keys) + 1] = {[COUNT(keys)] = "swap"};

	for (size_t i = 0; i < COUNT(keys); i++)
		names[i] = keys[i].name;
	if (tls_context_set_channel(bench.context, real_certd_channel(&certd, names, COUNT(names)),
				    "certd", on_ready, &bench.ready) != 0)
		abort();
}

static int
start(void **state)
{
	static const struct mg_settings settings = {.handshake_timeout = 30};
	struct error err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	real_certd_init(&certd, "./postern-certd");
	real_certd_start(&certd);
	for (size_t i = 0; i < COUNT(keys); i++)
		real_certd_create(&certd, keys[i].name, keys[i].kind, "mail.example");
	bench_init(&bench);
	bench.context = tls_context_new(bench.base, &settings, &err);
	if (bench.context == NULL)
		return -1;
	connect_certd();
	while (bench.ready == 0)
		event_base_loop(bench.base, EVLOOP_ONCE);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	bench_free(&bench);
	real_certd_free(&certd);
	return 0;
}

/* Both sides take turns until the server waits for certd. */
static void
run_to_key(struct pair *pair)
{
	do {
		SSL_do_handshake(pair->client);
		pair->result = tls_handshake(pair->server);
	} while (pair->result == TLS_WANT_READ || pair->result == TLS_WANT_WRITE);
}

static void
run_to_end(struct pair *pair)
{
	/* pair_run() gives up when nothing moves for a while, which another process may take. */
	while (pair->result == TLS_WANT_KEY)
		event_base_loop(bench.base, EVLOOP_ONCE);
	pair_run(pair);
	if (pair->result == TLS_FAILED)
		print_error("server: %s\n", tls_error(pair->server));
	assert_int_equal(pair->result, TLS_OK);
	assert_int_equal(pair->client_result, 1);
	assert_true(pair_echo(pair));
}

static void
test_keys(void **state)
{
	static const char *const rsa_schemes[] = {"rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384",
						  "rsa_pss_rsae_sha512", "RSA+SHA256",
						  "RSA+SHA384",          "RSA+SHA512"};
	/* The first is used. In TLS 1.2 a certificate's curve must be among them too. */
	static const char *const groups[] = {"X25519:P-256:P-384:P-521", "P-256:P-384:P-521",
					     "P-384:P-521"};

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		for (size_t i = 0; i < COUNT(keys) * COUNT(groups); i++) {
			const char *name = keys[i / COUNT(groups)].name;
			struct pair pair;

			if (i % COUNT(groups) == 2 && strcmp(name, "p256") == 0)
				continue;
			pair_open(&pair, &bench, name, NULL);
			SSL_set_min_proto_version(pair.client, version);
			SSL_set_max_proto_version(pair.client, version);
			SSL_set1_groups_list(pair.client, groups[i % COUNT(groups)]);
			run_to_key(&pair);
			assert_int_equal(pair.result, TLS_WANT_KEY);
			run_to_end(&pair);
			pair_free(&pair);
		}
		for (size_t i = 0; i < (version == TLS1_2_VERSION ? 6 : 3); i++) {
			struct pair pair;

			pair_open(&pair, &bench, "rsa", NULL);
			SSL_set_min_proto_version(pair.client, version);
			SSL_set_max_proto_version(pair.client, version);
			SSL_set1_sigalgs_list(pair.client, rsa_schemes[i]);
			run_to_key(&pair);
			run_to_end(&pair);
			pair_free(&pair);
		}
	}
}

/* Stopped, killed, started again: who was in the middle of a handshake doesn't notice. */
static void
test_killed(void **state)
{
	struct pair pairs[COUNT(keys)];

	(void)state;
	kill(certd.pid, SIGSTOP);
	for (size_t i = 0; i < COUNT(pairs); i++) {
		pair_open(&pairs[i], &bench, keys[i].name, NULL);
		run_to_key(&pairs[i]);
		assert_int_equal(pairs[i].result, TLS_WANT_KEY);
	}
	/* One doesn't wait that long. */
	pair_free(&pairs[0]);
	real_certd_kill(&certd);
	bench_turn(&bench);
	real_certd_start(&certd);
	connect_certd();
	for (size_t i = 1; i < COUNT(pairs); i++)
		run_to_end(&pairs[i]);
	for (size_t i = 1; i < COUNT(pairs); i++)
		pair_free(&pairs[i]);
	assert_int_equal(bench.ready, 1);
}

/* A slow certd delays those who need it, and nobody else. */
static void
test_stopped(void **state)
{
	struct pair open, waiting;

	(void)state;
	pair_open(&open, &bench, "p256", NULL);
	run_to_key(&open);
	run_to_end(&open);
	kill(certd.pid, SIGSTOP);
	pair_open(&waiting, &bench, "rsa", NULL);
	run_to_key(&waiting);
	assert_true(pair_echo(&open));
	kill(certd.pid, SIGCONT);
	run_to_end(&waiting);
	pair_free(&open);
	pair_free(&waiting);
}

/* 1 if it ended with the certificate that is called NAME too. */
static unsigned
shows(const struct pair *pair, const char *name)
{
	const struct certificate *certificate = certificate_find(bench.context, name);

	return X509_cmp(SSL_get0_peer_certificate(pair->client),
			sk_X509_value(certificate->chain, 0)) == 0;
}

/*
 * 100 keys, one after another, under handshakes that are under way: each ends with the key of the
 * certificate it began with, or the client, which verifies the signature, would say so.
 */
static void
test_swapped(void **state)
{
	static const char *const from[] = {"p256", "rsa", "ed25519", "p384"};
	struct mg_choice choice = choice_of("swap");
	struct pair pairs[4];
	unsigned shown[COUNT(from)] = {0};

	(void)state;
	real_certd_create(&certd, "swap", CERT_KEY_P256, "mail.example");
	while (certificate_find(bench.context, "swap") == NULL)
		event_base_loop(bench.base, EVLOOP_ONCE);
	for (size_t swap = 0; swap < 100; swap++) {
		for (size_t i = 0; i < COUNT(pairs); i++) {
			pair_open_choice(&pairs[i], &bench, choice, NULL);
			run_to_key(&pairs[i]);
			if (i == COUNT(pairs) / 2)
				real_certd_swap(&certd, "swap", from[swap % COUNT(from)]);
		}
		for (size_t i = 0; i < COUNT(pairs); i++) {
			run_to_end(&pairs[i]);
			for (size_t k = 0; k < COUNT(from); k++)
				shown[k] += shows(&pairs[i], from[k]);
			pair_free(&pairs[i]);
		}
	}
	for (size_t k = 0; k < COUNT(from); k++)
		assert_true(shown[k] > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_swapped),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
