/* SPDX-License-Identifier: ISC */
/* trust - by what the certificates of some listeners' clients are checked: authorities, a CRL. */
#ifndef POSTERN_VERIFY_TRUST_H
#define POSTERN_VERIFY_TRUST_H

#include <sys/queue.h>

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct trust {
	LIST_ENTRY(trust) entry;
	uint32_t id;
	unsigned depth; /* authorities between a certificate and one that is trusted */
	bool needs_crl; /* vouches for nobody before there is one */
	STACK_OF(X509) * authorities; /* NULL: none could be read yet */
	STACK_OF(X509_CRL) * crls;    /* likewise */
	X509_STORE *store;            /* of both */
};

/* NULL without memory. */
struct trust *trust_new(uint32_t id);
void trust_free(struct trust *);

/*
 * Read all of the PEM file behind FD, which stays the caller's, and put it in the place of what was
 * there. Returns how many there are, or -1 with ERR filled: the old ones stay.
 */
int trust_read_authorities(struct trust *, int fd, struct error *);
int trust_read_crl(struct trust *, int fd, struct error *);

/*
 * Appends the authorities' names (DER), as many as fit, to *LENGTH bytes in OUT (of SIZE). False if
 * not all did.
 */
bool trust_names(const struct trust *, uint8_t *out, size_t size, size_t *length);

/* Does LEAF, with what came along, lead to an authority, and may it speak for a client now? Returns
 * NULL or why not (a literal). */
const char *trust_check(const struct trust *, X509 *leaf, STACK_OF(X509) * chain);

#endif
