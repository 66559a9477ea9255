/* SPDX-License-Identifier: ISC */
/* trust - by what the certificates of some listeners' clients are checked: authorities, a CRL. */
#ifndef POSTERN_VERIFY_TRUST_H
#define POSTERN_VERIFY_TRUST_H

#include <sys/queue.h>

#include <openssl/stack.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* What a trust is made of, each a PEM file of one or more. */
enum trust_kind { TRUST_AUTHORITIES, TRUST_CRLS, TRUST_KINDS };

struct trust {
	LIST_ENTRY(trust) entry;
	uint32_t id;
	unsigned depth; /* authorities between a certificate and one that is trusted */
	bool needs_crl; /* vouches for nobody before there is one */
	OPENSSL_STACK *items[TRUST_KINDS]; /* of X509, X509_CRL; NULL: none could be read yet */
	X509_STORE *store;                 /* of both */
	int early[TRUST_KINDS];            /* files that wait until they may be read, or -1 */
};

/* NULL without memory. */
struct trust *trust_new(uint32_t id);
void trust_free(struct trust *);

/*
 * Reads all of the PEM file behind FD, which stays the caller's, and puts it in the place of what
 * was there. Returns how many there are, or -1 with ERR filled: the old ones stay.
 */
int trust_read(struct trust *, enum trust_kind, int fd, struct error *);

/*
 * Appends the authorities' names (DER), as many as fit, to *LENGTH bytes in OUT (of SIZE). False if
 * not all did.
 */
bool trust_names(const struct trust *, uint8_t *out, size_t size, size_t *length);

/* Does LEAF, with what came along, lead to an authority, and may it speak for a client now? Returns
 * NULL or why not (a literal); LATER is then true if that is no fault of the client's. */
const char *trust_check(const struct trust *, X509 *leaf, STACK_OF(X509) * chain, bool *later);

#endif
