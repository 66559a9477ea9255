/* SPDX-License-Identifier: ISC */
/* tls_client - what all TLS of relay to other servers has in common: protocol, and whom it trusts.
 */
#ifndef POSTERN_WORKER_RELAY_TLS_CLIENT_H
#define POSTERN_WORKER_RELAY_TLS_CLIENT_H

#include <openssl/types.h>
#include <stddef.h>

#include "common/error.h"
#include "worker/relay/security.h"

/* TLS 1.2 and later, and DANE; it asks nobody for a certificate's name unless its user says so. The
 * caller's; NULL with ERR filled. */
SSL_CTX *tls_client_new(struct error *);

/*
 * Trusts the authorities of a PEM file, besides those it trusts already. Returns how many there
 * were, up to the first that can't be read.
 */
size_t tls_client_trust(SSL_CTX *, const char *pem, size_t length);

/*
 * A client's side of a handshake with a server, which fails unless that is who SECURITY says; the
 * caller's. NULL without memory.
 */
SSL *tls_client_start(SSL_CTX *, const struct security *);

/* Why the server's certificate is not good enough; NULL if that was not what failed. */
const char *tls_client_complaint(const SSL *);

#endif
