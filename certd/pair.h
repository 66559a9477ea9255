/* SPDX-License-Identifier: ISC */
/*
 * pair - NAME.key and NAME.crt, or both in one NAME.pem, read from the certs folder and found to
 * belong together.
 */
#ifndef POSTERN_CERTD_PAIR_H
#define POSTERN_CERTD_PAIR_H

#include <openssl/x509.h>

#include "certd/file.h"
#include "certd/key.h"

struct pair {
	struct key *key;
	size_t chain_length; /* of the DER certificates below, leaf first */
	uint8_t *chain;
	char warning[256]; /* "": none; else what is odd, but no reason not to use it */
};

/*
 * Loads and checks NAME from the folder. Returns NULL with ERR: which file, what, and what to do.
 */
struct pair *pair_load(int directory, const char *name, uid_t owner, struct error *);
void pair_free(struct pair *); /* NULL is fine */

/* The key alone; there may be no certificate. NULL with ERR filled. */
struct key *pair_load_key(int directory, const char *name, uid_t owner, struct error *);

/* The certificate itself, for the caller to free. NULL without memory. */
X509 *pair_leaf(const struct pair *);

/* Is the certificate for this host, by its subjectAltNames (RFC 9525 6)? */
bool pair_for_host(const struct pair *, const char *host);
/* Did it sign itself: no authority stands behind it? */
bool pair_self_signed(const struct pair *);

/*
 * Is the certificate this key's? The public keys are compared, and a signature is made and
 * verified: a key file whose private number doesn't fit its public one would fail every handshake.
 * 0, or -1 with ERR filled, which speaks of NAME.key and NAME.crt.
 */
int pair_check_match(struct key *, const char *name, const X509 *leaf, struct error *);

/* Do they have the same key; the same certificates? */
bool pair_same_key(const struct pair *, const struct pair *);
bool pair_same_chain(const struct pair *, const struct pair *);

#endif
