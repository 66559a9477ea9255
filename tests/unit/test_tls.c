/* SPDX-License-Identifier: ISC */
/* Handshakes: every kind of key, version and scheme; SNI, ALPN, tickets, plain clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/tls1.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tls_pair.h"
#include "worker/gate/tls_names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One context for all tests here: five certificates. */
static struct bench bench;

static int
start(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	bench_init(&bench);
	fake_certd_add(&bench.certd, "rsa", fake_key(KEY_KIND_RSA),
		       "DNS:rsa.example,DNS:both.example");
	fake_certd_add(&bench.certd, "p256", fake_key(KEY_KIND_P256),
		       "DNS:P256.example,DNS:*.wild.example");
	fake_certd_add(&bench.certd, "p384", fake_key(KEY_KIND_P384),
		       "DNS:p384.example,DNS:exact.wild.example");
	fake_certd_add(&bench.certd, "p521", fake_key(KEY_KIND_P521), "DNS:p521.example");
	fake_certd_add(&bench.certd, "ed25519", fake_key(KEY_KIND_ED25519),
		       "DNS:ed25519.example,IP:192.0.2.1");
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
assert_done(const struct pair *pair)
{
	if (pair->result == TLS_FAILED)
		print_error("server: %s\n", tls_error(pair->server));
	if (pair->client_error != 0)
		print_error("client: %s\n", ERR_reason_error_string(pair->client_error));
	assert_int_equal(pair->result, TLS_OK);
	assert_int_equal(pair->client_result, 1);
}

static const struct {
	const char *certificate;
	int version;
	const char *schemes; /* that the client offers */
	int type, digest;    /* that come out; 0: the handshake must fail */
} combinations[] = {
    {"rsa", TLS1_3_VERSION, NULL, EVP_PKEY_RSA_PSS, NID_sha256},
    {"rsa", TLS1_3_VERSION, "rsa_pss_rsae_sha384", EVP_PKEY_RSA_PSS, NID_sha384},
    {"rsa", TLS1_3_VERSION, "rsa_pss_rsae_sha512", EVP_PKEY_RSA_PSS, NID_sha512},
    {"rsa", TLS1_3_VERSION, "RSA+SHA256", 0, 0},
    {"rsa", TLS1_2_VERSION, "rsa_pss_rsae_sha256", EVP_PKEY_RSA_PSS, NID_sha256},
    {"rsa", TLS1_2_VERSION, "rsa_pss_rsae_sha512", EVP_PKEY_RSA_PSS, NID_sha512},
    {"rsa", TLS1_2_VERSION, "RSA+SHA256", EVP_PKEY_RSA, NID_sha256},
    {"rsa", TLS1_2_VERSION, "RSA+SHA384", EVP_PKEY_RSA, NID_sha384},
    {"rsa", TLS1_2_VERSION, "RSA+SHA512", EVP_PKEY_RSA, NID_sha512},
    {"rsa", TLS1_2_VERSION, "RSA+SHA1", 0, 0},
    {"p256", TLS1_3_VERSION, NULL, EVP_PKEY_EC, NID_sha256},
    {"p256", TLS1_2_VERSION, NULL, EVP_PKEY_EC, NID_sha256},
    /* In TLS 1.2 a scheme doesn't name a curve, but certd signs no such pair. */
    {"p256", TLS1_2_VERSION, "ECDSA+SHA384:ECDSA+SHA256", EVP_PKEY_EC, NID_sha256},
    {"p256", TLS1_2_VERSION, "ECDSA+SHA384", 0, 0},
    {"p384", TLS1_3_VERSION, NULL, EVP_PKEY_EC, NID_sha384},
    {"p384", TLS1_2_VERSION, NULL, EVP_PKEY_EC, NID_sha384},
    {"p521", TLS1_3_VERSION, NULL, EVP_PKEY_EC, NID_sha512},
    {"p521", TLS1_2_VERSION, NULL, EVP_PKEY_EC, NID_sha512},
    {"ed25519", TLS1_3_VERSION, NULL, EVP_PKEY_ED25519, NID_undef},
    {"ed25519", TLS1_2_VERSION, NULL, EVP_PKEY_ED25519, NID_undef},
};

static void
test_combinations(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(combinations); i++) {
		struct pair pair;
		unsigned before = bench.certd.requests;
		int type = 0, digest = 0;

		pair_open(&pair, &bench, combinations[i].certificate, NULL);
		SSL_set_min_proto_version(pair.client, combinations[i].version);
		SSL_set_max_proto_version(pair.client, combinations[i].version);
		SSL_set_security_level(pair.client, 0);
		if (combinations[i].schemes != NULL)
			assert_int_equal(
			    SSL_set1_sigalgs_list(pair.client, combinations[i].schemes), 1);
		pair_run(&pair);
		if (combinations[i].type == 0) {
			assert_int_equal(pair.result, TLS_FAILED);
			assert_int_equal(bench.certd.requests, before);
		} else {
			assert_done(&pair);
			assert_int_equal(bench.certd.requests, before + 1);
			assert_int_equal(SSL_get_peer_signature_type_nid(pair.client, &type), 1);
			assert_int_equal(SSL_get_peer_signature_nid(pair.client, &digest), 1);
			assert_int_equal(type, combinations[i].type);
			assert_int_equal(digest, combinations[i].digest);
			assert_string_equal(tls_version(pair.server), SSL_get_version(pair.client));
			assert_string_equal(tls_cipher(pair.server),
					    SSL_get_cipher_name(pair.client));
			assert_true(pair_echo(&pair));
		}
		pair_free(&pair);
	}
}

