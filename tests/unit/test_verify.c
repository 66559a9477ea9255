/* SPDX-License-Identifier: ISC */
/*
 * The verifier, with proofs of real handshakes; and an attacker who owns a gate and invents
 * clients: none is vouched for.
 */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/proofs.h"
#include "verify/check.h"

#define NOW 100000
#define TRUST 7u

struct world {
	struct party authority, other_authority, server;
	struct questions *questions;
	struct trust *trust;
};
static struct world world;

static void
give_authorities(struct trust *trust, const X509 *certificate)
{
	struct error err = {.text = ""};
	FILE *file = tmpfile();

	assert_non_null(file);
	PEM_write_X509(file, certificate);
	fflush(file);
	if (trust_read(trust, TRUST_AUTHORITIES, fileno(file), &err) != 1)
		fail_msg("%s", err.text);
	fclose(file);
}

static int
set_up(void **state)
{
	(void)state;
	world.authority = make_party(p256(), "authority", NULL, "", -60, 3600);
	world.other_authority = make_party(p256(), "other", NULL, "", -60, 3600);
	world.server = make_party(p256(), "server", NULL, "serverAuth", -60, 3600);
	world.questions = questions_new();
	world.trust = trust_new(TRUST);
	world.trust->depth = 2;
	give_authorities(world.trust, world.authority.certificate);
	questions_turn(world.questions, NOW);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	party_free(&world.authority);
	party_free(&world.other_authority);
	party_free(&world.server);
	questions_free(world.questions);
	trust_free(world.trust);
	return 0;
}

/*
 * -- Handshakes ------------------------------------------------------------------
 */

/* CLIENT logs in over VERSION; GROUPS may lead to a HelloRetryRequest. */
static void
shake(const struct party *client, int version, const char *groups, uint32_t trust,
      struct capture *out)
{
	uint8_t question[QUESTION_NAME_MAX];
	size_t length = question_name(world.questions, trust, question);

	shake_hands(client, &world.server, version, groups, question, length, out);
}

static struct identity identity;
static bool later;

static const char *
check(const struct capture *capture, int64_t now)
{
	return check_proof(world.trust, world.questions, capture->bytes, capture->length, now,
			   &identity, &later);
}

/* For what the client has done. */
static void
assert_refused(const struct capture *capture, const char *why)
{
	const char *said = check(capture, NOW);

	assert_non_null(said);
	assert_non_null(strstr(said, why));
	assert_false(later);
}

/* Nothing is said about the client. */
static void
assert_later(const struct capture *capture, const char *why)
{
	const char *said = check(capture, NOW);

	assert_non_null(said);
	assert_non_null(strstr(said, why));
	assert_true(later);
}

static struct party
alice(EVP_PKEY *key)
{
	return make_party(key, "alice", &world.authority, "clientAuth", -60, 3600);
}

static struct capture capture, changed;

static void
assert_alice(const char *why)
{
	if (why != NULL)
		fail_msg("%s", why);
	assert_int_equal(identity.body.names, 1);
	assert_string_equal(identity.text, "CN=alice");
	assert_string_equal(identity.text + sizeof("CN=alice"), "alice@example.org");
}

static void
every_kind_of_key(void **state)
{
	EVP_PKEY *keys[] = {p256(), EVP_EC_gen("P-384"), EVP_RSA_gen(2048),
			    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct party client = alice(keys[i]);

		for (size_t v = 0; v < 2; v++) {
			shake(&client, versions[v], "P-256:P-384", TRUST, &capture);
			assert_alice(check(&capture, NOW));
		}
		party_free(&client);
	}
}

static void
after_a_hello_retry_request(void **state)
{
	struct party client = alice(p256());

	(void)state;
	shake(&client, TLS1_3_VERSION, "X25519:P-256", TRUST, &capture);
	assert_alice(check(&capture, NOW));
	party_free(&client);
}

static void
no_proof_counts_twice(void **state)
{
	struct party client = alice(p256());

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		shake(&client, version, "P-256", TRUST, &capture);
		assert_alice(check(&capture, NOW));
		assert_refused(&capture, "used before");
	}
	party_free(&client);
}

static void
an_old_proof_does_not_count(void **state)
{
	struct party client = alice(p256());

	(void)state;
	shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
	assert_non_null(check(&capture, NOW + QUESTION_LIFE + 1));
	assert_true(later);
	party_free(&client);
}

/* Another verifier, or this one before it was started anew. */
static void
a_proof_from_elsewhere_does_not_count(void **state)
{
	struct party client = alice(p256());
	struct questions *own = world.questions;

	(void)state;
	world.questions = questions_new();
	questions_turn(world.questions, NOW);
	shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
	questions_free(world.questions);
	world.questions = own;
	assert_later(&capture, "made elsewhere");
	party_free(&client);
}

