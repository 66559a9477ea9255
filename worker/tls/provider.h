/* SPDX-License-Identifier: ISC */
/*
 * provider - a built-in OpenSSL provider for keys whose private part is somewhere else.
 *
 * Its keys are a public key of the default provider, plus a struct provider_signer that signs typed
 * requests. keymgmt answers what libssl asks of a key out of the public one; signature parses what
 * is to be signed (provider_parse.h) and calls the signer. RSA, EC and Ed25519; what a server signs
 * or what a client does, as the signer says; everything else is left to the default provider.
 */
#ifndef POSTERN_WORKER_TLS_PROVIDER_H
#define POSTERN_WORKER_TLS_PROVIDER_H

#include <openssl/evp.h>
#include <openssl/types.h>

#include "common/error.h"
#include "worker/tls/provider_parse.h"

/*
 * Who has the private key. PARSE says what it can be asked for. SIGN fills SIGNATURE (SIZE bytes of
 * room) and *LENGTH; 0, or -1 for a refusal. It runs where libssl signs: on the fibre of an ASYNC
 * job, which it may pause. HOLD and RELEASE count the OpenSSL keys that point here.
 */
struct provider_signer {
	sign_request_parse_fn *parse;
	int (*sign)(struct provider_signer *, struct sign_request *, uint8_t *signature,
		    size_t size, size_t *length);
	void (*hold)(struct provider_signer *);
	void (*release)(struct provider_signer *);
};

/* The property query that gets the default provider's algorithms wherever it has them. */
#define PROVIDER_PREFER_DEFAULT "?provider=default"

#define PROVIDERS 2 /* the default one and this one */

/*
 * Loads this provider beside the default one into a library context that has neither. LOADED is
 * for provider_unload(), which is due before the library context is freed, also after a failure.
 * 0, or -1 with ERR filled.
 */
int provider_load(OSSL_LIB_CTX *, OSSL_PROVIDER *loaded[PROVIDERS], struct error *);
void provider_unload(OSSL_PROVIDER *loaded[PROVIDERS]);

/*
 * A private key for libssl: the public part is PUBLIC's (of a certificate), the private one
 * SIGNER's. The caller frees it. NULL with ERR filled: no kind of key that certd can have.
 */
EVP_PKEY *provider_key(OSSL_LIB_CTX *, EVP_PKEY *public_key, struct provider_signer *,
		       struct error *);

#endif
