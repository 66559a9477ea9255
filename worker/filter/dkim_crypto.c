/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define BITS_MIN 1024
#define BITS_MAX 4096
#define ED25519_SIZE 32

static EVP_MD *sha256;

int
dkim_crypto_open(void)
{
	/* No configuration file: it could load modules. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return -1;
	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 == NULL ? -1 : 0;
}

EVP_MD_CTX *
dkim_hash_begin(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context != NULL && EVP_DigestInit_ex2(context, sha256, NULL) == 1)
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

void
dkim_hash_add(EVP_MD_CTX *context, const void *octets, size_t length)
{
	(void)EVP_DigestUpdate(context, octets, length);
}

void
dkim_hash_end(EVP_MD_CTX *context, uint8_t out[DKIM_HASH_SIZE])
{
	(void)EVP_DigestFinal_ex(context, out, NULL);
	EVP_MD_CTX_free(context);
}

void
dkim_hash_drop(EVP_MD_CTX *context)
{
	EVP_MD_CTX_free(context);
}

/* SubjectPublicKeyInfo, as all publish it, or RSAPublicKey, as RFC 6376 3.6.1 says. */
static EVP_PKEY *
rsa_key(const struct dkim_key *key)
{
	const unsigned char *at = key->octets;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)key->length);

	if (pkey == NULL) {
		at = key->octets;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)key->length);
	}
	if (pkey != NULL && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static bool
rsa_matches(EVP_PKEY *pkey, const struct dkim_signature *signature,
	    const uint8_t hash[DKIM_HASH_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool result = context != NULL && EVP_PKEY_verify_init(context) == 1 &&
		      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
		      EVP_PKEY_CTX_set_signature_md(context, sha256) == 1 &&
		      EVP_PKEY_verify(context, signature->octets, signature->length, hash,
				      DKIM_HASH_SIZE) == 1;

	EVP_PKEY_CTX_free(context);
	return result;
}

static enum dkim_match
verify_rsa(const struct dkim_signature *signature, const struct dkim_key *key,
	   const uint8_t hash[DKIM_HASH_SIZE])
{
	EVP_PKEY *pkey = rsa_key(key);
	enum dkim_match match;

	if (pkey == NULL)
		return DKIM_NO_KEY;
	if (EVP_PKEY_get_bits(pkey) < BITS_MIN)
		match = DKIM_WEAK_KEY;
	else if (EVP_PKEY_get_bits(pkey) > BITS_MAX)
		match = DKIM_STRONG_KEY;
	else
		match = rsa_matches(pkey, signature, hash) ? DKIM_MATCHES : DKIM_DIFFERS;
	EVP_PKEY_free(pkey);
	return match;
}

/* RFC 8463 3: PureEdDSA of the hash. */
static enum dkim_match
verify_ed25519(const struct dkim_signature *signature, const struct dkim_key *key,
	       const uint8_t hash[DKIM_HASH_SIZE])
{
	enum dkim_match match = DKIM_NO_KEY;
	EVP_PKEY *pkey = NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (key->length == ED25519_SIZE)
		pkey =
		    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->octets, key->length);
	if (context != NULL && pkey != NULL &&
	    EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1)
		match = EVP_DigestVerify(context, signature->octets, signature->length, hash,
					 DKIM_HASH_SIZE) == 1
			    ? DKIM_MATCHES
			    : DKIM_DIFFERS;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return match;
}

enum dkim_match
dkim_verify(const struct dkim_signature *signature, const struct dkim_key *key,
	    const uint8_t hash[DKIM_HASH_SIZE])
{
	enum dkim_match match;

	/*
	 * EVP answers the same whether a signature differs, a key is none or memory is short, and
	 * its queue does not always tell. malloc() does, and nothing else here sets that: a
	 * stranger's key can't.
	 */
	errno = 0;
	match =
	    key->ed25519 ? verify_ed25519(signature, key, hash) : verify_rsa(signature, key, hash);
	if (match != DKIM_MATCHES && errno == ENOMEM)
		match = DKIM_NO_MEMORY;
	ERR_clear_error();
	return match;
}
