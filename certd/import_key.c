/* SPDX-License-Identifier: ISC */
/* Is a key one that certd may sign with, and are its numbers what they should be? */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "certd/import_parse.h"
#include "certd/key.h"

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
