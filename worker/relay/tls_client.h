/* SPDX-License-Identifier: ISC */
/* tls_client - what all TLS of relay to other servers has in common: protocol, and whom it trusts.
 */
#ifndef POSTERN_WORKER_RELAY_TLS_CLIENT_H
#define POSTERN_WORKER_RELAY_TLS_CLIENT_H

#include <openssl/types.h>
#include <stddef.h>

#include "common/error.h"
#include "worker/relay/security.h"
#include "worker/tls/provider.h"

/* Keys that are in certd work in its library context (worker/tls/provider.h). */
struct tls_client {
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *providers[PROVIDERS];
	SSL_CTX *ctx;
};

/* TLS 1.2 and later, and DANE; it asks nobody for a certificate's name unless its user says so. 0,
 * or -1 with ERR filled; tls_client_end() is due in both cases. */
int tls_client_start(struct tls_client *, struct error *);
void tls_client_end(struct tls_client *);

/*
 * Trusts the authorities of a PEM file, besides those it trusts already. Returns how many there
 * were, up to the first that can't be read.
 */
size_t tls_client_trust(SSL_CTX *, const char *pem, size_t length);

/*
 * A client's side of a handshake with a server, which fails unless that is who SECURITY says; the
 * caller's. NULL without memory.
 */
SSL *tls_client_connect(SSL_CTX *, const struct security *);

/* Why the server's certificate is not good enough; NULL if that was not what failed. */
const char *tls_client_complaint(const SSL *);

#endif
