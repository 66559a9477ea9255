/* SPDX-License-Identifier: ISC */
/* Is a key one that certd may sign with, and are its numbers what they should be? */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "certd/import_parse.h"
#include "certd/key.h"

/* With moduli above 3072 bits OpenSSL verifies none larger; other clients take even less. */
#define EXPONENT_BITS 64

/* A factor as long as the modulus itself is none, but would be tested for hours for being prime. */
static bool
has_long_factors(const EVP_PKEY *pkey, const BIGNUM *n)
{
	static const char *const names[] = {OSSL_PKEY_PARAM_RSA_FACTOR1,
					    OSSL_PKEY_PARAM_RSA_FACTOR2,
					    OSSL_PKEY_PARAM_RSA_FACTOR3, OSSL_PKEY_PARAM_RSA_D};
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
	else if (has_long_factors(pkey, n))
		result = error_set(err, "the RSA key's numbers don't belong together: it is "
					"damaged: make a new key");
	BN_free(n);
	BN_free(e);
	return result;
}

int
import_check_key(EVP_PKEY *pkey, struct error *err)
{
	struct key *key;
	EVP_PKEY_CTX *context;
	int good;

	if (EVP_PKEY_is_a(pkey, "RSA") && check_rsa(pkey, err) == -1)
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
