/* SPDX-License-Identifier: ISC */
/* Is a key one that certd may sign with, and are its numbers what they should be? */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "certd/import_parse.h"
#include "certd/key.h"

/* With moduli above 3072 bits OpenSSL verifies none larger; other clients take even less. */
#define EXPONENT_BITS 64

/*
 * No number of a key is longer than its modulus (RFC 8017 3.2). A factor that is would be tested
 * for hours for being prime, and signing with such an exponent takes minutes.
 */
static bool
has_long_numbers(const EVP_PKEY *pkey, const BIGNUM *n)
{
	/* OpenSSL takes no more than five primes. */
	static const char *const names[] = {OSSL_PKEY_PARAM_RSA_D,
					    OSSL_PKEY_PARAM_RSA_FACTOR1,
					    OSSL_PKEY_PARAM_RSA_FACTOR2,
					    OSSL_PKEY_PARAM_RSA_FACTOR3,
					    OSSL_PKEY_PARAM_RSA_FACTOR4,
					    OSSL_PKEY_PARAM_RSA_FACTOR5,
					    OSSL_PKEY_PARAM_RSA_EXPONENT1,
					    OSSL_PKEY_PARAM_RSA_EXPONENT2,
					    OSSL_PKEY_PARAM_RSA_EXPONENT3,
					    OSSL_PKEY_PARAM_RSA_EXPONENT4,
					    OSSL_PKEY_PARAM_RSA_EXPONENT5,
					    OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
					    OSSL_PKEY_PARAM_RSA_COEFFICIENT2,
					    OSSL_PKEY_PARAM_RSA_COEFFICIENT3,
					    OSSL_PKEY_PARAM_RSA_COEFFICIENT4};
	bool found = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !found; i++) {
		BIGNUM *part = NULL;

		if (EVP_PKEY_get_bn_param(pkey, names[i], &part) == 1)
			found = BN_num_bits(part) > BN_num_bits(n);
		BN_clear_free(part);
	}
	ERR_clear_error();
	return found;
}

int
import_check_algorithm(const PKCS8_PRIV_KEY_INFO *info, struct error *err)
{
	const ASN1_OBJECT *algorithm;
	char name[80];

	if (PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) != 1)
		return key_library_error(err, "the key");
	switch (OBJ_obj2nid(algorithm)) {
	case NID_rsaEncryption:
	case NID_X9_62_id_ecPublicKey:
	case NID_ED25519:
		return 0;
	default:
		/* Some are costly even to read (DSA computes its public half). */
		OBJ_obj2txt(name, sizeof(name), algorithm, 0);
		return error_set(err,
				 "a key for %s, which Postern does not use for TLS: it takes RSA, "
				 "ECDSA on P-256, P-384 or P-521, and Ed25519",
				 name);
	}
}

/* What makes an RSA key no key at all, before anything is computed with it (RFC 8017 3.1, 3.2). */
static int
check_rsa(const EVP_PKEY *pkey, struct error *err)
{
	BIGNUM *n = NULL, *e = NULL;
	int result = 0;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		result = key_library_error(err, "the RSA key");
	else if (!BN_is_odd(n))
		result = error_set(err, "the RSA key's modulus is even: it is damaged, or was made "
					"by something broken: make a new key");
	else if (BN_is_one(e) || !BN_is_odd(e) || BN_is_negative(e))
		result = error_set(err,
				   "the RSA key's public exponent is %s: it protects nothing: "
				   "make a new key",
				   BN_is_one(e) ? "1" : "even");
	else if (BN_num_bits(e) > EXPONENT_BITS)
		result = error_set(err, "the RSA key's public exponent is so large that clients "
					"refuse it: make a new key");
	else if (has_long_numbers(pkey, n))
		result = error_set(err, "the RSA key's numbers don't belong together: it is "
					"damaged: make a new key");
	BN_free(n);
	BN_free(e);
	return result;
}

int
import_check_sizes(const EVP_PKEY *pkey, struct error *err)
{
	return EVP_PKEY_is_a(pkey, "RSA") ? check_rsa(pkey, err) : 0;
}

int
import_check_key(EVP_PKEY *pkey, struct error *err)
{
	struct key *key;
	EVP_PKEY_CTX *context;
	int good;

	if (import_check_sizes(pkey, err) == -1)
		return -1;
	/* Its algorithm, curve and length. */
	if ((key = key_new(pkey, err)) == NULL)
		return -1;
	key_free(key);
	context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	good = context != NULL && EVP_PKEY_check(context) == 1;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return good ? 0
		    : error_set(err,
				"the key's numbers don't belong together: it is damaged, or was "
				"made by something broken: make a new key");
}
