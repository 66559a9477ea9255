/* SPDX-License-Identifier: ISC */
#include "certd/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common/cert_name.h"

#define FILE_NAME_SIZE (CERT_KEPT_SIZE + 4)

static bool
contains(const struct contents *contents, const char *text)
{
	return memmem(contents->bytes, contents->length, text, strlen(text)) != NULL;
}

static EVP_PKEY *
parse_key(const char *file, const struct contents *contents, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(contents->bytes, (int)contents->length);
	EVP_PKEY *pkey = NULL;

	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, key_no_passphrase, NULL);
	BIO_free(bio);
	if (pkey != NULL)
		return pkey;
	ERR_clear_error();
	if (contains(contents, "ENCRYPTED"))
		error_set(err, "%s: is encrypted with a passphrase: decrypt it with openssl pkey",
			  file);
	else if (!contains(contents, "PRIVATE KEY-----"))
		error_set(err, "%s: no PEM private key in it: is it the right file?", file);
	else
		error_set(err, "%s: broken or truncated, or of an unknown algorithm: copy it again",
			  file);
	return NULL;
}

/*
 * Reads NAME's file with SUFFIX, or, if there is none, the NAME.pem that has all in it (and so a
 * key). FILE is which it was. 0, or -1 with ERR filled.
 */
static int
read_either(int directory, const char *name, const char *suffix, enum file_kind kind, uid_t owner,
	    char file[FILE_NAME_SIZE], struct contents *contents, struct error *err)
{
	struct error pem;

	snprintf(file, FILE_NAME_SIZE, "%s%s", name, suffix);
	if (file_read(directory, file, kind, owner, contents, err) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	snprintf(file, FILE_NAME_SIZE, "%s.pem", name);
	if (file_read(directory, file, FILE_KEY, owner, contents, &pem) == 0)
		return 0;
	/* Without one, it is the other file that is missing. */
	if (errno != ENOENT)
		*err = pem;
	return -1;
}

struct key *
pair_load_key(int directory, const char *name, uid_t owner, struct error *err)
{
	struct contents contents = {NULL, 0};
	char file[FILE_NAME_SIZE];
	EVP_PKEY *pkey;
	struct key *key;

	if (read_either(directory, name, ".key", FILE_KEY, owner, file, &contents, err) == -1)
		return NULL;
	pkey = parse_key(file, &contents, err);
	contents_free(&contents);
	if (pkey == NULL)
		return NULL;
	if ((key = key_new(pkey, err)) == NULL)
		error_prefix(err, "%s", file);
	EVP_PKEY_free(pkey);
	return key;
}

static int
append_der(struct pair *pair, const char *file, X509 *certificate, struct error *err)
{
	uint8_t *der = NULL, *chain;
	int length = i2d_X509(certificate, &der);

	if (length <= 0)
		return key_library_error(err, file);
	if (pair->chain_length + (size_t)length > CERT_CHAIN_MAX) {
		OPENSSL_free(der);
		return error_set(err, "%s: a chain of more than %d bytes: leave out the root", file,
				 CERT_CHAIN_MAX);
	}
	chain = realloc(pair->chain, pair->chain_length + (size_t)length);
	if (chain == NULL) {
		OPENSSL_free(der);
		return error_errno(err, "%s", file);
	}
	memcpy(chain + pair->chain_length, der, (size_t)length);
	pair->chain = chain;
	pair->chain_length += (size_t)length;
	OPENSSL_free(der);
	return 0;
}

/* Reads the certificates; the leaf goes to *LEAF, for the caller to free. */
static int
parse_chain(struct pair *pair, const char *file, const struct contents *contents, X509 **leaf,
	    struct error *err)
{
	BIO *bio = BIO_new_mem_buf(contents->bytes, (int)contents->length);
	X509 *certificate;
	unsigned long why;
	int result = 0;

	*leaf = NULL;
	if (bio == NULL)
		return key_library_error(err, file);
	while (result == 0 &&
	       (certificate = PEM_read_bio_X509(bio, NULL, key_no_passphrase, NULL)) != NULL) {
		result = append_der(pair, file, certificate, err);
		if (*leaf == NULL)
			*leaf = certificate;
		else
			X509_free(certificate);
	}
	BIO_free(bio);
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (result == -1)
		return -1;
	/* The end of the file, not of our understanding. */
	if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		return error_set(err, "%s: broken or truncated: copy it again", file);
	if (*leaf == NULL)
		return error_set(err, "%s: no PEM certificate in it: is it the right file?", file);
	return 0;
}

/* Dates don't stop us: an expired certificate is still better than none. */
static void
check_dates(struct pair *pair, const char *file, const X509 *leaf)
{
	const char *what = NULL;

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		what = "has expired: clients will refuse it: put a new one there";
	else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		what = "is not valid yet: is the clock right?";
	if (what != NULL)
		snprintf(pair->warning, sizeof(pair->warning), "%s: %s", file, what);
}

static int
verify(EVP_PKEY *public, const struct composed *composed, const uint8_t *signature, size_t length)
{
	const struct scheme *scheme = composed->scheme;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters = NULL;
	int good;

	good = context != NULL && EVP_DigestVerifyInit_ex(context, &parameters, scheme->digest,
							  NULL, NULL, public, NULL) == 1;
	if (good && scheme->padding == PADDING_PSS)
		good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) > 0;
	good = good &&
	       EVP_DigestVerify(context, signature, length, composed->bytes, composed->length) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

int
pair_check_match(struct key *key, const char *name, const X509 *leaf, struct error *err)
{
	EVP_PKEY *public = X509_get0_pubkey(leaf);
	struct gc_tls13_server request = {.hash_length = 32};
	uint8_t signature[SIGNATURE_MAX];
	struct composed composed;
	size_t length;
	int good;

	if (public == NULL || EVP_PKEY_eq(key_pkey(key), public) != 1) {
		ERR_clear_error();
		return error_set(err,
				 "%s.key and %s.crt don't match: the certificate is "
				 "of another key",
				 name, name);
	}
	request.scheme = scheme_default(key_kind(key))->id;
	if (compose_tls13_server(&request, key_kind(key), &composed) != 0)
		return error_set(err, "%s.key: can't be used for TLS", name);
	if (key_sign(key, &composed, signature, &length, err) == -1)
		return error_prefix(err, "%s.key", name);
	good = verify(public, &composed, signature, length);
	explicit_bzero(signature, sizeof(signature));
	ERR_clear_error();
	if (!good)
		return error_set(err, "%s.key: its signatures are not valid: it is damaged", name);
	return 0;
}

static int
load_chain(struct pair *pair, int directory, const char *name, uid_t owner, struct error *err)
{
	struct contents contents = {NULL, 0};
	char file[FILE_NAME_SIZE];
	X509 *leaf;
	int result;

	if (read_either(directory, name, ".crt", FILE_PUBLIC, owner, file, &contents, err) == -1)
		return -1;
	result = parse_chain(pair, file, &contents, &leaf, err);
	contents_free(&contents);
	if (result == 0) {
		check_dates(pair, file, leaf);
		result = pair_check_match(pair->key, name, leaf, err);
	}
	X509_free(leaf);
	return result;
}

struct pair *
pair_load(int directory, const char *name, uid_t owner, struct error *err)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (pair == NULL) {
		error_errno(err, "%s", name);
		return NULL;
	}
	if ((pair->key = pair_load_key(directory, name, owner, err)) == NULL ||
	    load_chain(pair, directory, name, owner, err) == -1) {
		pair_free(pair);
		return NULL;
	}
	return pair;
}

