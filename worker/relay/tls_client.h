/* SPDX-License-Identifier: ISC */
/* tls_client - what all TLS of relay to other servers has in common: protocol, and whom it trusts.
 */
#ifndef POSTERN_WORKER_RELAY_TLS_CLIENT_H
#define POSTERN_WORKER_RELAY_TLS_CLIENT_H

#include <openssl/types.h>
#include <stddef.h>

#include "common/error.h"

/* TLS 1.2 and later; it asks nobody for a certificate's name unless its user says so. The caller's;
 * NULL with ERR filled. */
SSL_CTX *tls_client_new(struct error *);

/*
 * Trusts the authorities of a PEM file, besides those it trusts already. Returns how many there
 * were, up to the first that can't be read.
 */
size_t tls_client_trust(SSL_CTX *, const char *pem, size_t length);

#endif
