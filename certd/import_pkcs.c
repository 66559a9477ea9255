/* SPDX-License-Identifier: ISC */
/* Containers and encrypted keys: PKCS#12 (RFC 7292), PKCS#7 (RFC 2315), PKCS#8 (RFC 5958). */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include "certd/import_parse.h"
#include "certd/key.h"

static int
certificates(const STACK_OF(X509) * list, const struct import_sink *sink, struct error *err)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		if (sink->certificate(sink->arg, sk_X509_value(list, i), err) == -1)
			return -1;
	}
	return 0;
}

/*
 * -- How often a pass phrase is hashed ------------------------------------------
 */

static long
integer(const ASN1_INTEGER *number)
{
	int64_t value;

	if (number == NULL)
		return 1;
	if (ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 ||
	    value > IMPORT_ITERATIONS_MAX) {
		ERR_clear_error();
		return IMPORT_ITERATIONS_MAX + 1L;
	}
	return (long)value;
}

/* RFC 8018 5.2 (PBES2 with PBKDF2), or the older algorithms of RFC 7292 and 8018 6.1. */
static long
iterations_of(const X509_ALGOR *algorithm)
{
	const ASN1_TYPE *parameter = algorithm->parameter;
	long iterations = 1;

	if (parameter == NULL || parameter->type != V_ASN1_SEQUENCE)
		return 1;
	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
		PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
		PBKDF2PARAM *kdf = NULL;

		if (pbe2 != NULL && pbe2->keyfunc != NULL &&
		    OBJ_obj2nid(pbe2->keyfunc->algorithm) == NID_id_pbkdf2)
			kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
							pbe2->keyfunc->parameter);
		if (kdf != NULL)
			iterations = integer(kdf->iter);
		PBKDF2PARAM_free(kdf);
		PBE2PARAM_free(pbe2);
	} else {
		PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);

		if (pbe != NULL)
			iterations = integer(pbe->iter);
		PBEPARAM_free(pbe);
	}
	ERR_clear_error();
	return iterations;
}

static int
check_iterations(long iterations, struct error *err)
{
	if (iterations <= IMPORT_ITERATIONS_MAX)
		return 0;
	return error_set(
	    err,
	    "its pass phrase would have to be hashed more than %d times, which takes too "
	    "long: export it again with the usual number",
	    IMPORT_ITERATIONS_MAX);
}

/*
 * -- Encrypted PKCS#8 -----------------------------------------------------------
 */

/* The key of SIG with one pass phrase; NULL: wrong, or *UNSUPPORTED with ERR filled. */
static EVP_PKEY *
decrypt_key(const X509_SIG *sig, const char *phrase, int length, const struct import_sink *sink,
	    bool *unsupported, struct error *err)
{
	PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sig, phrase, length);
	EVP_PKEY *pkey = info == NULL ? NULL : EVP_PKCS82PKEY(info);

	/* Decrypted, but no key that OpenSSL reads: likely one in 256 wrong phrases. */
	*unsupported = info == NULL && import_is_unsupported(sink, err);
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	return pkey;
}

int
import_pkcs8_encrypted(const uint8_t **der, size_t length, const struct import_sink *sink,
		       struct error *err)
{
	X509_SIG *sig = d2i_X509_SIG(NULL, der, (long)length);
	char phrase[IMPORT_PASSPHRASE_SIZE];
	const X509_ALGOR *algorithm;
	EVP_PKEY *pkey = NULL;
	bool unsupported = false;
	int n, result;

	if (sig == NULL)
		return 0;
	X509_SIG_get0(sig, &algorithm, NULL);
	result = check_iterations(iterations_of(algorithm), err);
	for (unsigned attempt = 0; result == 0 && pkey == NULL; attempt++) {
		n = sink->passphrase(sink->arg, phrase, sizeof(phrase), attempt, err);
		if (n != -1)
			pkey = decrypt_key(sig, phrase, n, sink, &unsupported, err);
		if (n == -1 || unsupported)
			result = -1;
	}
	explicit_bzero(phrase, sizeof(phrase));
	X509_SIG_free(sig);
	if (result == 0)
		result = import_give_key(pkey, sink, err);
	return result == -1 ? -1 : 1;
}

