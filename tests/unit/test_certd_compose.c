/* SPDX-License-Identifier: ISC */
/* What is composed, byte for byte, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certd/compose.h"

static struct gc_tls13_server
tls13(uint16_t scheme, uint16_t length)
{
	struct gc_tls13_server request = {.scheme = scheme, .hash_length = length};

	memset(request.hash, 0xab, length <= TRANSCRIPT_HASH_MAX ? length : TRANSCRIPT_HASH_MAX);
	return request;
}

static struct gc_tls12_server
tls12(uint16_t scheme, uint16_t curve, uint16_t length)
{
	struct gc_tls12_server request = {.scheme = scheme, .curve = curve, .point_length = length};

	memset(request.client_random, 0xc1, 32);
	memset(request.server_random, 0x5e, 32);
	memset(request.point, 4, length <= EC_POINT_MAX ? length : EC_POINT_MAX);
	return request;
}

/* RFC 8446 4.4.3 shows these bytes. */
static void
test_tls13_bytes(void **state)
{
	static const uint8_t context[] = {0x54, 0x4c, 0x53, 0x20, 0x31, 0x2e, 0x33, 0x2c, 0x20,
					  0x73, 0x65, 0x72, 0x76, 0x65, 0x72, 0x20, 0x43, 0x65,
					  0x72, 0x74, 0x69, 0x66, 0x69, 0x63, 0x61, 0x74, 0x65,
					  0x56, 0x65, 0x72, 0x69, 0x66, 0x79, 0x00};
	static const uint16_t lengths[] = {32, 48};
	struct composed composed;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct gc_tls13_server request = tls13(0x0804, lengths[i]);

		assert_int_equal(compose_tls13_server(&request, KEY_RSA, &composed), 0);
		assert_int_equal(composed.length, 64 + sizeof(context) + lengths[i]);
		for (size_t j = 0; j < 64; j++)
			assert_int_equal(composed.bytes[j], 0x20);
		assert_memory_equal(composed.bytes + 64, context, sizeof(context));
		assert_memory_equal(composed.bytes + 64 + sizeof(context), request.hash,
				    lengths[i]);
		assert_string_equal(composed.scheme->name, "rsa_pss_rsae_sha256");
	}
}

static void
test_tls12_bytes(void **state)
{
	static const struct {
		uint16_t curve;
		uint8_t length;
	} curves[] = {{23, 65}, {24, 97}, {25, 133}, {29, 32}, {30, 56}};
	struct composed composed;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct gc_tls12_server request = tls12(0x0403, curves[i].curve, curves[i].length);
		const uint8_t params[] = {3, 0, (uint8_t)curves[i].curve, curves[i].length};

		assert_int_equal(compose_tls12_server(&request, KEY_P256, &composed), 0);
		assert_int_equal(composed.length, 68 + curves[i].length);
		assert_memory_equal(composed.bytes, request.client_random, 32);
		assert_memory_equal(composed.bytes + 32, request.server_random, 32);
		assert_memory_equal(composed.bytes + 64, params, 4);
		assert_memory_equal(composed.bytes + 68, request.point, curves[i].length);
	}
}

/* Every scheme there is, and many there are not, with every kind of key, in both versions. */
static void
test_schemes(void **state)
{
	static const struct {
		uint16_t scheme;
		unsigned tls13, tls12;
	} allowed[] = {
	    {0x0401, 0, KEY_RSA},
	    {0x0501, 0, KEY_RSA},
	    {0x0601, 0, KEY_RSA},
	    {0x0804, KEY_RSA, KEY_RSA},
	    {0x0805, KEY_RSA, KEY_RSA},
	    {0x0806, KEY_RSA, KEY_RSA},
	    {0x0403, KEY_P256, KEY_P256 | KEY_P384 | KEY_P521},
	    {0x0503, KEY_P384, KEY_P256 | KEY_P384 | KEY_P521},
	    {0x0603, KEY_P521, KEY_P256 | KEY_P384 | KEY_P521},
	    {0x0807, KEY_ED25519, KEY_ED25519},
	};
	struct composed composed;

	(void)state;
	for (uint32_t scheme = 0; scheme <= 0xffff; scheme++) {
		unsigned may13 = 0, may12 = 0;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
			if (allowed[i].scheme == scheme) {
				may13 = allowed[i].tls13;
				may12 = allowed[i].tls12;
			}
		}
		for (unsigned kind = KEY_RSA; kind <= KEY_ED25519; kind <<= 1) {
			struct gc_tls13_server a = tls13((uint16_t)scheme, 32);
			struct gc_tls12_server b = tls12((uint16_t)scheme, 29, 32);

			assert_int_equal(compose_tls13_server(&a, kind, &composed),
					 (may13 & kind) != 0 ? 0 : GC_REFUSED_SCHEME);
			assert_int_equal(compose_tls12_server(&b, kind, &composed),
					 (may12 & kind) != 0 ? 0 : GC_REFUSED_SCHEME);
		}
	}
}

