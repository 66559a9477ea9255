/* SPDX-License-Identifier: ISC */
#include "certd/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#define RSA_BITS_MIN 1024  /* what RSA-PSS with SHA-256 and OpenSSL's security level 1 need */
#define RSA_BITS_WEAK 2048 /* below: NIST SP 800-131A, OpenSSL's security level 2 */
#define RSA_BITS_MAX (SIGNATURE_MAX * 8)

struct key {
	EVP_PKEY *pkey;
	enum key_kind kind;
	/*
	 * One prepared context a scheme, made when it is first used: setting one up costs as much
	 * as a sixth of a P-256 signature.
	 */
	struct prepared {
		EVP_MD *digest;
		EVP_PKEY_CTX *context;
	} prepared[SCHEME_COUNT];
};

int
key_no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int
key_library_error(struct error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return error_set(err, "%s: %s", what, reason != NULL ? reason : "no reason given");
}

static int
ec_kind(EVP_PKEY *pkey, enum key_kind *kind, struct error *err)
{
	static const struct {
		const char *group;
		enum key_kind kind;
	} groups[] = {{"prime256v1", KEY_P256}, {"secp384r1", KEY_P384}, {"secp521r1", KEY_P521}};
	char group[64] = "of explicit parameters";

	(void)EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i].group, group) == 0) {
			*kind = groups[i].kind;
			return 0;
		}
	}
	return error_set(err, "elliptic curve %s: make a key on P-256, P-384 or P-521", group);
}

static int
kind_of(EVP_PKEY *pkey, enum key_kind *kind, struct error *err)
{
	const char *type = EVP_PKEY_get0_type_name(pkey);
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*kind = KEY_ED25519;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "EC"))
		return ec_kind(pkey, kind, err);
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return error_set(err, "algorithm %s: make an RSA, ECDSA or Ed25519 key",
				 type != NULL ? type : "unknown");
	if (bits < RSA_BITS_MIN)
		return error_set(err, "RSA of %d bits is weak: make one of %d or more", bits,
				 RSA_BITS_WEAK);
	if (bits > RSA_BITS_MAX)
		return error_set(err, "RSA of %d bits: at most %d", bits, RSA_BITS_MAX);
	*kind = KEY_RSA;
	return 0;
}

struct key *
key_new(EVP_PKEY *pkey, struct error *err)
{
	enum key_kind kind;
	struct key *key;

	if (kind_of(pkey, &kind, err) == -1)
		return NULL;
	if ((key = calloc(1, sizeof(*key))) == NULL) {
		error_errno(err, "a key");
		return NULL;
	}
	if (!EVP_PKEY_up_ref(pkey)) {
		free(key);
		key_library_error(err, "a key");
		return NULL;
	}
	key->pkey = pkey;
	key->kind = kind;
	return key;
}

bool
key_is_weak(const struct key *key)
{
	return key->kind == KEY_RSA && EVP_PKEY_get_bits(key->pkey) < RSA_BITS_WEAK;
}

void
key_free(struct key *key)
{
	if (key == NULL)
		return;
	for (size_t i = 0; i < SCHEME_COUNT; i++) {
		EVP_PKEY_CTX_free(key->prepared[i].context);
		EVP_MD_free(key->prepared[i].digest);
	}
	EVP_PKEY_free(key->pkey);
	freezero(key, sizeof(*key));
}

enum key_kind
key_kind(const struct key *key)
{
	return key->kind;
}

EVP_PKEY *
key_pkey(const struct key *key)
{
	return key->pkey;
}

static int
set_padding(EVP_PKEY_CTX *context, const struct scheme *scheme)
{
	switch (scheme->padding) {
	case PADDING_NONE:
		return 1;
	case PADDING_PKCS1:
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
	case PADDING_PSS:
		/* RFC 8446 4.2.3: MGF1 with the same hash (the default), salt as long as it. */
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
	}
	return 0;
}

static int
prepare(struct key *key, const struct scheme *scheme, struct prepared *prepared)
{
	prepared->digest = EVP_MD_fetch(NULL, scheme->digest, NULL);
	prepared->context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (prepared->digest != NULL && prepared->context != NULL &&
	    EVP_PKEY_sign_init(prepared->context) > 0 && set_padding(prepared->context, scheme) &&
	    EVP_PKEY_CTX_set_signature_md(prepared->context, prepared->digest) > 0)
		return 0;
	EVP_PKEY_CTX_free(prepared->context);
	EVP_MD_free(prepared->digest);
	*prepared = (struct prepared){NULL, NULL};
	return -1;
}

/* Ed25519 hashes by itself (RFC 8032 5.1.6), in one go. */
static int
sign_whole(struct key *key, const struct composed *composed, uint8_t *signature, size_t *length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int done =
	    context != NULL &&
	    EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
	    EVP_DigestSign(context, signature, length, composed->data, composed->length) == 1;

	EVP_MD_CTX_free(context);
	return done;
}

static int
sign_digest(struct key *key, const struct composed *composed, uint8_t *signature, size_t *length)
{
	struct prepared *prepared = &key->prepared[composed->scheme - schemes];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_length;

	if (prepared->context == NULL && prepare(key, composed->scheme, prepared) == -1)
		return 0;
	return EVP_Digest(composed->data, composed->length, digest, &digest_length,
			  prepared->digest, NULL) == 1 &&
	       EVP_PKEY_sign(prepared->context, signature, length, digest, digest_length) > 0;
}

int
key_sign(struct key *key, const struct composed *composed, uint8_t *signature, size_t *length,
	 struct error *err)
{
	int done;

	*length = SIGNATURE_MAX;
	if (composed->scheme->digest == NULL)
		done = sign_whole(key, composed, signature, length);
	else
		done = sign_digest(key, composed, signature, length);
	return done ? 0 : key_library_error(err, composed->scheme->name);
}
