/* SPDX-License-Identifier: ISC */
/* How sure relay is of whom it talks to: what is configured, DANE, MTA-STS and REQUIRETLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "worker/relay/security.h"

/* -- TLSA records -------------------------------------------------------------------------------
 */

static const struct {
	struct dns_tlsa tlsa;
	enum dane_state state;
} records[] = {
    {{.usage = 3, .selector = 1, .matching = 1, .length = 32}, DANE_USABLE},
    {{.usage = 3, .selector = 0, .matching = 2, .length = 64}, DANE_USABLE},
    /* RFC 7672 3.1.3 */
    {{.usage = 0, .selector = 0, .matching = 1, .length = 32}, DANE_UNUSABLE},
    {{.usage = 1, .selector = 1, .matching = 1, .length = 32}, DANE_UNUSABLE},
    {{.usage = 255, .selector = 1, .matching = 1, .length = 32}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 2, .matching = 1, .length = 32}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 1, .matching = 3, .length = 32}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 1, .matching = 1, .length = 31}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 1, .matching = 2, .length = 32}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 1, .matching = 1, .length = 0}, DANE_UNUSABLE},
    {{.usage = 3, .selector = 1, .matching = 0, .length = 0}, DANE_UNUSABLE},
    {{.usage = 2, .selector = 0, .matching = 0, .length = 500}, DANE_UNUSABLE},
    {{.usage = 2, .selector = 1, .matching = 0, .length = 1}, DANE_UNUSABLE},
};

static void
usable_records_are_taken(void **state)
{
	static const uint8_t data[DANE_DATA_MAX] = {1, 2, 3};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct dane *dane = dane_new();
		struct dns_tlsa tlsa = records[i].tlsa;

		assert_non_null(dane);
		assert_int_equal(dane->state, DANE_NONE);
		tlsa.data = data;
		dane_add(&tlsa, dane);
		assert_int_equal(dane->state, records[i].state);
		assert_int_equal(dane->count, records[i].state == DANE_USABLE);
		if (dane->count > 0)
			assert_memory_equal(dane->records[0].data, data, tlsa.length);
		dane_release(dane);
	}
}

/* A certificate with COMMENT octets in it that say nothing; the caller frees it. */
static uint16_t
make_certificate(size_t comment, EVP_PKEY *pkey, uint8_t **der)
{
	X509 *cert = X509_new();
	char *value = calloc(1, comment + 1);
	X509_EXTENSION *extension;
	int length;

	assert_non_null(cert);
	assert_non_null(value);
	memset(value, 'x', comment);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	assert_int_equal(X509_set_pubkey(cert, pkey), 1);
	assert_true(X509_sign(cert, pkey, EVP_sha256()) > 0);
	*der = NULL;
	length = i2d_X509(cert, der);
	assert_in_range(length, 1, UINT16_MAX);
	X509_EXTENSION_free(extension);
	X509_free(cert);
	free(value);
	return (uint16_t)length;
}

static enum dane_state
state_of(uint8_t selector, const uint8_t *data, size_t length)
{
	const struct dns_tlsa tlsa = {2, selector, 0, (uint16_t)length, data};
	struct dane *dane = dane_new();
	enum dane_state state;

	assert_non_null(dane);
	dane_add(&tlsa, dane);
	state = dane->state;
	dane_release(dane);
	return state;
}

/* A certificate or a key is one, to its last octet; else nobody could have it. */
static void
whole_ones_are_looked_at(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	uint8_t *cert = NULL, *key = NULL, behind[4096] = {0};
	size_t length, key_length;

	(void)state;
	assert_non_null(pkey);
	length = make_certificate(1, pkey, &cert);
	key_length = (size_t)i2d_PUBKEY(pkey, &key);
	assert_int_equal(state_of(0, cert, length), DANE_USABLE);
	assert_int_equal(state_of(1, key, key_length), DANE_USABLE);
	assert_int_equal(state_of(1, cert, length), DANE_UNUSABLE);
	assert_int_equal(state_of(0, key, key_length), DANE_UNUSABLE);
	assert_int_equal(state_of(0, cert, length - 1), DANE_UNUSABLE);
	assert_int_equal(state_of(1, key, key_length - 1), DANE_UNUSABLE);
	memcpy(behind, cert, length);
	assert_int_equal(state_of(0, behind, length + 1), DANE_UNUSABLE);
	memcpy(behind, key, key_length);
	assert_int_equal(state_of(1, behind, key_length + 1), DANE_UNUSABLE);
	OPENSSL_free(cert);
	OPENSSL_free(key);
	EVP_PKEY_free(pkey);
}

