/* SPDX-License-Identifier: ISC */
/* chain - a certificate and those above it, and whether somebody who trusts some authorities takes
 * it. */
#ifndef POSTERN_CERTD_CHAIN_H
#define POSTERN_CERTD_CHAIN_H

#include <openssl/x509.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"

/*
 * The certificates in LENGTH bytes, the leaf first, for the caller to free with chain_free(). NULL
 * with ERR filled if there is none, or one that can't be read. The first for DER certificates one
 * after another, the second for PEM.
 */
STACK_OF(X509) * chain_from_der(const void *bytes, size_t length, struct error *);
STACK_OF(X509) * chain_from_pem(const void *bytes, size_t length, struct error *);
void chain_free(STACK_OF(X509) *); /* NULL is fine */

/*
 * Authorities that a client trusts: of a bundle, only those are kept that issued something in a
 * chain which was announced, so that a system's whole list costs neither memory nor time.
 */
#define AUTHORITIES_MAX (4u << 20) /* bytes of a bundle */
struct authorities;

struct authorities *authorities_new(void);   /* NULL without memory */
void authorities_free(struct authorities *); /* NULL is fine */

/* Before the bundle is read, for each chain: 0, or -1 without memory. */
int authorities_want(struct authorities *, STACK_OF(X509) *);

/* Reads the bundle, PEM, a regular file. Returns 0, or -1 with ERR filled. */
int authorities_read(struct authorities *, int fd, struct error *);

/*
 * What is wrong with CHAIN at time NOW for a client that trusts them and wants a server of its
 * time (RFC 5280 6; OpenSSL's security level 2): fills FACTS->problems, detail and the flag. Names
 * are not looked at.
 */
void chain_check(STACK_OF(X509) *, const struct authorities *, int64_t now, struct cc_facts *facts);

#endif
