/* SPDX-License-Identifier: ISC */
/* authority_x509 - what the authority for clients signs: itself, clients' certificates, CRLs. */
#ifndef POSTERN_CERTD_AUTHORITY_X509_H
#define POSTERN_CERTD_AUTHORITY_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certd/client_index.h"
#include "common/error.h"

#define AUTHORITY_DAYS (20 * 366)
#define AUTHORITY_CRL_DAYS 30 /* from a CRL's thisUpdate to its nextUpdate (RFC 5280 5.1.2.5) */

/*
 * A certificate for KEY by itself (RFC 5280): CA with pathLenConstraint 0, keyCertSign and cRLSign,
 * and nothing else, so that no server's or client's certificate can come of the same key. HOST is
 * in its name. The caller frees it; NULL with ERR filled.
 */
X509 *authority_sign_itself(EVP_PKEY *key, const char *host, struct error *);

/* Who issues: a key and its certificate. */
struct authority_signer {
	EVP_PKEY *key;
	X509 *certificate;
};

/*
 * A certificate for CLIENT, whose account (client_account_valid()) is its rfc822Name (RFC 5280
 * 4.2.1.6), good for clientAuth only, valid for DAYS. CERT gets its serial number, account and
 * times. The caller frees it; NULL with ERR filled.
 */
X509 *authority_sign_client(const struct authority_signer *, EVP_PKEY *client, const char *account,
			    unsigned days, struct cert_client *cert, struct error *);

/*
 * The CRL of INDEX's number (RFC 5280 5): what is revoked and had not expired when the CRL before
 * came. The caller frees it; NULL with ERR filled.
 */
X509_CRL *authority_sign_crl(const struct authority_signer *, const struct client_index *,
			     int64_t now, struct error *);

/* A CRL's number and thisUpdate. False if it has none, or the authority has not signed it. */
bool authority_read_crl(const struct authority_signer *, X509_CRL *, uint64_t *number,
			int64_t *issued);

#endif