static void
test_tls13_refused(void **state)
{
	struct gc_tls13_server request;
	struct composed composed;

	(void)state;
	for (uint16_t length = 0; length <= 64; length++) {
		request = tls13(0x0807, length);
		assert_int_equal(compose_tls13_server(&request, KEY_ED25519, &composed),
				 length == 32 || length == 48 ? 0 : GC_REFUSED_LENGTH);
	}
	request = tls13(0x0807, 32);
	request.hash[32] = 1;
	assert_int_equal(compose_tls13_server(&request, KEY_ED25519, &composed), GC_REFUSED_LENGTH);
	request = tls13(0x0807, 32);
	request.hash[47] = 1;
	assert_int_equal(compose_tls13_server(&request, KEY_ED25519, &composed), GC_REFUSED_LENGTH);
}

static void
test_tls12_refused(void **state)
{
	struct gc_tls12_server request;
	struct composed composed;

	(void)state;
	/* Brainpool, secp256k1, explicit curves, ffdhe2048, SecP256r1MLKEM768, ... */
	for (uint32_t curve = 0; curve <= 0xffff; curve++) {
		if ((curve >= 23 && curve <= 25) || curve == 29 || curve == 30)
			continue;
		request = tls12(0x0804, (uint16_t)curve, 32);
		assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed),
				 GC_REFUSED_CURVE);
	}
	for (uint16_t length = 0; length <= 300; length++) {
		request = tls12(0x0804, 23, length);
		assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed),
				 length == 65 ? 0 : GC_REFUSED_LENGTH);
	}
	request = tls12(0x0804, 24, 97);
	request.point[0] = 2; /* compressed: RFC 8422 5.1.2 forbids it */
	assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed), GC_REFUSED_CURVE);
	request = tls12(0x0804, 29, 32);
	request.point[0] = 9; /* x25519 has no format octet */
	assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed), 0);
	request.point[32] = 1;
	assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed), GC_REFUSED_LENGTH);
	request = tls12(0x0804, 25, 133);
	request.zero = 1;
	assert_int_equal(compose_tls12_server(&request, KEY_RSA, &composed), GC_REFUSED_LENGTH);
}

/* Whatever randoms a gate picks, a 1.2 input is never a 1.3 one: RFC 8446 4.4.3's reason for both.
 */
static void
test_layouts_differ(void **state)
{
	struct gc_tls13_server a = tls13(0x0804, 32);
	struct gc_tls12_server b = tls12(0x0804, 29, 32);
	struct composed x, y;

	(void)state;
	memset(b.client_random, 0x20, 32);
	memset(b.server_random, 0x20, 32);
	assert_int_equal(compose_tls13_server(&a, KEY_RSA, &x), 0);
	assert_int_equal(compose_tls12_server(&b, KEY_RSA, &y), 0);
	assert_memory_equal(x.bytes, y.bytes, 64);
	assert_int_not_equal(x.bytes[64], y.bytes[64]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls13_bytes),   cmocka_unit_test(test_tls12_bytes),
	    cmocka_unit_test(test_schemes),       cmocka_unit_test(test_tls13_refused),
	    cmocka_unit_test(test_tls12_refused), cmocka_unit_test(test_layouts_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
