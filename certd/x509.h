/* SPDX-License-Identifier: ISC */
/* x509 - a certificate request and a self-signed certificate for a key, and their PEM. */
#ifndef POSTERN_CERTD_X509_H
#define POSTERN_CERTD_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certd/folder.h"
#include "common/error.h"
#include "common/proto/ctl_certd.h"

/* What they shall say. */
struct x509_spec {
	EVP_PKEY *pkey;
	const char *const *names; /* valid for san_parse() */
	size_t count;
	unsigned days;                      /* the certificate is valid for, from an hour ago on */
	const struct cert_subject *subject; /* subject_valid(); NULL: nothing */
};

struct x509_made {
	struct folder_set set; /* PEM, in memory of its own */
	char fingerprint[96];  /* SHA-256 of the certificate, "AB:CD:..." */
	char until[32];        /* "2027-11-24 10:00:00 UTC" */
};

/*
 * Makes both (RFC 2986, RFC 5280): subjectAltName, keyUsage digitalSignature, extendedKeyUsage
 * serverAuth; the certificate also basicConstraints CA:FALSE and a subjectKeyIdentifier. Returns
 * 0, or -1 with ERR filled.
 */
int x509_make(const struct x509_spec *, struct x509_made *, struct error *);

/*
 * For certificates made elsewhere: puts a copy of what BIO has into the set, in secure memory; and
 * fills FINGERPRINT and UNTIL. Both return 1, or 0 with OpenSSL's error queue filled.
 */
int x509_keep(struct folder_set *, enum folder_part, BIO *);
int x509_describe(struct x509_made *, const X509 *);

/* Wipes it. */
void x509_made_free(struct x509_made *);

/* Only the request and the key it is for. Returns 0, or -1 with ERR filled. */
int x509_request(const struct x509_spec *, struct folder_set *, struct error *);
void x509_set_free(struct folder_set *); /* wipes it */

/* The attribute types (NID_...) of subject_fields[], in its order. */
extern const int x509_subject_nids[];

/*
 * Fills CREATE and TAIL (LENGTH bytes of it) with what a certificate like LEAF would be made of:
 * its subject, as far as subject_valid() lets it, its host names and addresses, a key of its kind,
 * as many days. Its name is left alone. Returns 0, or -1 with ERR: there is no name in it.
 */
int x509_fields(X509 *leaf, struct cc_create *, char tail[CERT_NAMES_TAIL_MAX], size_t *length,
		struct error *);

/* -- Parts of any certificate (authority_x509.c too); 1, or 0 with OpenSSL's reason queued -- */

/* The digest that a signature with this key takes; NULL: it brings its own. */
const EVP_MD *x509_digest(EVP_PKEY *);

/* Positive, and 126 bits nobody could foresee. */
int x509_set_serial(X509 *);

/* From an hour ago until DAYS from now. */
int x509_set_validity(X509 *, unsigned days);

/* subjectKeyIdentifier; the public key is there already. */
int x509_add_key_id(X509 *);

#endif
