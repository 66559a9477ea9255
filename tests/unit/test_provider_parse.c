/* SPDX-License-Identifier: ISC */
/* What may be signed is taken apart; nothing else has a way through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "worker/gate/tls_names.h"
#include "worker/tls/provider_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_schemes(void **state)
{
	static const struct {
		enum key_kind kind;
		const char *digest;
		enum key_padding padding;
		uint16_t scheme;
	} cases[] = {
	    {KEY_KIND_RSA, "SHA2-256", KEY_PADDING_PKCS1, 0x0401},
	    {KEY_KIND_RSA, "SHA384", KEY_PADDING_PKCS1, 0x0501},
	    {KEY_KIND_RSA, "sha512", KEY_PADDING_PKCS1, 0x0601},
	    {KEY_KIND_RSA, "SHA256", KEY_PADDING_PSS, 0x0804},
	    {KEY_KIND_RSA, "SHA2-384", KEY_PADDING_PSS, 0x0805},
	    {KEY_KIND_RSA, "SHA-512", KEY_PADDING_PSS, 0x0806},
	    {KEY_KIND_P256, "SHA2-256", KEY_PADDING_PKCS1, 0x0403},
	    {KEY_KIND_P384, "SHA2-384", KEY_PADDING_PKCS1, 0x0503},
	    {KEY_KIND_P521, "SHA2-512", KEY_PADDING_PKCS1, 0x0603},
	    {KEY_KIND_ED25519, NULL, KEY_PADDING_PKCS1, 0x0807},
	    {KEY_KIND_ED25519, "", KEY_PADDING_PKCS1, 0x0807},
	    {KEY_KIND_RSA, "SHA1", KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_RSA, "MD5-SHA1", KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_RSA, NULL, KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_RSA, "", KEY_PADDING_PSS, 0},
	    {KEY_KIND_RSA, "SHA2-224", KEY_PADDING_PSS, 0},
	    {KEY_KIND_RSA, "SHA3-256", KEY_PADDING_PSS, 0},
	    {KEY_KIND_P256, "SHA2-384", KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_P384, "SHA2-256", KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_P256, "SHA2-256", KEY_PADDING_PSS, 0},
	    {KEY_KIND_P256, NULL, KEY_PADDING_PKCS1, 0},
	    {KEY_KIND_ED25519, "SHA2-512", KEY_PADDING_PKCS1, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(signature_scheme(cases[i].kind, cases[i].digest, cases[i].padding),
				 cases[i].scheme);
}

/* RFC 8446 4.4.3 with HASH_LENGTH bytes of hash; returns the length. */
static size_t
tls13(uint8_t *tbs, const char *context, size_t hash_length)
{
	size_t length = 64 + strlen(context) + 1;

	memset(tbs, 0x20, 64);
	memcpy(tbs + 64, context, strlen(context) + 1);
	for (size_t i = 0; i < hash_length; i++)
		tbs[length + i] = (uint8_t)(i + 1);
	return length + hash_length;
}

#define SERVER "TLS 1.3, server CertificateVerify"

static void
test_tls13(void **state)
{
	uint8_t tbs[256];
	struct sign_request request;

	(void)state;
	for (size_t hash_length = 0; hash_length <= 64; hash_length++) {
		size_t length = tls13(tbs, SERVER, hash_length);
		int good = hash_length == 32 || hash_length == 48;

		assert_int_equal(sign_request_parse(tbs, length, 0x0804, &request), good ? 0 : -1);
		if (!good)
			continue;
		assert_int_equal(request.type, GC_TLS13_SERVER);
		assert_int_equal(request.as.tls13.key, 0);
		assert_int_equal(request.as.tls13.scheme, 0x0804);
		assert_int_equal(request.as.tls13.hash_length, hash_length);
		assert_memory_equal(request.as.tls13.hash, tbs + 98, hash_length);
		for (size_t i = hash_length; i < TRANSCRIPT_HASH_MAX; i++)
			assert_int_equal(request.as.tls13.hash[i], 0);
	}
}

static void
test_tls13_refused(void **state)
{
	static const char *const contexts[] = {
	    "TLS 1.3, client CertificateVerify", "TLS 1.3, server CertificateVerifx",
	    "tls 1.3, server CertificateVerify", "", "TLS 1.3, server CertificateVerify "};
	static const uint16_t pkcs1[] = {0x0401, 0x0501, 0x0601, 0x0201};
	struct sign_request request;
	uint8_t tbs[256];
	size_t length;

	(void)state;
	for (size_t i = 0; i < COUNT(contexts); i++) {
		for (size_t hash = 0; hash <= 64; hash++) {
			length = tls13(tbs, contexts[i], hash);
			assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request), -1);
		}
	}
	/* One bit anywhere in front of the hash. */
	length = tls13(tbs, SERVER, 32);
	for (size_t bit = 0; bit < 98 * 8; bit++) {
		tbs[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request), -1);
		tbs[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request), 0);
	for (size_t i = 0; i < COUNT(pkcs1); i++)
		assert_int_equal(sign_request_parse(tbs, length, pkcs1[i], &request), -1);
	assert_int_equal(sign_request_parse(tbs, length, 0, &request), -1);
}