static void
test_ciphers_and_groups(void **state)
{
	static const char *const ciphers[] = {"ECDHE-RSA-AES128-GCM-SHA256",
					      "ECDHE-RSA-AES256-GCM-SHA384",
					      "ECDHE-RSA-CHACHA20-POLY1305"};
	static const char *const refused[] = {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256",
					      "DHE-RSA-AES128-GCM-SHA256"};
	static const char *const groups[] = {"X25519", "P-256", "P-384"};

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		for (size_t i = 0; i < COUNT(groups); i++) {
			struct pair pair;

			pair_open(&pair, &bench, "rsa", NULL);
			SSL_set_min_proto_version(pair.client, version);
			SSL_set_max_proto_version(pair.client, version);
			SSL_set1_groups_list(pair.client, groups[i]);
			SSL_set_cipher_list(pair.client, ciphers[i]);
			pair_run(&pair);
			assert_done(&pair);
			pair_free(&pair);
		}
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct pair pair;

		pair_open(&pair, &bench, "rsa", NULL);
		SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
		SSL_set_cipher_list(pair.client, refused[i]);
		pair_run(&pair);
		assert_int_equal(pair.result, TLS_FAILED);
		assert_non_null(strstr(tls_error(pair.server), "no shared cipher"));
		assert_int_equal(pair.client_alert, SSL_AD_HANDSHAKE_FAILURE);
		pair_free(&pair);
	}
}

static void
test_old_version(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, &bench, "rsa", NULL);
	SSL_set_security_level(pair.client, 0);
	SSL_set_min_proto_version(pair.client, TLS1_1_VERSION);
	SSL_set_max_proto_version(pair.client, TLS1_1_VERSION);
	pair_run(&pair);
	assert_int_equal(pair.result, TLS_FAILED);
	assert_non_null(strstr(tls_error(pair.server), "unsupported protocol"));
	assert_int_equal(pair.client_alert, SSL_AD_PROTOCOL_VERSION);
	pair_free(&pair);
}

static void
test_server_name(void **state)
{
	static const struct {
		const char *certificate, *asked, *given;
		bool acknowledged;
	} cases[] = {
	    {"rsa", NULL, "rsa", false},
	    {"rsa", "p256.example", "p256", true},
	    {"rsa", "P384.EXAMPLE", "p384", true},
	    {"rsa", "some.wild.example", "p256", true},
	    {"rsa", "exact.wild.example", "p384", true},
	    {"p256", "exact.wild.example", "p256", true}, /* the listener's own speaks for it */
	    {"rsa", "a.b.wild.example", "rsa", false},
	    {"rsa", "wild.example", "rsa", false},
	    {"ed25519", "nobody.example", "ed25519", false},
	    {"p256", "both.example", "rsa", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			struct pair pair;
			X509 *cert;

			pair_open(&pair, &bench, cases[i].certificate, NULL);
			SSL_set_max_proto_version(pair.client, version);
			if (cases[i].asked != NULL)
				SSL_set_tlsext_host_name(pair.client, cases[i].asked);
			pair_run(&pair);
			assert_done(&pair);
			cert = SSL_get0_peer_certificate(pair.client);
			for (uint32_t e = 0; e < bench.certd.count; e++) {
				bool same = X509_cmp(cert, bench.certd.entries[e].cert) == 0;

				assert_int_equal(
				    same, strcmp(bench.certd.entries[e].name, cases[i].given) == 0);
			}
			pair_free(&pair);
		}
	}
}

