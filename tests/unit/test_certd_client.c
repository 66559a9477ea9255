/* SPDX-License-Identifier: ISC */
/* What certd signs for relay: a TLS client's CertificateVerify, and nothing that is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "certd/compose.h"
#include "tests/unit/made_transcript.h"

#define LEAF 300
#define INTER 200

/* A chain of two, whatever is in them. */
static uint8_t chain[LEAF + INTER] = {0x30, 0x82, 0x01, 0x28};

static int
setup(void **state)
{
	(void)state;
	memset(chain + 4, 0x11, sizeof(chain) - 4);
	chain[LEAF] = 0x30;
	chain[LEAF + 1] = 0x81;
	chain[LEAF + 2] = INTER - 3;
	return 0;
}

static int
compose(const uint8_t *bytes, size_t length, struct composed *composed)
{
	/* Exactly so many octets, so that a sanitizer sees each that is read behind. */
	uint8_t *copy = malloc(length == 0 ? 1 : length);
	const struct transcript transcript = {copy, length, chain, sizeof(chain)};
	const struct rc_tls12_client request = {.scheme = 0x0403};
	int result;

	assert_non_null(copy);
	if (length > 0)
		memcpy(copy, bytes, length);
	result = compose_tls12_client(&request, &transcript, KEY_P256, composed);
	if (result == 0) {
		assert_ptr_equal(composed->data, copy);
		assert_int_equal(composed->length, length);
		assert_string_equal(composed->scheme->name, "ecdsa_secp256r1_sha256");
	}
	free(copy);
	return result;
}

static int
compose_plan(const struct made_plan *plan)
{
	static uint8_t bytes[MADE_MAX];
	size_t length = made_transcript(bytes, plan, chain, sizeof(chain));
	struct composed composed;

	return compose(bytes, length, &composed);
}

static void
test_transcript(void **state)
{
	static const size_t optional[] = {2, 3, 4};
	struct made_plan plan = made_usual();

	(void)state;
	assert_int_equal(compose_plan(&plan), 0);
	for (unsigned which = 0; which < 8; which++) {
		plan = made_usual();
		for (size_t i = 0; i < 3; i++)
			plan.times[optional[i]] = which >> i & 1;
		assert_int_equal(compose_plan(&plan), 0);
	}
	for (size_t i = 0; i < MADE_MESSAGES; i++) {
		plan = made_usual();
		plan.times[i] = 2;
		assert_int_equal(compose_plan(&plan), GC_REFUSED_TRANSCRIPT);
		plan.times[i] = 0;
		assert_int_equal(compose_plan(&plan), i >= 2 && i <= 4 ? 0 : GC_REFUSED_TRANSCRIPT);
	}
	for (unsigned version = 0x0300; version <= 0x0304; version++) {
		plan = made_usual();
		plan.version = version;
		assert_int_equal(compose_plan(&plan),
				 version == 0x0303 ? 0 : GC_REFUSED_TRANSCRIPT);
	}
}

