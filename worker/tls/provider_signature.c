/* SPDX-License-Identifier: ISC */
/* provider-signature(7): one-shot signatures (all that libssl makes), by certd. */
#include "worker/tls/provider_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_NAME_SIZE 16

struct signature {
	const struct key_data *key;
	char digest[DIGEST_NAME_SIZE]; /* "" where the key has its own (Ed25519) */
	enum key_padding padding;
};

static void *
new_signature(void *context, const char *properties)
{
	(void)context;
	(void)properties;
	return calloc(1, sizeof(struct signature));
}

static void
free_signature(void *data)
{
	free(data);
}

/* A number, or the name that stands for it, as EVP_PKEY_CTX_ctrl() and friends have it. */
static int
number_or_name(const OSSL_PARAM *param, int *number, const char **name)
{
	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(param, name);
	return OSSL_PARAM_get_int(param, number);
}

static int
set_padding(struct signature *signature, const OSSL_PARAM *param)
{
	const char *name = "";
	int number = 0;

	if (signature->key->kind != KEY_KIND_RSA || !number_or_name(param, &number, &name))
		return 0;
	if (number == RSA_PKCS1_PADDING || strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
		signature->padding = KEY_PADDING_PKCS1;
	else if (number == RSA_PKCS1_PSS_PADDING || strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
		signature->padding = KEY_PADDING_PSS;
	else
		return 0;
	return 1;
}

/* RFC 8446 4.2.3: the salt is as long as the digest. It can't be anything else. */
static int
check_salt(const OSSL_PARAM *param)
{
	const char *name = "";
	int number = 0;

	return number_or_name(param, &number, &name) &&
	       (number == RSA_PSS_SALTLEN_DIGEST ||
		strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0);
}

/* What isn't known must not be ignored: it would change the signature that is asked for. */
static int
set_ctx_params(void *data, const OSSL_PARAM params[])
{
	struct signature *signature = data;

	for (const OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++) {
		int ok = 0;

		if (strcmp(p->key, OSSL_SIGNATURE_PARAM_PAD_MODE) == 0)
			ok = set_padding(signature, p);
		else if (strcmp(p->key, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) == 0)
			ok = check_salt(p);
		if (!ok)
			return 0;
	}
	return 1;
}

static const OSSL_PARAM *
settable_ctx_params(void *data, void *context)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)data;
	(void)context;
	return types;
}

/*
 * libssl also calls this to learn whether the key can do a scheme at all
 * (EVP_PKEY_digestsign_supports_digest), so a digest that goes with no scheme is refused here.
 */
static int
digest_sign_init(void *data, const char *digest, void *key_data, const OSSL_PARAM params[])
{
	struct signature *signature = data;

	if (key_data != NULL)
		signature->key = key_data;
	if (signature->key == NULL || signature->key->signer == NULL)
		return 0;
	signature->padding = KEY_PADDING_PKCS1;
	if (strlcpy(signature->digest, digest == NULL ? "" : digest, DIGEST_NAME_SIZE) >=
	    DIGEST_NAME_SIZE)
		return 0;
	if (signature_scheme(signature->key->kind, digest, KEY_PADDING_PKCS1) == 0)
		return 0;
	return set_ctx_params(signature, params);
}

static int
digest_sign(void *data, unsigned char *out, size_t *length, size_t size, const unsigned char *tbs,
	    size_t tbs_length)
{
	const struct signature *signature = data;
	const struct key_data *key = signature->key;
	struct sign_request request;
	uint16_t scheme;
	int max;

	if (key == NULL || (max = EVP_PKEY_get_size(key->public_key)) <= 0)
		return 0;
	if (out == NULL) {
		*length = (size_t)max;
		return 1;
	}
	if (size < (size_t)max)
		return 0;
	scheme = signature_scheme(key->kind, signature->digest, signature->padding);
	if (key->signer->parse(tbs, tbs_length, scheme, &request) != 0) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_UNSUPPORTED,
			       "nothing that TLS signs here: %zu bytes, scheme %04x", tbs_length,
			       scheme);
		return 0;
	}
	return key->signer->sign(key->signer, &request, out, size, length) == 0;
}

const OSSL_DISPATCH provider_signature[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_signature},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_signature},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))digest_sign_init},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))digest_sign},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))set_ctx_params},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))settable_ctx_params},
    {0, NULL},
};