/* Two certificates for one name: the client's signature schemes decide. */
static void
test_two_certificates(void **state)
{
	static const struct {
		const char *schemes;
		int type; /* 0: refused */
	} cases[] = {
	    {"rsa_pss_rsae_sha256:ECDSA+SHA256", EVP_PKEY_EC}, /* we prefer what costs less */
	    {"ECDSA+SHA256:rsa_pss_rsae_sha256", EVP_PKEY_EC}, {"ECDSA+SHA256", EVP_PKEY_EC},
	    {"rsa_pss_rsae_sha256:RSA+SHA256", EVP_PKEY_RSA},  {"ed25519", 0},
	};
	struct mg_choice choice = {.count = 2};
	struct bench two;

	(void)state;
	bench_init(&two);
	fake_certd_add(&two.certd, "r", fake_key(KEY_KIND_RSA), "DNS:two.example");
	fake_certd_add(&two.certd, "e", fake_key(KEY_KIND_P256), "DNS:two.example");
	bench_start(&two);
	strlcpy(choice.names[0], "r", sizeof(choice.names[0]));
	strlcpy(choice.names[1], "e", sizeof(choice.names[1]));
	for (size_t i = 0; i < COUNT(cases) * 3; i++) {
		bool asked = i >= COUNT(cases);
		struct pair pair;

		/* By name, and without any named: both are for the same name. */
		choice.count = i < 2 * COUNT(cases) ? 2 : 0;
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			pair_open_choice(&pair, &two, choice, NULL);
			SSL_set_min_proto_version(pair.client, version);
			SSL_set_max_proto_version(pair.client, version);
			SSL_set1_sigalgs_list(pair.client, cases[i % COUNT(cases)].schemes);
			if (asked)
				SSL_set_tlsext_host_name(pair.client, "two.example");
			pair_run(&pair);
			if (cases[i % COUNT(cases)].type == 0) {
				assert_int_equal(pair.result, TLS_FAILED);
			} else {
				assert_done(&pair);
				assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(
						     SSL_get0_peer_certificate(pair.client))),
						 cases[i % COUNT(cases)].type);
				assert_true(pair_echo(&pair));
			}
			pair_free(&pair);
		}
	}
	bench_free(&two);
}