static void
a_proof_for_another_listener_does_not_count(void **state)
{
	struct party client = alice(p256());

	(void)state;
	shake(&client, TLS1_3_VERSION, "P-256", TRUST + 1, &capture);
	assert_later(&capture, "made elsewhere");
	party_free(&client);
}

static void
no_bit_can_be_changed(void **state)
{
	struct party client = alice(p256());

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		shake(&client, version, "P-256", TRUST, &capture);
		for (size_t i = 0; i < capture.length; i++) {
			uint8_t bit = (uint8_t)(1u << (i % 8));

			capture.bytes[i] ^= bit;
			assert_non_null(check(&capture, NOW));
			capture.bytes[i] ^= bit;
		}
		assert_alice(check(&capture, NOW));
	}
	party_free(&client);
}

static void
nothing_can_be_left_out(void **state)
{
	struct party client = alice(p256());
	size_t whole;

	(void)state;
	shake(&client, TLS1_2_VERSION, "P-256", TRUST, &capture);
	whole = capture.length;
	for (capture.length = 0; capture.length < whole; capture.length++)
		assert_non_null(check(&capture, NOW));
	party_free(&client);
}

/* The chain of somebody else, with a signature of one's own key. */
static void
another_ones_certificate(void **state)
{
	struct party victim = alice(p256());
	struct party thief = make_party(p256(), "alice", NULL, "clientAuth", -60, 3600);

	(void)state;
	/* The thief's handshake, in which the victim's certificate takes the place of his. */
	shake(&thief, TLS1_3_VERSION, "P-256", TRUST, &capture);
	swap_certificate(&capture, thief.certificate, victim.certificate, &changed);
	assert_refused(&changed, "signature is wrong");
	party_free(&victim);
	party_free(&thief);
}

static void
who_is_not_certified(void **state)
{
	static const struct {
		bool other, own;
		const char *usage;
		long from, until;
		const char *why;
	} cases[] = {
	    {true, false, "clientAuth", -60, 3600, "issuer"},
	    {false, true, "clientAuth", -60, 3600, "self"},
	    {false, false, "serverAuth", -60, 3600, "purpose"},
	    {false, false, "clientAuth", -120, -60, "expired"},
	    {false, false, "clientAuth", 60, 3600, "not yet valid"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct party *issuer =
		    cases[i].own ? NULL
				 : (cases[i].other ? &world.other_authority : &world.authority);
		struct party client = make_party(p256(), "alice", issuer, cases[i].usage,
						 cases[i].from, cases[i].until);

		shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
		assert_refused(&capture, cases[i].why);
		party_free(&client);
	}
}

/* A CRL of the authority's, with the client's serial or without. */
static void
give_crl(const X509 *revoked)
{
	struct error err = {.text = ""};
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -30), *next = X509_gmtime_adj(NULL, 3600);
	FILE *file = tmpfile();

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(world.authority.certificate));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(
		    entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(entry, now);
		X509_CRL_add0_revoked(crl, entry);
	}
	assert_true(X509_CRL_sign(crl, world.authority.key, EVP_sha256()) > 0);
	assert_non_null(file);
	PEM_write_X509_CRL(file, crl);
	fflush(file);
	if (trust_read(world.trust, TRUST_CRLS, fileno(file), &err) != 1)
		fail_msg("%s", err.text);
	fclose(file);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

static void
who_is_revoked(void **state)
{
	struct party client = alice(p256());

	(void)state;
	world.trust->needs_crl = true;
	shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
	assert_later(&capture, "has not been read");
	give_crl(NULL);
	assert_alice(check(&capture, NOW));
	give_crl(client.certificate);
	shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
	assert_refused(&capture, "revoked");
	party_free(&client);
}

/* A file that can't be read leaves in force what was. */
static void
a_bad_file_changes_nothing(void **state)
{
	struct party client = alice(p256());
	struct error err;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
	fflush(file);
	assert_int_equal(trust_read(world.trust, TRUST_AUTHORITIES, fileno(file), &err), -1);
	fclose(file);
	shake(&client, TLS1_3_VERSION, "P-256", TRUST, &capture);
	assert_alice(check(&capture, NOW));
	party_free(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_kind_of_key),
	    TEST(after_a_hello_retry_request),
	    TEST(no_proof_counts_twice),
	    TEST(an_old_proof_does_not_count),
	    TEST(a_proof_from_elsewhere_does_not_count),
	    TEST(a_proof_for_another_listener_does_not_count),
	    TEST(no_bit_can_be_changed),
	    TEST(nothing_can_be_left_out),
	    TEST(another_ones_certificate),
	    TEST(who_is_not_certified),
	    TEST(who_is_revoked),
	    TEST(a_bad_file_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