/* What is more than fits is left out; what is usable stays so next to what is not. */
static void
many_records(void **state)
{
	static const uint8_t data[DANE_DATA_MAX];
	struct dns_tlsa good = {3, 1, 1, 32, data}, bad = {1, 1, 1, 32, data};
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	struct dns_tlsa long_one = {2, 0, 0, 0, NULL};
	struct dane *dane = dane_new();
	uint8_t *cert;

	(void)state;
	assert_non_null(dane);
	for (size_t i = 0; i < 100; i++) {
		dane_add(&good, dane);
		dane_add(&bad, dane);
	}
	assert_int_equal(dane->state, DANE_USABLE);
	assert_int_equal(dane->count, DANE_RECORDS_MAX);
	dane_release(dane);
	dane = dane_new();
	assert_non_null(dane);
	long_one.length = make_certificate(DANE_DATA_MAX - 275, pkey, &cert);
	assert_in_range(long_one.length, DANE_DATA_MAX - 32, DANE_DATA_MAX);
	long_one.data = cert;
	dane_add(&good, dane);
	dane_add(&long_one, dane);
	dane_add(&good, dane);
	assert_int_equal(dane->count, 2);
	dane_release(dane);
	OPENSSL_free(cert);
	EVP_PKEY_free(pkey);
}

/* -- Decisions ----------------------------------------------------------------------------------
 */

#define OPPORTUNISTIC .tls = RELAY_TLS_OPPORTUNISTIC
#define NO_STS (enum sts_mode) - 1