/* What a listener presents by its rule; NULL: refused by unrecognized_name. */
static void
test_sni_rules(void **state)
{
	static const struct {
		enum sni_mode sni;
		const char *own, *own2, *asked, *given;
	} cases[] = {
	    {SNI_OWN, "rsa", NULL, "p256.example", "rsa"},
	    {SNI_OWN, "rsa", "p256", "p256.example", "p256"},
	    {SNI_OWN, "rsa", "p256", "nobody.example", "rsa"},
	    {SNI_OWN, "rsa", "p256", NULL, "rsa"},
	    {SNI_STRICT, "rsa", NULL, "p256.example", "p256"},
	    {SNI_STRICT, "rsa", NULL, "a.wild.example", "p256"},
	    {SNI_STRICT, "rsa", NULL, "a.b.wild.example", NULL},
	    {SNI_STRICT, "rsa", NULL, "nobody.example", NULL},
	    {SNI_STRICT, "rsa", NULL, NULL, "rsa"},
	    {SNI_STRICT_OWN, "rsa", NULL, "p256.example", NULL},
	    {SNI_STRICT_OWN, "rsa", "p256", "p256.example", "p256"},
	    {SNI_STRICT_OWN, "rsa", NULL, "both.example", "rsa"},
	    {SNI_STRICT_OWN, "rsa", NULL, NULL, "rsa"},
	    {SNI_ANY, "rsa", "p256", "exact.wild.example", "p256"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mg_choice choice = choice_of(cases[i].own);
		struct pair pair;

		choice.sni = (uint8_t)cases[i].sni;
		if (cases[i].own2 != NULL)
			strlcpy(choice.names[choice.count++], cases[i].own2, CERT_NAME_SIZE);
		pair_open_choice(&pair, &bench, choice, NULL);
		if (cases[i].asked != NULL)
			SSL_set_tlsext_host_name(pair.client, cases[i].asked);
		pair_run(&pair);
		if (cases[i].given == NULL) {
			assert_int_equal(pair.result, TLS_FAILED);
			assert_int_equal(pair.client_alert, SSL_AD_UNRECOGNIZED_NAME);
			assert_non_null(strstr(tls_error(pair.server), "no certificate for"));
		} else {
			assert_done(&pair);
			for (uint32_t e = 0; e < bench.certd.count; e++) {
				if (strcmp(bench.certd.entries[e].name, cases[i].given) == 0)
					assert_int_equal(
					    X509_cmp(SSL_get0_peer_certificate(pair.client),
						     bench.certd.entries[e].cert),
					    0);
			}
		}
		pair_free(&pair);
	}
}

/* RSA of 1024 bits: only where the listener says so. */
static void
test_weak(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	struct mg_choice choice = choice_of("weak");
	struct bench weak;
	struct error err;
	struct pair pair;

	(void)state;
	bench_init(&weak);
	fake_certd_add(&weak.certd, "weak", key, "DNS:weak.example");
	fake_certd_add(&weak.certd, "strong", fake_key(KEY_KIND_P256), "DNS:strong.example");
	bench_start(&weak);
	assert_null(tls_new(weak.context, 0, &choice, NULL, NULL, NULL, &err));
	for (int i = 0; i < 2; i++) {
		choice = choice_of(i == 0 ? "weak" : "strong");
		choice.weak = i == 0;
		pair_open_choice(&pair, &weak, choice, NULL);
		SSL_set_security_level(pair.client, 0);
		SSL_set_tlsext_host_name(pair.client, "weak.example");
		pair_run(&pair);
		assert_done(&pair);
		assert_int_equal(
		    X509_cmp(SSL_get0_peer_certificate(pair.client), weak.certd.entries[i].cert),
		    0);
		pair_free(&pair);
	}
	bench_free(&weak);
}

static void
test_alpn(void **state)
{
	static const struct {
		const char *server, *client; /* the client's in wire form */
		const char *chosen;          /* "": none, NULL: refused */
	} cases[] = {{"pop3", "\4pop3", "pop3"},   {"pop3", "\4imap\4pop3", "pop3"},
		     {"pop3", NULL, ""},           {NULL, "\4pop3", ""},
		     {"pop3", "\4imap", NULL},     {"imap", "\4imap", "imap"},
		     {"pop3", "\2h2\5pop33", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const unsigned char *chosen;
		unsigned length;
		struct pair pair;

		pair_open(&pair, &bench, "p256", cases[i].server);
		if (cases[i].client != NULL)
			SSL_set_alpn_protos(pair.client, (const unsigned char *)cases[i].client,
					    (unsigned)strlen(cases[i].client));
		pair_run(&pair);
		if (cases[i].chosen == NULL) {
			assert_int_equal(pair.result, TLS_FAILED);
			assert_int_equal(pair.client_alert, SSL_AD_NO_APPLICATION_PROTOCOL);
			pair_free(&pair);
			continue;
		}
		assert_done(&pair);
		SSL_get0_alpn_selected(pair.client, &chosen, &length);
		assert_int_equal(length, strlen(cases[i].chosen));
		assert_memory_equal(chosen, cases[i].chosen, length);
		pair_free(&pair);
	}
}

/* One handshake as a client that had SESSION before, if any; returns the one it gets. */
static SSL_SESSION *
visit(SSL_SESSION *session, int version, const char *host, const char *alpn, bool *resumed)
{
	SSL_SESSION *got;
	struct pair pair;

	pair_open(&pair, &bench, "rsa", alpn);
	SSL_set_min_proto_version(pair.client, version);
	SSL_set_max_proto_version(pair.client, version);
	if (host != NULL)
		SSL_set_tlsext_host_name(pair.client, host);
	if (session != NULL)
		SSL_set_session(pair.client, session);
	pair_run(&pair);
	assert_done(&pair);
	*resumed = SSL_session_reused(pair.client) == 1;
	assert_int_equal(tls_resumed(pair.server), *resumed);
	assert_true(pair_echo(&pair));
	got = SSL_get1_session(pair.client);
	tls_close(pair.server);
	SSL_shutdown(pair.client);
	pair_free(&pair);
	SSL_SESSION_free(session);
	return got;
}

static void
test_tickets(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		unsigned before = bench.certd.requests;
		bool resumed;
		SSL_SESSION *session = visit(NULL, version, "rsa.example", "pop3", &resumed);

		assert_false(resumed);
		assert_int_equal(bench.certd.requests, before + 1);
		session = visit(session, version, "rsa.example", "pop3", &resumed);
		assert_true(resumed);
		/* An older key still decrypts, and the ticket is renewed under the newest. */
		fake_certd_rotate(&bench.certd);
		bench_turn(&bench);
		session = visit(session, version, "rsa.example", "pop3", &resumed);
		assert_true(resumed);
		fake_certd_rotate(&bench.certd);
		fake_certd_rotate(&bench.certd);
		bench_turn(&bench);
		session = visit(session, version, "rsa.example", "pop3", &resumed);
		assert_true(resumed);
		assert_int_equal(bench.certd.requests, before + 1);
		/* No key is left that made it. */
		for (int i = 0; i < TICKET_KEYS; i++)
			fake_certd_rotate(&bench.certd);
		bench_turn(&bench);
		session = visit(session, version, "rsa.example", "pop3", &resumed);
		assert_false(resumed);
		/* Under another name, or in another protocol: not the same session. */
		session = visit(session, version, "both.example", "pop3", &resumed);
		assert_false(resumed);
		session = visit(session, version, "both.example", "imap", &resumed);
		assert_false(resumed);
		SSL_SESSION_free(session);
	}
}

/* certd starts again and knows only keys of its own: the tickets of before are still good. */
static void
test_tickets_outlive_certd(void **state)
{
	bool resumed;
	SSL_SESSION *session = visit(NULL, TLS1_3_VERSION, "rsa.example", "pop3", &resumed);

	(void)state;
	fake_certd_die(&bench.certd);
	bench.certd.tickets.count = 0;
	fake_certd_rotate(&bench.certd);
	bench_reconnect(&bench);
	session = visit(session, TLS1_3_VERSION, "rsa.example", "pop3", &resumed);
	assert_true(resumed);
	/* But not for ever: as many new ones take their place. */
	for (int i = 0; i < TICKET_KEYS; i++)
		fake_certd_rotate(&bench.certd);
	bench_turn(&bench);
	session = visit(session, TLS1_3_VERSION, "rsa.example", "pop3", &resumed);
	assert_false(resumed);
	SSL_SESSION_free(session);
}

/* RFC 8446 4.2.9: psk_dhe_ke only, whatever the client would take: each session has a key exchange.
 */
static void
test_resumption_exchanges_keys(void **state)
{
	SSL_SESSION *session;
	struct pair pair;
	bool resumed;

	(void)state;
	session = visit(NULL, TLS1_3_VERSION, NULL, NULL, &resumed);
	pair_open(&pair, &bench, "rsa", NULL);
	SSL_set_options(pair.client, SSL_OP_ALLOW_NO_DHE_KEX);
	SSL_set_session(pair.client, session);
	pair_run(&pair);
	assert_done(&pair);
	assert_int_equal(SSL_session_reused(pair.client), 1);
	assert_int_not_equal(SSL_get_negotiated_group(pair.client), 0);
	assert_int_equal(SSL_get_negotiated_group(pair.client), NID_X25519);
	pair_free(&pair);
	SSL_SESSION_free(session);
}

static void
test_plain_clients(void **state)
{
	static const struct {
		const char *bytes;
		const char *said;
	} cases[] = {
	    {"EHLO client.example\r\nMAIL FROM:<>\r\n",
	     "no TLS: the client sent \"EHLO client.example\""},
	    {"GET / HTTP/1.1\r\n", "no TLS: the client sent \"GET / HTTP/1.1\""},
	    {"\r\n", "no TLS: the client sent 0x0d first"},
	    {"\x16\x02\x01", "no TLS: the client sent \"\x16\x02\x01\""},
	    {"\x80\x2e\x01\x03\x01", "no TLS: the client sent \"\x80\x2e\x01\x03\x01\""},
	};
	static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t got[32];
		struct pair pair;

		pair_open(&pair, &bench, "rsa", NULL);
		assert_int_equal(tls_handshake(pair.server), TLS_WANT_READ);
		assert_int_equal(send(pair.client_fd, cases[i].bytes, strlen(cases[i].bytes), 0),
				 strlen(cases[i].bytes));
		assert_int_equal(tls_handshake(pair.server), TLS_FAILED);
		assert_string_equal(tls_error(pair.server), cases[i].said);
		assert_int_equal(recv(pair.client_fd, got, sizeof(got), 0), sizeof(alert));
		assert_memory_equal(got, alert, sizeof(alert));
		assert_int_equal(tls_handshake(pair.server), TLS_FAILED);
		pair_free(&pair);
	}
}

