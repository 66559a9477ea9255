/* SPDX-License-Identifier: ISC */
/* PKCS#12 (RFC 7292): bags in safes, each of both encrypted by itself or not. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include "certd/import_parse.h"
#include "certd/key.h"

/* Safes, and bags in a safe: of others there are two of each. */
#define SAFES_MAX 16
#define BAGS_MAX 1024

struct opened {
	const char *phrase; /* NULL: none, which is another than "" */
	int length;
	const struct import_sink *sink;
	long iterations; /* so far */
	unsigned bags;
};

/* May a pass phrase be hashed so often more? 0, or -1 with ERR filled. */
static int
count(struct opened *opened, long iterations, struct error *err)
{
	opened->iterations += iterations;
	return import_check_iterations(opened->iterations, opened->sink, err);
}

static int
broken(const struct import_sink *sink, struct error *err)
{
	if (!import_is_unsupported(sink, err))
		error_set(err, "the PKCS#12 file is damaged: export it again");
	ERR_clear_error();
	return -1;
}

static int
shrouded(const PKCS12_SAFEBAG *bag, struct opened *opened, struct error *err)
{
	const X509_SIG *sig = PKCS12_SAFEBAG_get0_pkcs8(bag);
	PKCS8_PRIV_KEY_INFO *info;
	const X509_ALGOR *algorithm;
	int result;

	if (sig == NULL)
		return broken(opened->sink, err);
	X509_SIG_get0(sig, &algorithm, NULL);
	if (count(opened, import_iterations(algorithm), err) == -1)
		return -1;
	info = PKCS8_decrypt(sig, opened->phrase, opened->length);
	if (info == NULL)
		return broken(opened->sink, err);
	result = import_pkcs8(info, opened->sink, err);
	PKCS8_PRIV_KEY_INFO_free(info);
	return result;
}

static int
certificate(const PKCS12_SAFEBAG *bag, const struct import_sink *sink, struct error *err)
{
	X509 *x509;
	int result;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return 0;
	if ((x509 = PKCS12_SAFEBAG_get1_cert(bag)) == NULL)
		return broken(sink, err);
	result = sink->certificate(sink->arg, x509, err);
	X509_free(x509);
	return result;
}

/* The decoder has bounded how deep they lie in each other. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int
take_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, struct opened *opened, struct error *err)
{
	int result = 0;

	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && result == 0; i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

		if (++opened->bags > BAGS_MAX)
			return error_set(err, "more than %d items in a PKCS#12 file", BAGS_MAX);
		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_keyBag:
			result = import_pkcs8(PKCS12_SAFEBAG_get0_p8inf(bag), opened->sink, err);
			break;
		case NID_pkcs8ShroudedKeyBag:
			result = shrouded(bag, opened, err);
			break;
		case NID_certBag:
			result = certificate(bag, opened->sink, err);
			break;
		case NID_safeContentsBag:
			result = take_bags(PKCS12_SAFEBAG_get0_safes(bag), opened, err);
			break;
		default: /* a CRL, a secret */
			break;
		}
	}
	return result;
}

static int
take_safe(PKCS7 *safe, struct opened *opened, struct error *err)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	int result;

	if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted != NULL &&
	    safe->d.encrypted->enc_data != NULL && safe->d.encrypted->enc_data->algorithm != NULL) {
		if (count(opened, import_iterations(safe->d.encrypted->enc_data->algorithm), err) ==
		    -1)
			return -1;
		bags = PKCS12_unpack_p7encdata(safe, opened->phrase, opened->length);
	} else if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
	} else {
		return error_set(err, "a PKCS#12 file that is encrypted for a certificate, not by "
				      "a pass phrase: export it with a pass phrase");
	}
	if (bags == NULL)
		return broken(opened->sink, err);
	result = take_bags(bags, opened, err);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return result;
}

static int
take_safes(const PKCS12 *p12, struct opened *opened, struct error *err)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	int result = 0;

	if (safes == NULL)
		return broken(opened->sink, err);
	if (sk_PKCS7_num(safes) > SAFES_MAX)
		result = error_set(err, "more than %d parts in a PKCS#12 file", SAFES_MAX);
	for (int i = 0; i < sk_PKCS7_num(safes) && result == 0; i++)
		result = take_safe(sk_PKCS7_value(safes, i), opened, err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return result;
}

/* Java and Windows write no pass phrase in two ways: an empty one, and none. */
static int
try_without(PKCS12 *p12, struct opened *opened)
{
	opened->phrase = NULL;
	opened->length = 0;
	if (PKCS12_mac_present(p12) != 1 || PKCS12_verify_mac(p12, NULL, 0))
		return 1;
	opened->phrase = "";
	return PKCS12_verify_mac(p12, "", 0);
}

static int
find_phrase(PKCS12 *p12, char phrase[IMPORT_PASSPHRASE_SIZE], struct opened *opened,
	    struct error *err)
{
	const struct import_sink *sink = opened->sink;
	const ASN1_INTEGER *iterations = NULL;

	if (PKCS12_mac_present(p12))
		PKCS12_get0_mac(NULL, NULL, NULL, &iterations, p12);
	if (count(opened, import_integer(iterations), err) == -1)
		return -1;
	if (try_without(p12, opened))
		return 0;
	opened->phrase = phrase;
	for (unsigned attempt = 0;; attempt++) {
		if (import_is_unsupported(sink, err))
			return -1;
		opened->length =
		    sink->passphrase(sink->arg, phrase, IMPORT_PASSPHRASE_SIZE, attempt, err);
		if (opened->length == -1)
			return -1;
		if (PKCS12_verify_mac(p12, phrase, opened->length))
			return 0;
	}
}

int
import_pkcs12(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	PKCS12 *p12 = d2i_PKCS12(NULL, der, (long)length);
	char phrase[IMPORT_PASSPHRASE_SIZE];
	struct opened opened = {.sink = sink};
	int result;

	if (p12 == NULL)
		return 0;
	result = find_phrase(p12, phrase, &opened, err);
	ERR_clear_error();
	if (result == 0)
		result = take_safes(p12, &opened, err);
	explicit_bzero(phrase, sizeof(phrase));
	PKCS12_free(p12);
	return result == -1 ? -1 : 1;
}
