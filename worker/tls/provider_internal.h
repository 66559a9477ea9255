/* SPDX-License-Identifier: ISC */
/* What the files of the provider share. */
#ifndef POSTERN_WORKER_TLS_PROVIDER_INTERNAL_H
#define POSTERN_WORKER_TLS_PROVIDER_INTERNAL_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "worker/tls/provider.h"

#define PROVIDER_NAME "postern"
#define PROVIDER_PROPERTIES "provider=" PROVIDER_NAME

/* An octet string in fromdata's parameters: the bytes of a struct signer_reference. */
#define PROVIDER_PARAM_SIGNER "postern-signer"
struct signer_reference {
	struct provider_signer *signer;
};

/* The provider's context: the library context it is loaded into. */
struct provider {
	OSSL_LIB_CTX *libctx;
};

/* Key data, what OpenSSL's EVP_PKEY points to. */
struct key_data {
	struct provider *provider;
	const char *type;               /* "RSA", "EC", "ED25519" */
	EVP_PKEY *public_key;           /* of the default provider; NULL until imported */
	enum key_kind kind;             /* valid once there is a signer */
	struct provider_signer *signer; /* NULL: a public key only */
};

extern const OSSL_DISPATCH provider_rsa_keymgmt[];
extern const OSSL_DISPATCH provider_ec_keymgmt[];
extern const OSSL_DISPATCH provider_ed25519_keymgmt[];
extern const OSSL_DISPATCH provider_signature[]; /* of all three */

#endif