static void
test_garbage_hello(void **state)
{
	static const uint8_t hellos[][12] = {
	    {22, 3, 1, 0, 7, 1, 0, 0, 3, 9, 9, 9},       /* a ClientHello of three bytes */
	    {22, 3, 1, 0, 7, 99, 0, 0, 3, 9, 9, 9},      /* no such message */
	    {22, 3, 1, 0xff, 0xff, 1, 0, 0, 3, 9, 9, 9}, /* a record too long */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(hellos); i++) {
		uint8_t got[32];
		struct pair pair;
		ssize_t n;

		pair_open(&pair, &bench, "rsa", NULL);
		assert_int_equal(send(pair.client_fd, hellos[i], sizeof(hellos[i]), 0), 12);
		assert_int_equal(tls_handshake(pair.server), TLS_FAILED);
		assert_true(strlen(tls_error(pair.server)) > 5);
		n = recv(pair.client_fd, got, sizeof(got), MSG_DONTWAIT);
		assert_int_equal(n, 7);
		assert_int_equal(got[0], 21);
		assert_int_equal(got[5], 2);
		pair_free(&pair);
	}
}

static void
test_client_goes(void **state)
{
	struct pair pair;
	char byte;
	size_t done;

	(void)state;
	/* At once. */
	pair_open(&pair, &bench, "rsa", NULL);
	shutdown(pair.client_fd, SHUT_WR);
	assert_int_equal(tls_handshake(pair.server), TLS_EOF);
	pair_free(&pair);
	/* In the handshake. */
	pair_open(&pair, &bench, "rsa", NULL);
	SSL_do_handshake(pair.client);
	pair.result = tls_handshake(pair.server);
	bench_turn(&bench);
	shutdown(pair.client_fd, SHUT_RDWR);
	pair_run(&pair);
	assert_true(pair.result == TLS_EOF || pair.result == TLS_FAILED);
	pair_free(&pair);
	/* After it, with and without a word. */
	for (int polite = 0; polite < 2; polite++) {
		pair_open(&pair, &bench, "rsa", NULL);
		pair_run(&pair);
		assert_done(&pair);
		assert_int_equal(tls_read(pair.server, &byte, 1, &done), TLS_WANT_READ);
		if (polite)
			SSL_shutdown(pair.client);
		else
			shutdown(pair.client_fd, SHUT_WR);
		assert_int_equal(tls_read(pair.server, &byte, 1, &done), TLS_EOF);
		pair_free(&pair);
	}
}

