/* SPDX-License-Identifier: ISC */
/* chain - certificates as certd sends them: DER, one after another, the leaf first. */
#ifndef POSTERN_WORKER_TLS_CHAIN_H
#define POSTERN_WORKER_TLS_CHAIN_H

#include <openssl/x509.h>

#include "common/error.h"

/* At least one; the caller's. NULL with ERR filled. */
STACK_OF(X509) * chain_parse(OSSL_LIB_CTX *, const char *der, size_t length, struct error *);
void chain_free(STACK_OF(X509) *); /* with what is in it; NULL is fine */

#endif