/*
 * -- PKCS#12 --------------------------------------------------------------------
 */

static int
check_pkcs12_iterations(PKCS12 *p12, struct error *err)
{
	const ASN1_INTEGER *count = NULL;
	STACK_OF(PKCS7) * safes;
	long most = 1, here;

	if (PKCS12_mac_present(p12)) {
		PKCS12_get0_mac(NULL, NULL, NULL, &count, p12);
		most = integer(count);
	}
	safes = PKCS12_unpack_authsafes(p12);
	for (int i = 0; i < sk_PKCS7_num(safes); i++) {
		const PKCS7 *safe = sk_PKCS7_value(safes, i);

		if (!PKCS7_type_is_encrypted(safe) || safe->d.encrypted == NULL ||
		    safe->d.encrypted->enc_data == NULL ||
		    safe->d.encrypted->enc_data->algorithm == NULL)
			continue;
		here = iterations_of(safe->d.encrypted->enc_data->algorithm);
		if (here > most)
			most = here;
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	ERR_clear_error();
	return check_iterations(most, err);
}

/* Java and Windows write no pass phrase in two ways: an empty one, and none. */
static int
open_pkcs12(PKCS12 *p12, char *phrase, size_t size, const char **right,
	    const struct import_sink *sink, struct error *err)
{
	bool mac = PKCS12_mac_present(p12) == 1;

	*right = NULL;
	if (!mac || PKCS12_verify_mac(p12, NULL, 0))
		return 0;
	*right = "";
	if (PKCS12_verify_mac(p12, "", 0))
		return 0;
	if (import_is_unsupported(sink, err))
		return -1;
	*right = phrase;
	for (unsigned attempt = 0;; attempt++) {
		int n = sink->passphrase(sink->arg, phrase, size, attempt, err);

		if (n == -1)
			return -1;
		if (PKCS12_verify_mac(p12, phrase, n))
			return 0;
		if (import_is_unsupported(sink, err))
			return -1;
	}
}

static int
unpack_pkcs12(PKCS12 *p12, const char *phrase, const struct import_sink *sink, struct error *err)
{
	EVP_PKEY *pkey = NULL;
	X509 *certificate = NULL;
	STACK_OF(X509) *others = NULL;
	int result = 0;

	if (!PKCS12_parse(p12, phrase, &pkey, &certificate, &others)) {
		if (import_is_unsupported(sink, err))
			return -1;
		return error_set(err, "the PKCS#12 file is damaged: export it again");
	}
	if (pkey != NULL)
		result = import_give_key(pkey, sink, err);
	if (result == 0 && certificate != NULL)
		result = sink->certificate(sink->arg, certificate, err);
	if (result == 0)
		result = certificates(others, sink, err);
	X509_free(certificate);
	sk_X509_pop_free(others, X509_free);
	return result;
}

int
import_pkcs12(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	PKCS12 *p12 = d2i_PKCS12(NULL, der, (long)length);
	char phrase[IMPORT_PASSPHRASE_SIZE];
	const char *right;
	int result;

	if (p12 == NULL)
		return 0;
	result = check_pkcs12_iterations(p12, err);
	if (result == 0)
		result = open_pkcs12(p12, phrase, sizeof(phrase), &right, sink, err);
	if (result == 0)
		result = unpack_pkcs12(p12, right, sink, err);
	explicit_bzero(phrase, sizeof(phrase));
	PKCS12_free(p12);
	return result == -1 ? -1 : 1;
}

/*
 * -- PKCS#7 ---------------------------------------------------------------------
 */

int
import_pkcs7(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	PKCS7 *p7 = d2i_PKCS7(NULL, der, (long)length);
	const STACK_OF(X509) *list = NULL;
	int result;

	if (p7 == NULL)
		return 0;
	if (PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
		list = p7->d.sign->cert;
	else if (PKCS7_type_is_signedAndEnveloped(p7) && p7->d.signed_and_enveloped != NULL)
		list = p7->d.signed_and_enveloped->cert;
	if (sk_X509_num(list) > 0)
		result = certificates(list, sink, err);
	else
		result =
		    error_set(err, "a PKCS#7 file without a certificate: is it the right one?");
	PKCS7_free(p7);
	return result == -1 ? -1 : 1;
}
