/* SPDX-License-Identifier: ISC */
/*
 * authority - a small certificate authority of the server's own, for its mail clients.
 *
 * It lives in certs/authority/, which the vault (vault.h) never looks into: no name of a server's
 * certificate leads there, so no gate's channel can have its key used. The key is read when
 * something is to be signed, and wiped after that.
 *
 *   authority.key   mode 0600
 *   authority.crt   for client_authorities in postern.conf(5)
 *   authority.crl   for client_crl; signed anew every day, and at once when one is revoked
 *   index           what was issued and revoked (client_index.h)
 *
 * The folder is made under a hidden name and renamed: all of it or nothing. From then on the index
 * is the truth: it is replaced as a whole, and that rename is the commit of an issue or of a
 * revocation. The CRL follows from it. If a crash comes between, its number differs from the
 * index's, and authority_refresh() signs another. A lock on the folder keeps a second certd away.
 *
 * All functions return -1 with ERR filled if they fail.
 */
#ifndef POSTERN_CERTD_AUTHORITY_H
#define POSTERN_CERTD_AUTHORITY_H

#include <sys/types.h>

#include <openssl/evp.h>

#include "certd/client_index.h"
#include "certd/pack.h"
#include "common/error.h"

#define AUTHORITY_KEY CERT_KEY_RSA_3072 /* every client can check what it signs */

/* The certs folder, which stays the caller's, and who must own what is in it. */
struct authority_place {
	int certs;
	uid_t owner;
};

/* 1 if there is one, 0 if not. */
int authority_exists(const struct authority_place *, struct error *);

/* Makes it, with an empty CRL, for the server HOST. Returns 0. */
int authority_create(const struct authority_place *, EVP_PKEY *, const char *host, struct error *);

/* A certificate that is wanted. */
struct authority_order {
	EVP_PKEY *key;
	const char *account; /* client_account_valid() */
	unsigned days;
	const char *passphrase;
	enum pack_cipher cipher;
};

/*
 * Issues it. CERT says what was recorded, PACKED gets the PKCS#12, with key, certificate and the
 * authority's certificate; packed_free() is due. Returns 0.
 */
int authority_issue(const struct authority_place *, const struct authority_order *, struct packed *,
		    struct cert_client *, struct error *);

/*
 * Revokes what client_index_revoke() does, and signs the CRL. Returns how many were revoked, 0 if
 * nothing was meant. After an error they are revoked if ERR says so, and only the CRL is missing.
 */
int authority_revoke(const struct authority_place *, const char *who, struct error *);

/* What was issued, empty if there is no authority; client_index_free() is due. Returns 0. */
int authority_list(const struct authority_place *, struct client_index *, struct error *);

/*
 * Call at the start and every hour: completes what a crash or a full disk has kept from being
 * done, and signs a CRL that is older than a day. Returns 0, also if there is no authority.
 */
int authority_refresh(const struct authority_place *, struct error *);

/*
 * For the tests: called before each step that writes. Returns 0 to go on, or an errno that it fails
 * with; negative: stop dead there, as SIGKILL would.
 */
extern int (*authority_hook)(void);

#endif