/* SSL_OP_NO_RENEGOTIATION: RFC 5246 7.2.2's no_renegotiation warning, and nothing else happens. */
static void
test_renegotiation(void **state)
{
	struct pair pair;
	char bytes[8];
	size_t done;

	(void)state;
	pair_open(&pair, &bench, "rsa", NULL);
	SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
	pair_run(&pair);
	assert_done(&pair);
	assert_int_equal(SSL_renegotiate(pair.client), 1);
	assert_int_equal(SSL_do_handshake(pair.client), -1);
	assert_int_equal(tls_read(pair.server, bytes, sizeof(bytes), &done), TLS_WANT_READ);
	assert_int_equal(SSL_do_handshake(pair.client), -1);
	assert_int_equal(pair.client_alert, SSL_AD_NO_RENEGOTIATION);
	pair_free(&pair);
}

/* RFC 8446 4.6.3: the client may ask for new keys. */
static void
test_key_update(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, &bench, "p256", NULL);
	pair_run(&pair);
	assert_done(&pair);
	assert_int_equal(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_true(pair_echo(&pair));
	pair_free(&pair);
}

/* What was read ahead is known to be there, a part of a record is not. */
static void
test_pending(void **state)
{
	char bytes[8];
	struct pair pair;
	size_t done;

	(void)state;
	pair_open(&pair, &bench, "p256", NULL);
	pair_run(&pair);
	assert_done(&pair);
	assert_int_equal(tls_pending(pair.server), 0);
	SSL_write(pair.client, "one", 3);
	SSL_write(pair.client, "two", 3);
	assert_int_equal(tls_read(pair.server, bytes, 1, &done), TLS_OK);
	assert_int_equal(tls_pending(pair.server), 1);
	assert_int_equal(tls_read(pair.server, bytes, sizeof(bytes), &done), TLS_OK);
	assert_int_equal(done, 2);
	assert_int_equal(tls_pending(pair.server), 1);
	assert_int_equal(tls_read(pair.server, bytes, sizeof(bytes), &done), TLS_OK);
	assert_int_equal(done, 3);
	assert_int_equal(tls_pending(pair.server), 0);
	assert_int_equal(tls_read(pair.server, bytes, sizeof(bytes), &done), TLS_WANT_READ);
	assert_int_equal(tls_pending(pair.server), 0);
	pair_free(&pair);
}

