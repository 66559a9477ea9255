/* SPDX-License-Identifier: ISC */
/* provider-keymgmt(7): keys that answer like the public key they hold. */
#include "worker/tls/provider_internal.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

static void *
new_key(void *context, const char *type)
{
	struct key_data *key = calloc(1, sizeof(*key));

	if (key != NULL) {
		key->provider = context;
		key->type = type;
	}
	return key;
}

static void *
new_rsa(void *context)
{
	return new_key(context, "RSA");
}

static void *
new_ec(void *context)
{
	return new_key(context, "EC");
}

static void *
new_ed25519(void *context)
{
	return new_key(context, "ED25519");
}

static void
free_key(void *data)
{
	struct key_data *key = data;

	if (key == NULL)
		return;
	EVP_PKEY_free(key->public_key);
	if (key->signer != NULL)
		key->signer->release(key->signer);
	free(key);
}

static int
has(const void *data, int selection)
{
	const struct key_data *key = data;

	if (key == NULL)
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->signer == NULL)
		return 0;
	if ((selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS)) !=
		0 &&
	    key->public_key == NULL)
		return 0;
	return 1;
}

/*
 * Asked by X509_check_private_key(): the certificate's key has been imported to one of ours. A
 * private key can't be compared, and need not be: the signature will fit the public one or not.
 */
static int
match(const void *a, const void *b, int selection)
{
	const struct key_data *left = a, *right = b;

	(void)selection;
	return left->public_key != NULL && right->public_key != NULL &&
	       EVP_PKEY_eq(left->public_key, right->public_key) == 1;
}

static int
set_kind(struct key_data *key)
{
	static const struct {
		const char *group;
		enum key_kind kind;
	} groups[] = {
	    {"prime256v1", KEY_KIND_P256},
	    {"secp384r1", KEY_KIND_P384},
	    {"secp521r1", KEY_KIND_P521},
	};
	char group[64];
	size_t length;

	if (strcmp(key->type, "RSA") == 0) {
		key->kind = KEY_KIND_RSA;
		return 1;
	}
	if (strcmp(key->type, "ED25519") == 0) {
		key->kind = KEY_KIND_ED25519;
		return 1;
	}
	if (EVP_PKEY_get_group_name(key->public_key, group, sizeof(group), &length) != 1)
		return 0;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i].group, group) == 0) {
			key->kind = groups[i].kind;
			return 1;
		}
	}
	return 0;
}

/* The bytes of private keys are in certd: one that comes here is a mistake, and not kept. */
static int
is_private(const OSSL_PARAM params[])
{
	return OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL ||
	       OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_D) != NULL;
}

static int
import_public(struct key_data *key, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(key->provider->libctx, key->type, "provider=default");
	/* fromdata takes a writable array, which it doesn't write to. */
	OSSL_PARAM *copy = OSSL_PARAM_dup(params);
	int ok;

	ok = ctx != NULL && copy != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &key->public_key, EVP_PKEY_PUBLIC_KEY, copy) == 1;
	OSSL_PARAM_free(copy);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int
import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key_data *key = data;
	struct signer_reference reference;
	const OSSL_PARAM *signer;

	if (key->public_key != NULL || is_private(params) || !import_public(key, params))
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
		return 1;
	signer = OSSL_PARAM_locate_const(params, PROVIDER_PARAM_SIGNER);
	if (signer == NULL || signer->data_type != OSSL_PARAM_OCTET_STRING ||
	    signer->data_size != sizeof(reference) || !set_kind(key))
		return 0;
	memcpy(&reference, signer->data, sizeof(reference));
	key->signer = reference.signer;
	key->signer->hold(key->signer);
	return 1;
}

/* EVP looks here to learn that import can be tried; what comes is checked by the default one. */
static const OSSL_PARAM *
import_types(int selection)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_octet_string(PROVIDER_PARAM_SIGNER, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

/* bits, security-bits, max-size, default-digest, mandatory-digest, group, ... */
static int
get_params(void *data, OSSL_PARAM params[])
{
	struct key_data *key = data;

	if (key->public_key == NULL)
		return 0;
	/* EVP asks for what may not be there, and looks which were set: failing isn't an answer. */
	(void)EVP_PKEY_get_params(key->public_key, params);
	return 1;
}

static const OSSL_PARAM *
gettable_params(void *context)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)context;
	return types;
}

static const char *
ec_operation_name(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define COMMON_FUNCTIONS                                                           \
	{OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))free_key},                        \
	    {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has},                          \
	    {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))match},                      \
	    {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))import},                    \
	    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))import_types},        \
	    {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))get_params},            \
	{                                                                          \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_params \
	}

const OSSL_DISPATCH provider_rsa_keymgmt[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_rsa}, COMMON_FUNCTIONS, {0, NULL}};

const OSSL_DISPATCH provider_ec_keymgmt[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ec},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))ec_operation_name},
    COMMON_FUNCTIONS,
    {0, NULL}};

const OSSL_DISPATCH provider_ed25519_keymgmt[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ed25519}, COMMON_FUNCTIONS, {0, NULL}};
