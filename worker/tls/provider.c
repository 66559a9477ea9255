/* SPDX-License-Identifier: ISC */
#include "worker/tls/provider_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

/* The same names as the default provider's, or libssl wouldn't know the keys for what they are. */
static const OSSL_ALGORITHM keymgmts[] = {
    {"RSA:rsaEncryption", PROVIDER_PROPERTIES, provider_rsa_keymgmt, "RSA key in certd"},
    {"EC:id-ecPublicKey", PROVIDER_PROPERTIES, provider_ec_keymgmt, "EC key in certd"},
    {"ED25519", PROVIDER_PROPERTIES, provider_ed25519_keymgmt, "Ed25519 key in certd"},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signatures[] = {
    {"RSA:rsaEncryption", PROVIDER_PROPERTIES, provider_signature, "RSA by certd"},
    {"ECDSA", PROVIDER_PROPERTIES, provider_signature, "ECDSA by certd"},
    {"ED25519", PROVIDER_PROPERTIES, provider_signature, "Ed25519 by certd"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *
query_operation(void *context, int operation, int *no_cache)
{
	(void)context;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return keymgmts;
	case OSSL_OP_SIGNATURE:
		return signatures;
	default:
		return NULL;
	}
}

static void
teardown(void *context)
{
	free(context);
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {0, NULL},
};

/* A built-in provider lives in the library context of who loads it. */
static int
init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
     void **context)
{
	OSSL_FUNC_core_get_libctx_fn *get_libctx = NULL;
	struct provider *provider;

	for (; in->function_id != 0; in++) {
		if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX)
			get_libctx = OSSL_FUNC_core_get_libctx(in);
	}
	if (get_libctx == NULL || (provider = calloc(1, sizeof(*provider))) == NULL)
		return 0;
	provider->libctx = (OSSL_LIB_CTX *)get_libctx(handle);
	*context = provider;
	*out = provider_functions;
	return 1;
}

int
provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER *loaded[PROVIDERS], struct error *err)
{
	loaded[1] = NULL;
	loaded[0] = OSSL_PROVIDER_load(libctx, "default");
	if (loaded[0] == NULL)
		return error_set(err, "OpenSSL has no default provider");
	if (OSSL_PROVIDER_add_builtin(libctx, PROVIDER_NAME, init) == 1)
		loaded[1] = OSSL_PROVIDER_load(libctx, PROVIDER_NAME);
	if (loaded[1] == NULL)
		return error_set(err, "OpenSSL does not take the provider of certd's keys");
	return 0;
}

void
provider_unload(OSSL_PROVIDER *loaded[PROVIDERS])
{
	for (int i = PROVIDERS - 1; i >= 0; i--) {
		if (loaded[i] != NULL)
			(void)OSSL_PROVIDER_unload(loaded[i]);
		loaded[i] = NULL;
	}
}

/* The public key's parameters, and the signer. */
static OSSL_PARAM *
key_params(EVP_PKEY *public_key, struct provider_signer *signer)
{
	struct signer_reference reference = {signer};
	OSSL_PARAM signer_param[] = {
	    OSSL_PARAM_octet_string(PROVIDER_PARAM_SIGNER, &reference, sizeof(reference)),
	    OSSL_PARAM_END};
	OSSL_PARAM *public_params = NULL, *params = NULL, *copy = NULL;

	if (EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &public_params) == 1)
		params = OSSL_PARAM_merge(public_params, signer_param);
	/* A merge only points into what it merged. */
	if (params != NULL)
		copy = OSSL_PARAM_dup(params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_free(public_params);
	return copy;
}

EVP_PKEY *
provider_key(OSSL_LIB_CTX *libctx, EVP_PKEY *public_key, struct provider_signer *signer,
	     struct error *err)
{
	static const char *const types[] = {"RSA", "EC", "ED25519"};
	const char *type = NULL;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx;
	OSSL_PARAM *params;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (EVP_PKEY_is_a(public_key, types[i]))
			type = types[i];
	}
	if (type == NULL) {
		error_set(err, "a key that is neither RSA nor EC nor Ed25519");
		return NULL;
	}
	params = key_params(public_key, signer);
	ctx = EVP_PKEY_CTX_new_from_name(libctx, type, PROVIDER_PROPERTIES);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) {
		error_set(err, "a public key of a kind certd can't sign with");
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}