static size_t
tls12(uint8_t *tbs, uint8_t type, uint16_t curve, uint8_t point_length, uint8_t first)
{
	memset(tbs, 0xcc, 32);
	memset(tbs + 32, 0x55, 32);
	tbs[64] = type;
	tbs[65] = (uint8_t)(curve >> 8);
	tbs[66] = (uint8_t)curve;
	tbs[67] = point_length;
	for (size_t i = 0; i < point_length; i++)
		tbs[68 + i] = (uint8_t)i;
	tbs[68] = first;
	return 68u + point_length;
}

static const struct {
	uint16_t curve;
	uint8_t point_length;
	uint8_t first;
} points[] = {{23, 65, 4}, {24, 97, 4}, {25, 133, 4}, {29, 32, 9}, {30, 56, 9}};

static void
test_tls12(void **state)
{
	struct sign_request request;
	uint8_t tbs[512];

	(void)state;
	for (size_t i = 0; i < COUNT(points); i++) {
		const struct gc_tls12_server *parsed = &request.as.tls12;
		size_t length =
		    tls12(tbs, 3, points[i].curve, points[i].point_length, points[i].first);

		assert_int_equal(sign_request_parse(tbs, length, 0x0401, &request), 0);
		assert_int_equal(request.type, GC_TLS12_SERVER);
		assert_int_equal(parsed->key, 0);
		assert_int_equal(parsed->scheme, 0x0401);
		assert_int_equal(parsed->curve, points[i].curve);
		assert_memory_equal(parsed->client_random, tbs, 32);
		assert_memory_equal(parsed->server_random, tbs + 32, 32);
		assert_int_equal(parsed->point_length, points[i].point_length);
		assert_memory_equal(parsed->point, tbs + 68, points[i].point_length);
		for (size_t j = points[i].point_length; j < EC_POINT_MAX; j++)
			assert_int_equal(parsed->point[j], 0);
		/* Every other length. */
		for (size_t other = 0; other <= 300; other++) {
			if (other != length)
				assert_int_equal(sign_request_parse(tbs, other, 0x0401, &request),
						 -1);
		}
	}
}

static void
test_tls12_refused(void **state)
{
	struct sign_request request;
	uint8_t tbs[512];
	size_t length;

	(void)state;
	/* ECCurveType: explicit_prime, explicit_char2, ... */
	for (unsigned type = 0; type < 256; type++) {
		length = tls12(tbs, (uint8_t)type, 23, 65, 4);
		assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request),
				 type == 3 ? 0 : -1);
	}
	/* Curves we don't speak, and points that aren't the curve's. */
	for (unsigned curve = 0; curve < 0x10000; curve++) {
		length = tls12(tbs, 3, (uint16_t)curve, 65, 4);
		assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request),
				 curve == 23 ? 0 : -1);
	}
	for (size_t i = 0; i < COUNT(points); i++) {
		for (unsigned size = 1; size < 256; size++) {
			length = tls12(tbs, 3, points[i].curve, (uint8_t)size, 4);
			assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request),
					 size == points[i].point_length ? 0 : -1);
		}
	}
	/* RFC 8422 5.1.2: uncompressed points only. */
	for (unsigned first = 0; first < 256; first++) {
		length = tls12(tbs, 3, 23, 65, (uint8_t)first);
		assert_int_equal(sign_request_parse(tbs, length, 0x0403, &request),
				 first == 4 ? 0 : -1);
	}
	/* A digest, a certificate request, nothing at all. */
	memset(tbs, 0x30, sizeof(tbs));
	for (size_t i = 0; i <= sizeof(tbs); i++)
		assert_int_equal(sign_request_parse(tbs, i, 0x0403, &request), -1);
}

/* A client's, which certd looks at as a whole; and no side's is the other's. */
static void
test_client(void **state)
{
	static uint8_t transcript[TRANSCRIPT_MAX + 1] = {1, 0, 1, 0};
	const struct rc_tls13_client *tls13_request;
	struct sign_request request;
	uint8_t tbs[256];
	size_t length;

	(void)state;
	tls13_request = &request.as.tls13_client;
	for (size_t hash_length = 0; hash_length <= 64; hash_length++) {
		length = tls13(tbs, "TLS 1.3, client CertificateVerify", hash_length);
		if (hash_length != 32 && hash_length != 48) {
			assert_int_equal(client_request_parse(tbs, length, 0x0403, &request), -1);
			continue;
		}
		assert_int_equal(client_request_parse(tbs, length, 0x0403, &request), 0);
		assert_int_equal(request.type, RC_TLS13_CLIENT);
		assert_int_equal(tls13_request->scheme, 0x0403);
		assert_int_equal(tls13_request->hash_length, hash_length);
		assert_memory_equal(tls13_request->hash, tbs + 98, hash_length);
		assert_int_equal(client_request_parse(tbs, length, 0x0401, &request), -1);
		assert_int_equal(client_request_parse(tbs, length, 0, &request), -1);
		length = tls13(tbs, SERVER, hash_length);
		assert_int_equal(client_request_parse(tbs, length, 0x0403, &request), -1);
	}
	length = tls12(tbs, 3, 23, 65, 4);
	assert_int_equal(client_request_parse(tbs, length, 0x0403, &request), -1);
	for (length = 0; length <= sizeof(transcript); length += length < 8 ? 1 : 997) {
		bool fits = length > 4 && length <= TRANSCRIPT_MAX;

		assert_int_equal(client_request_parse(transcript, length, 0x0401, &request),
				 fits ? 0 : -1);
		assert_true(!fits || (request.type == RC_TLS12_CLIENT &&
				      request.as.tls12_client.scheme == 0x0401 &&
				      request.transcript == transcript &&
				      request.transcript_length == length));
	}
	assert_int_equal(client_request_parse(transcript, TRANSCRIPT_MAX, 0x0401, &request), 0);
	assert_int_equal(client_request_parse(transcript, TRANSCRIPT_MAX + 1, 0x0401, &request),
			 -1);
	for (unsigned type = 0; type < 256; type++) {
		transcript[0] = (uint8_t)type;
		assert_int_equal(client_request_parse(transcript, 300, 0x0401, &request),
				 type == 1 ? 0 : -1);
	}
}

