/* SPDX-License-Identifier: ISC */
/* Keys in PKCS#8 (RFC 5958), encrypted or not, and certificates in PKCS#7 (RFC 2315). */
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

long
import_integer(const ASN1_INTEGER *number)
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

static long
pbkdf2(const ASN1_TYPE *parameter)
{
	PBKDF2PARAM *kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	long iterations = kdf == NULL ? 1 : import_integer(kdf->iter);

	PBKDF2PARAM_free(kdf);
	return iterations;
}

/* RFC 7914 7.1. A step of it costs about as much as one of PBKDF2, a block of eight. */
static long
scrypt(const ASN1_TYPE *parameter)
{
	SCRYPT_PARAMS *kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
	long cost, width, times;

	if (kdf == NULL)
		return 1;
	cost = import_integer(kdf->costParameter);
	width = import_integer(kdf->blockSize);
	times = import_integer(kdf->parallelizationParameter);
	SCRYPT_PARAMS_free(kdf);
	/* Each is bounded: no overflow. */
	return cost > IMPORT_ITERATIONS_MAX || width > 1024 || times > 1024 ||
		       cost * width * times / 8 > IMPORT_ITERATIONS_MAX
		   ? IMPORT_ITERATIONS_MAX + 1L
		   : cost * width * times / 8;
}

static long
pbes2(const ASN1_TYPE *parameter)
{
	PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
	long iterations = 1;

	if (pbe2 != NULL && pbe2->keyfunc != NULL && pbe2->keyfunc->parameter != NULL) {
		if (OBJ_obj2nid(pbe2->keyfunc->algorithm) == NID_id_pbkdf2)
			iterations = pbkdf2(pbe2->keyfunc->parameter);
		else if (OBJ_obj2nid(pbe2->keyfunc->algorithm) == NID_id_scrypt)
			iterations = scrypt(pbe2->keyfunc->parameter);
	}
	PBE2PARAM_free(pbe2);
	return iterations;
}

/* RFC 8018 5.2 (PBES2), or the older algorithms of RFC 7292 and 8018 6.1. */
long
import_iterations(const X509_ALGOR *algorithm)
{
	const ASN1_TYPE *parameter = algorithm->parameter;
	long iterations = 1;
	PBEPARAM *pbe;

	if (parameter == NULL || parameter->type != V_ASN1_SEQUENCE)
		return 1;
	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
		iterations = pbes2(parameter);
	} else if ((pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter)) != NULL) {
		iterations = import_integer(pbe->iter);
		PBEPARAM_free(pbe);
	}
	ERR_clear_error();
	return iterations;
}

int
import_check_iterations(long iterations, const struct import_sink *sink, struct error *err)
{
	if (iterations <= sink->iterations_max)
		return 0;
	return error_set(
	    err,
	    "its pass phrase would have to be hashed more than %ld times, which takes too "
	    "long: export it again with the usual number",
	    sink->iterations_max);
}

/*
 * -- PKCS#8 ---------------------------------------------------------------------
 */

int
import_pkcs8(const PKCS8_PRIV_KEY_INFO *info, const struct import_sink *sink, struct error *err)
{
	EVP_PKEY *pkey;

	if (import_check_algorithm(info, err) == -1)
		return -1;
	pkey = EVP_PKCS82PKEY(info);
	ERR_clear_error();
	if (pkey == NULL)
		return error_set(err, "the key is damaged, or its numbers can't be a key: copy it "
				      "again");
	return import_give_key(pkey, sink, err);
}

int
import_pkcs8_encrypted(const uint8_t **der, size_t length, const struct import_sink *sink,
		       struct error *err)
{
	X509_SIG *sig = d2i_X509_SIG(NULL, der, (long)length);
	char phrase[IMPORT_PASSPHRASE_SIZE];
	PKCS8_PRIV_KEY_INFO *info = NULL;
	const X509_ALGOR *algorithm;
	int n, result;

	if (sig == NULL)
		return 0;
	X509_SIG_get0(sig, &algorithm, NULL);
	result = import_check_iterations(import_iterations(algorithm), sink, err);
	for (unsigned attempt = 0; result == 0 && info == NULL; attempt++) {
		n = sink->passphrase(sink->arg, phrase, sizeof(phrase), attempt, err);
		if (n != -1)
			info = PKCS8_decrypt(sig, phrase, n);
		if (n == -1 || (info == NULL && import_is_unsupported(sink, err)))
			result = -1;
		ERR_clear_error();
	}
	explicit_bzero(phrase, sizeof(phrase));
	X509_SIG_free(sig);
	if (result == 0)
		result = import_pkcs8(info, sink, err);
	PKCS8_PRIV_KEY_INFO_free(info);
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