static const struct {
	struct security_facts facts;
	enum dane_state dane;
	enum sts_mode sts;   /* NO_STS: there is no policy */
	const char *mx;      /* of the policy */
	const char *refusal; /* a word of it, or NULL */
	enum security_level level;
	const char *word; /* how it is verified, or the status of the refusal */
} decisions[] = {
    {{.tls = RELAY_TLS_NONE}, DANE_USABLE, STS_ENFORCE, "mx.a", NULL, SECURITY_NONE, "none"},
    {{OPPORTUNISTIC}, DANE_NONE, NO_STS, "", NULL, SECURITY_OFFERED, "none"},
    {{.tls = RELAY_TLS_REQUIRE}, DANE_NONE, NO_STS, "", NULL, SECURITY_REQUIRED, "none"},
    {{.tls = RELAY_TLS_VERIFY}, DANE_NONE, NO_STS, "", NULL, SECURITY_VERIFIED, "pkix"},
    {{OPPORTUNISTIC}, DANE_USABLE, NO_STS, "", NULL, SECURITY_DANE, "dane"},
    {{.tls = RELAY_TLS_VERIFY}, DANE_USABLE, NO_STS, "", NULL, SECURITY_DANE, "dane"},
    {{OPPORTUNISTIC}, DANE_UNUSABLE, NO_STS, "", NULL, SECURITY_REQUIRED, "none"},
    {{.tls = RELAY_TLS_VERIFY}, DANE_UNUSABLE, NO_STS, "", NULL, SECURITY_VERIFIED, "pkix"},
    {{OPPORTUNISTIC}, DANE_FAILED, NO_STS, "", "TLSA", SECURITY_NONE, "4.7.5"},
    {{.tls = RELAY_TLS_VERIFY}, DANE_FAILED, NO_STS, "", "TLSA", SECURITY_NONE, "4.7.5"},
    /* RFC 8461 5 */
    {{OPPORTUNISTIC}, DANE_NONE, STS_ENFORCE, "mx.a", NULL, SECURITY_VERIFIED, "sts"},
    {{OPPORTUNISTIC}, DANE_NONE, STS_ENFORCE, "mx.b", "MTA-STS", SECURITY_NONE, "4.7.5"},
    {{OPPORTUNISTIC}, DANE_NONE, STS_TESTING, "mx.b", NULL, SECURITY_OFFERED, "none"},
    {{OPPORTUNISTIC}, DANE_NONE, STS_NONE, "", NULL, SECURITY_OFFERED, "none"},
    {{.tls = RELAY_TLS_VERIFY}, DANE_NONE, STS_ENFORCE, "mx.a", NULL, SECURITY_VERIFIED, "pkix"},
    /* RFC 8461 2: DANE wins, also when it fails. */
    {{OPPORTUNISTIC}, DANE_USABLE, STS_ENFORCE, "mx.b", NULL, SECURITY_DANE, "dane"},
    {{OPPORTUNISTIC}, DANE_FAILED, STS_ENFORCE, "mx.a", "TLSA", SECURITY_NONE, "4.7.5"},
    {{OPPORTUNISTIC}, DANE_UNUSABLE, STS_ENFORCE, "mx.a", NULL, SECURITY_VERIFIED, "sts"},
    {{OPPORTUNISTIC, .named = true},
     DANE_NONE,
     STS_ENFORCE,
     "mx.b",
     NULL,
     SECURITY_OFFERED,
     "none"},
    /* RFC 8689 4.2.2: as it is configured. */
    {{OPPORTUNISTIC, .optional = true},
     DANE_USABLE,
     STS_ENFORCE,
     "mx.b",
     NULL,
     SECURITY_OFFERED,
     "none"},
    {{OPPORTUNISTIC, .optional = true}, DANE_FAILED, NO_STS, "", NULL, SECURITY_OFFERED, "none"},
    {{.tls = RELAY_TLS_REQUIRE, .optional = true},
     DANE_FAILED,
     STS_ENFORCE,
     "mx.a",
     NULL,
     SECURITY_REQUIRED,
     "none"},
    {{.tls = RELAY_TLS_VERIFY, .optional = true},
     DANE_USABLE,
     NO_STS,
     "",
     NULL,
     SECURITY_VERIFIED,
     "pkix"},
    /* 4.2.1 */
    {{OPPORTUNISTIC, .requiretls = true}, DANE_NONE, NO_STS, "", "proves", SECURITY_NONE, "5.7.30"},
    {{OPPORTUNISTIC, .requiretls = true, .unsure = true},
     DANE_NONE,
     NO_STS,
     "",
     "by now",
     SECURITY_NONE,
     "4.7.30"},
    {{OPPORTUNISTIC, .requiretls = true, .unsure = true, .secure = true},
     DANE_NONE,
     NO_STS,
     "",
     NULL,
     SECURITY_VERIFIED,
     "pkix"},
    {{OPPORTUNISTIC, .requiretls = true}, DANE_FAILED, NO_STS, "", "TLSA", SECURITY_NONE, "4.7.5"},
    {{OPPORTUNISTIC, .requiretls = true},
     DANE_NONE,
     STS_ENFORCE,
     "mx.b",
     "MTA-STS",
     SECURITY_NONE,
     "4.7.5"},
    {{OPPORTUNISTIC, .requiretls = true, .secure = true},
     DANE_NONE,
     NO_STS,
     "",
     NULL,
     SECURITY_VERIFIED,
     "pkix"},
    {{OPPORTUNISTIC, .requiretls = true},
     DANE_NONE,
     STS_TESTING,
     "mx.a",
     NULL,
     SECURITY_VERIFIED,
     "pkix"},
    {{OPPORTUNISTIC, .requiretls = true},
     DANE_NONE,
     STS_TESTING,
     "mx.b",
     "proves",
     SECURITY_NONE,
     "5.7.30"},
    {{OPPORTUNISTIC, .requiretls = true}, DANE_USABLE, NO_STS, "", NULL, SECURITY_DANE, "dane"},
    {{OPPORTUNISTIC, .requiretls = true, .named = true},
     DANE_NONE,
     NO_STS,
     "",
     NULL,
     SECURITY_VERIFIED,
     "pkix"},
    {{.tls = RELAY_TLS_NONE, .requiretls = true},
     DANE_USABLE,
     NO_STS,
     "",
     "switched off",
     SECURITY_NONE,
     "5.7.10"},
};