void
pair_free(struct pair *pair)
{
	if (pair == NULL)
		return;
	key_free(pair->key);
	free(pair->chain);
	free(pair);
}

bool
pair_same_key(const struct pair *a, const struct pair *b)
{
	return EVP_PKEY_eq(key_pkey(a->key), key_pkey(b->key)) == 1;
}

bool
pair_same_chain(const struct pair *a, const struct pair *b)
{
	return a->chain_length == b->chain_length &&
	       memcmp(a->chain, b->chain, a->chain_length) == 0;
}

X509 *
pair_leaf(const struct pair *pair)
{
	const unsigned char *der = pair->chain;
	X509 *leaf = d2i_X509(NULL, &der, (long)pair->chain_length);

	ERR_clear_error();
	return leaf;
}

bool
pair_for_host(const struct pair *pair, const char *host)
{
	X509 *leaf = pair_leaf(pair);
	bool result = leaf != NULL && X509_check_host(leaf, host, 0,
						      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
							  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
						      NULL) == 1;

	X509_free(leaf);
	ERR_clear_error();
	return result;
}

bool
pair_self_signed(const struct pair *pair)
{
	X509 *leaf = pair_leaf(pair);
	bool result = leaf != NULL && X509_self_signed(leaf, 0) == 1;

	X509_free(leaf);
	ERR_clear_error();
	return result;
}