static void
test_unknown_certificate(void **state)
{
	const struct mg_choice nothing = choice_of("nothing");
	struct error err;

	(void)state;
	assert_null(tls_new(bench.context, 0, &nothing, NULL, NULL, NULL, &err));
	assert_string_equal(err.text, "no certificate \"nothing\" has come from certd");
}

static void
test_settings(void **state)
{
	static const struct {
		const char *tls12, *tls13, *error;
	} cases[] = {
	    {"ECDHE-ECDSA-AES128-GCM-SHA256", "", NULL},
	    {"ECDHE+AESGCM:!ECDSA:@STRENGTH", "TLS_AES_128_GCM_SHA256", NULL},
	    {"ECDHE-RSA-AES128-GCM-SHA256:NONSENSE", "",
	     "TLS: unknown TLS 1.2 cipher \"NONSENSE\""},
	    {"AES128-GCM-SHA256", "",
	     "TLS: TLS 1.2 cipher \"AES128-GCM-SHA256\" has no forward secrecy by ECDHE"},
	    {"AECDH-AES128-SHA:@SECLEVEL=0", "",
	     "TLS: TLS 1.2 cipher \"AECDH-AES128-SHA\" goes without a certificate"},
	    {"", "TLS_NULL", "TLS: no list of TLS 1.3 ciphers: \"TLS_NULL\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mg_settings settings = {.handshake_timeout = 30};
		struct tls_context *context;
		struct error err;

		strlcpy(settings.ciphers_tls12, cases[i].tls12, GATE_CIPHERS_SIZE);
		strlcpy(settings.ciphers_tls13, cases[i].tls13, GATE_CIPHERS_SIZE);
		context = tls_context_new(bench.base, &settings, &err);
		assert_int_equal(context == NULL, cases[i].error != NULL);
		if (context == NULL)
			assert_string_equal(err.text, cases[i].error);
		tls_context_free(context);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_combinations),
	    cmocka_unit_test(test_ciphers_and_groups),
	    cmocka_unit_test(test_old_version),
	    cmocka_unit_test(test_server_name),
	    cmocka_unit_test(test_two_certificates),
	    cmocka_unit_test(test_sni_rules),
	    cmocka_unit_test(test_weak),
	    cmocka_unit_test(test_alpn),
	    cmocka_unit_test(test_tickets),
	    cmocka_unit_test(test_tickets_outlive_certd),
	    cmocka_unit_test(test_resumption_exchanges_keys),
	    cmocka_unit_test(test_plain_clients),
	    cmocka_unit_test(test_garbage_hello),
	    cmocka_unit_test(test_client_goes),
	    cmocka_unit_test(test_renegotiation),
	    cmocka_unit_test(test_key_update),
	    cmocka_unit_test(test_pending),
	    cmocka_unit_test(test_unknown_certificate),
	    cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