/* Cut anywhere, longer, or with one bit of a header turned over. */
static void
test_transcript_broken(void **state)
{
	static uint8_t bytes[MADE_MAX];
	struct made_plan plan = made_usual();
	size_t length = made_transcript(bytes, &plan, chain, sizeof(chain));
	struct composed composed;

	(void)state;
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(compose(bytes, cut, &composed),
				 cut <= COMPOSED_MAX ? GC_REFUSED_LENGTH : GC_REFUSED_TRANSCRIPT);
	assert_int_equal(compose(bytes, length + 1, &composed), GC_REFUSED_TRANSCRIPT);
	for (size_t at = 0; at < length;) {
		size_t size =
		    (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];

		for (size_t bit = 0; bit < 32; bit++) {
			bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(compose(bytes, length, &composed), GC_REFUSED_TRANSCRIPT);
			bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		at += 4 + size;
	}
	assert_int_equal(compose(bytes, length, &composed), 0);
}

/* The certificate that is shown is the key's: whole, in its order, and no other. */
static void
test_chain(void **state)
{
	static uint8_t bytes[MADE_MAX], other[2 * sizeof(chain)];
	struct made_plan plan = made_usual();
	struct composed composed;

	(void)state;
	for (size_t bit = 0; bit < sizeof(chain) * 8; bit += 7) {
		size_t length = made_transcript(bytes, &plan, chain, sizeof(chain));
		/* It is in front of the ClientKeyExchange. */
		uint8_t *shown = bytes + length - made_lengths[8] - 4 - sizeof(chain);

		/* What is between the two are the three octets of the second one's length. */
		shown -= bit / 8 < LEAF ? 3 : 0;
		shown[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(compose(bytes, length, &composed), GC_REFUSED_TRANSCRIPT);
	}
	memcpy(other, chain, sizeof(chain));
	memcpy(other + sizeof(chain), chain, LEAF);
	assert_int_equal(
	    compose(bytes, made_transcript(bytes, &plan, other, sizeof(chain) + LEAF), &composed),
	    GC_REFUSED_TRANSCRIPT);
	assert_int_equal(compose(bytes, made_transcript(bytes, &plan, chain, LEAF), &composed),
			 GC_REFUSED_TRANSCRIPT);
	assert_int_equal(compose(bytes, made_transcript(bytes, &plan, chain, 0), &composed),
			 GC_REFUSED_TRANSCRIPT);
	memcpy(other, chain + LEAF, INTER);
	memcpy(other + INTER, chain, LEAF);
	assert_int_equal(
	    compose(bytes, made_transcript(bytes, &plan, other, sizeof(chain)), &composed),
	    GC_REFUSED_TRANSCRIPT);
}

static void
test_fields(void **state)
{
	static const enum key_kind kinds[] = {KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519};
	static uint8_t bytes[MADE_MAX];
	struct made_plan plan = made_usual();
	const struct transcript transcript = {
	    bytes, made_transcript(bytes, &plan, chain, sizeof(chain)), chain, sizeof(chain)};
	struct rc_tls12_client request = {.scheme = 0x0403, .zero = 1};
	struct composed composed;

	(void)state;
	assert_int_equal(compose_tls12_client(&request, &transcript, KEY_P256, &composed),
			 GC_REFUSED_LENGTH);
	request.zero = 0;
	for (uint32_t scheme = 0; scheme <= 0xffff; scheme++) {
		const struct scheme *known = scheme_find((uint16_t)scheme);

		request.scheme = (uint16_t)scheme;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			assert_int_equal(
			    compose_tls12_client(&request, &transcript, kinds[i], &composed),
			    known != NULL && (known->tls12 & kinds[i]) != 0 ? 0
									    : GC_REFUSED_SCHEME);
	}
}

static void
test_tls13(void **state)
{
	static const char context[] = "TLS 1.3, client CertificateVerify";
	struct rc_tls13_client client = {.scheme = 0x0804, .hash_length = 32};
	struct gc_tls13_server server = {.scheme = 0x0804, .hash_length = 32};
	struct composed x, y;

	(void)state;
	assert_int_equal(compose_tls13_client(&client, KEY_RSA, &x), 0);
	assert_ptr_equal(x.data, x.bytes);
	assert_int_equal(x.length, 64 + sizeof(context) + 32);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(x.bytes[i], 0x20);
	assert_memory_equal(x.bytes + 64, context, sizeof(context));
	/* The same hash, signed by a server, is something else. */
	assert_int_equal(compose_tls13_server(&server, KEY_RSA, &y), 0);
	assert_memory_not_equal(x.bytes, y.bytes, x.length);
	for (uint16_t length = 0; length <= 64; length++) {
		client.hash_length = length;
		assert_int_equal(compose_tls13_client(&client, KEY_RSA, &x),
				 length == 32 || length == 48 ? 0 : GC_REFUSED_LENGTH);
	}
	client.hash_length = 32;
	client.hash[47] = 1;
	assert_int_equal(compose_tls13_client(&client, KEY_RSA, &x), GC_REFUSED_LENGTH);
	client.hash[47] = 0;
	client.scheme = 0x0401; /* RFC 8446 4.4.3: RSA signatures MUST use PSS */
	assert_int_equal(compose_tls13_client(&client, KEY_RSA, &x), GC_REFUSED_SCHEME);
}

/* What a server signs is no transcript, whatever whoever is at the other end chooses in it. */
static void
test_nothing_of_a_server(void **state)
{
	struct gc_tls12_server request = {.scheme = 0x0403, .curve = 25, .point_length = 133};
	struct composed server, composed;

	(void)state;
	request.point[0] = 4;
	request.client_random[0] = 1; /* a ClientHello of the rest */
	request.client_random[3] = 197;
	request.client_random[4] = request.client_random[5] = 3;
	assert_int_equal(compose_tls12_server(&request, KEY_P256, &server), 0);
	assert_int_equal(compose(server.data, server.length, &composed), GC_REFUSED_LENGTH);
	assert_true(server.length <= COMPOSED_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transcript), cmocka_unit_test(test_transcript_broken),
	    cmocka_unit_test(test_chain),      cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_tls13),      cmocka_unit_test(test_nothing_of_a_server),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