static void
nothing_falls_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		struct security_facts facts = decisions[i].facts;
		struct sts_policy policy = {.mode = decisions[i].sts};
		struct dane dane = {.state = decisions[i].dane, .base = "mx.a"};
		struct security security;
		struct reply why = {0};
		bool may;

		print_message("%zu\n", i);
		facts.domain = "a";
		facts.host = "mx.a";
		facts.dane = &dane;
		facts.sts = decisions[i].sts == NO_STS ? NULL : &policy;
		policy.mx_length = strlcpy(policy.mx, decisions[i].mx, sizeof(policy.mx)) + 1;
		may = security_of(&facts, &security, &why);
		assert_int_equal(may, decisions[i].refusal == NULL);
		if (!may) {
			assert_int_equal(why.code, why.status[0] == '4' ? 451 : 550);
			assert_string_equal(why.status, decisions[i].word);
			assert_non_null(strstr(why.text, decisions[i].refusal));
			continue;
		}
		assert_int_equal(security.level, decisions[i].level);
		assert_string_equal(security_word(&security), decisions[i].word);
		assert_string_equal(security.name, "mx.a");
		assert_true((security.level == SECURITY_DANE) == (security.dane != NULL));
	}
}

/* The server is called what its addresses are of, not what the alias says (RFC 7672 3.2). */
static void
names_of_dane(void **state)
{
	struct dane dane = {.state = DANE_USABLE, .base = "real.b"};
	struct security_facts facts = {OPPORTUNISTIC, .domain = "a", .host = "mx.a", .dane = &dane};
	struct security security;
	struct reply why;

	(void)state;
	assert_true(security_of(&facts, &security, &why));
	assert_string_equal(security.name, "real.b");
	assert_string_equal(security.other, "a");
	facts.named = true;
	assert_true(security_of(&facts, &security, &why));
	assert_string_equal(security.other, "");
}

static void
connections_are_used_again(void **state)
{
	static const struct {
		struct security have, want;
		bool suffices;
	} cases[] = {
	    {{.level = SECURITY_NONE}, {.level = SECURITY_NONE}, true},
	    {{.level = SECURITY_OFFERED}, {.level = SECURITY_NONE}, false},
	    {{.level = SECURITY_OFFERED}, {.level = SECURITY_OFFERED}, true},
	    {{.level = SECURITY_OFFERED}, {.level = SECURITY_REQUIRED}, false},
	    {{.level = SECURITY_REQUIRED}, {.level = SECURITY_OFFERED}, true},
	    {{.level = SECURITY_VERIFIED, .name = "a"}, {.level = SECURITY_REQUIRED}, true},
	    {{.level = SECURITY_VERIFIED, .name = "a"},
	     {.level = SECURITY_VERIFIED, .name = "A"},
	     true},
	    {{.level = SECURITY_VERIFIED, .name = "a"},
	     {.level = SECURITY_VERIFIED, .name = "b"},
	     false},
	    {{.level = SECURITY_DANE, .name = "a"},
	     {.level = SECURITY_VERIFIED, .name = "a"},
	     false},
	    {{.level = SECURITY_VERIFIED, .name = "a"},
	     {.level = SECURITY_DANE, .name = "a"},
	     false},
	    {{.level = SECURITY_DANE, .name = "a"}, {.level = SECURITY_DANE, .name = "a"}, true},
	    {{.level = SECURITY_DANE, .name = "a", .other = "c"},
	     {.level = SECURITY_DANE, .name = "a"},
	     false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(security_suffices(&cases[i].have, &cases[i].want),
				 cases[i].suffices);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usable_records_are_taken),
	    cmocka_unit_test(many_records),
	    cmocka_unit_test(whole_ones_are_looked_at),
	    cmocka_unit_test(nothing_falls_back),
	    cmocka_unit_test(names_of_dane),
	    cmocka_unit_test(connections_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