static void
test_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(first_bytes_kind((const uint8_t *)"\x16", 1), FIRST_BYTES_TLS);
	assert_int_equal(first_bytes_kind((const uint8_t *)"\x16\x03", 2), FIRST_BYTES_TLS);
	assert_int_equal(first_bytes_kind((const uint8_t *)"\x16\x03\x01\x00", 4), FIRST_BYTES_TLS);
	assert_int_equal(first_bytes_kind((const uint8_t *)"\x16\x02", 2), FIRST_BYTES_PLAIN);
	assert_int_equal(first_bytes_kind((const uint8_t *)"\x15\x03", 2), FIRST_BYTES_PLAIN);
	assert_int_equal(first_bytes_kind((const uint8_t *)"E", 1), FIRST_BYTES_PLAIN);
}

static void
test_server_name(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *name;
	} cases[] = {
	    {"\0\x07\0\0\x04Mail", 9, "mail"},
	    {"\0\x0e\0\0\x0b"
	     "a.EXAMPLE-1",
	     16, "a.example-1"},
	    {"\0\x07\1\0\x04Mail", 9, NULL}, /* another NameType */
	    {"\0\x08\0\0\x04Mail", 9, NULL}, /* the list longer than what there is */
	    {"\0\x07\0\0\x05Mail", 9, NULL},
	    {"\0\x07\0\0\x03Mail", 9, NULL}, /* two names, or something behind one */
	    {"\0\x03\0\0\0", 5, NULL},
	    {"\0\x07\0\0\x04M\0il", 9, NULL},
	    {"\0\x07\0\0\x04M*il", 9, NULL},
	    {"", 0, NULL},
	    {"\0\0", 2, NULL},
	};
	char name[HOST_NAME_SIZE];
	uint8_t longest[5 + HOST_NAME_SIZE] = {1, 3, 0, 1, 0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int result =
		    server_name_parse((const uint8_t *)cases[i].bytes, cases[i].length, name);

		assert_int_equal(result, cases[i].name == NULL ? -1 : 0);
		if (result == 0)
			assert_string_equal(name, cases[i].name);
	}
	memset(longest + 5, 'a', HOST_NAME_SIZE);
	assert_int_equal(server_name_parse(longest, sizeof(longest), name), -1);
	longest[1] = 2;
	longest[3] = 0;
	longest[4] = 255;
	assert_int_equal(server_name_parse(longest, sizeof(longest) - 1, name), 0);
	assert_int_equal(strlen(name), 255);
}

static void
test_names(void **state)
{
	static const struct {
		const char *pattern, *name;
		enum name_match match;
	} cases[] = {
	    {"a.example", "a.example", NAME_EQUAL},
	    {"a.example", "b.example", NAME_DIFFERS},
	    {"a.example", "a.example.", NAME_DIFFERS},
	    {"*.example", "a.example", NAME_BY_WILDCARD},
	    {"*.example", "a.b.example", NAME_DIFFERS},
	    {"*.example", "example", NAME_DIFFERS},
	    {"*.example", ".example", NAME_DIFFERS},
	    {"*", "a", NAME_DIFFERS},
	    {"a*.example", "ab.example", NAME_DIFFERS},
	    {"*a.example", "ba.example", NAME_DIFFERS},
	    {"b.*.example", "b.a.example", NAME_DIFFERS},
	    {"*.*.example", "b.a.example", NAME_DIFFERS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(name_matches(cases[i].pattern, cases[i].name), cases[i].match);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_schemes),       cmocka_unit_test(test_tls13),
	    cmocka_unit_test(test_tls13_refused), cmocka_unit_test(test_tls12),
	    cmocka_unit_test(test_tls12_refused), cmocka_unit_test(test_first_bytes),
	    cmocka_unit_test(test_server_name),   cmocka_unit_test(test_names),
	    cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
