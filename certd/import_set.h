/* SPDX-License-Identifier: ISC */
/*
 * import_set - the pieces of an import, and which of them belong together: the key, the server's
 * certificate, and the chain that clients need.
 */
#ifndef POSTERN_CERTD_IMPORT_SET_H
#define POSTERN_CERTD_IMPORT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/error.h"
#include "common/proto/certd_importer.h"

#define IMPORT_CHAIN_MAX 10 /* certificates; clients accept no more */

struct import_certificate {
	X509 *x509;
	uint32_t file;
	uint32_t flags; /* enum cj_flags */
};

struct import_set {
	EVP_PKEY *keys[IMPORT_KEYS_MAX]; /* all different */
	size_t key_count;
	struct import_certificate certificates[IMPORT_CERTS_MAX];
	size_t certificate_count;
};

/* Wipes it. */
void import_set_free(struct import_set *);

/*
 * Takes a piece in DER from the importer, which is not trusted to be one. Returns 0, or -1 if it is
 * not exactly one key (RFC 5958, one certd may sign with) or certificate: no honest importer sends
 * that.
 */
int import_set_add_key(struct import_set *, const void *der, size_t length);
int import_set_add_certificate(struct import_set *, const struct cj_piece *, const void *der,
			       size_t length);

/* What to make of a set. */
struct import_choice {
	const struct import_certificate *leaf; /* NULL: a key alone */
	X509 *chain[IMPORT_CHAIN_MAX];         /* from the leaf's issuer on, no root */
	size_t chain_count;
	bool self_signed;  /* the leaf */
	bool private_root; /* the chain ends in a root that came along, of nobody's list */
	bool complete;     /* to an authority of this host's list, or to a root that came along */
	size_t dropped;    /* certificates of no use for it */
	char missing[100]; /* whose certificate is missing; "": nobody's */
	char at[160];      /* where the last one says that it can be had; "": nowhere */
};

/*
 * Finds the certificate of PUBLIC (a key, NULL: there is none yet, then it is the only one that is
 * not an authority's) and its chain, in order, without duplicates and roots (RFC 8446 4.4.2).
 * Returns 0, or -1 with ERR filled. CHAIN and LEAF point into the set.
 */
int import_choose(const struct import_set *, const EVP_PKEY *public, struct import_choice *,
		  struct error *);

/*
 * Would a client take this certificate from a server? 0, or -1 with ERR filled: an authority's, not
 * for servers, expired or not yet valid (not with FORCE), a name with a NUL byte.
 */
int import_check_leaf(const X509 *, bool force, struct error *);

/* All its host names and addresses, ", " between them, cut at SIZE; "": none. */
void import_host_names(const X509 *, char *names, size_t size);

/* A certificate's common name (SUBJECT: its own, else its issuer's), or its first host name. */
void import_common_name(const X509 *, bool subject, char *name, size_t size);

#endif
