/* SPDX-License-Identifier: ISC */
/* Signatures of every kind of key with every scheme, verified apart from the code that makes them.
 */
#include "tests/unit/certd_support.h"

#include <string.h>

#include <openssl/rsa.h>

static int
verify(EVP_PKEY *public, const struct composed *composed, const uint8_t *signature, size_t length)
{
	const struct scheme *scheme = composed->scheme;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters;
	int good;

	assert_int_equal(
	    EVP_DigestVerifyInit_ex(context, &parameters, scheme->digest, NULL, NULL, public, NULL),
	    1);
	if (scheme->padding == PADDING_PSS) {
		const EVP_MD *md = EVP_get_digestbyname(scheme->digest);

		/* RFC 8446 4.2.3: the salt is exactly as long as the digest, MGF1 with the same. */
		EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, EVP_MD_get_size(md));
		EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, md);
	}
	good = EVP_DigestVerify(context, signature, length, composed->bytes, composed->length);
	EVP_MD_CTX_free(context);
	return good;
}

static void
check_signature(struct key *key, struct composed *composed)
{
	uint8_t signature[SIGNATURE_MAX];
	struct error err;
	size_t length;

	/* Twice: the second one uses what the first has prepared. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(key_sign(key, composed, signature, &length, &err), 0);
		assert_int_equal(verify(key_pkey(key), composed, signature, length), 1);
	}
	composed->bytes[composed->length - 1] ^= 1;
	assert_int_not_equal(verify(key_pkey(key), composed, signature, length), 1);
}

static void
test_every_scheme(void **state)
{
	struct composed composed;
	struct error err;
	int signatures = 0;

	(void)state;
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		struct key *key = key_new(support_pkey(*kind), &err);

		assert_non_null(key);
		assert_int_equal(key_kind(key), *kind);
		for (size_t i = 0; i < SCHEME_COUNT; i++) {
			struct gc_tls13_server a = {.scheme = schemes[i].id, .hash_length = 48};
			struct gc_tls12_server b = {
			    .scheme = schemes[i].id, .curve = 29, .point_length = 32};

			if (compose_tls13_server(&a, *kind, &composed) == 0) {
				check_signature(key, &composed);
				signatures++;
			}
			if (compose_tls12_server(&b, *kind, &composed) == 0) {
				check_signature(key, &composed);
				signatures++;
			}
		}
		key_free(key);
	}
	assert_int_equal(signatures, 3 + 6 + 3 * (1 + 3) + 2);
}

static void
refused(EVP_PKEY *pkey, const char *why)
{
	struct error err;

	assert_null(key_new(pkey, &err));
	assert_non_null(strstr(err.text, why));
	EVP_PKEY_free(pkey);
}

static void
test_refused_keys(void **state)
{
	(void)state;
	refused(support_new_pkey("RSA", 512, NULL), "512 bits is weak");
	refused(support_new_pkey("RSA-PSS", 2048, NULL), "algorithm");
	refused(support_new_pkey("EC", 0, "secp256k1"), "elliptic curve secp256k1");
	refused(support_new_pkey("EC", 0, "P-224"), "elliptic curve secp224r1");
	refused(support_new_pkey("X25519", 0, NULL), "algorithm");
	refused(support_new_pkey("ED448", 0, NULL), "algorithm");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_scheme),
	    cmocka_unit_test(test_refused_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
