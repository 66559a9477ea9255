/* SPDX-License-Identifier: ISC */
/* facts - what a certificate says, as posternctl shows it (ctl_certd.h). Public data only. */
#ifndef POSTERN_CERTD_FACTS_H
#define POSTERN_CERTD_FACTS_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "common/proto/ctl_certd.h"

/* struct cc_facts and its tail. */
struct facts {
	struct cc_facts facts;
	size_t length; /* bytes of names */
	char names[CERT_SANS_MAX];
};

/*
 * A pure function: fills what the certificate itself tells. HOST: whose certificate is wanted, or
 * "". Nothing of it is trusted: bytes that are no text are escaped, what is too long is cut.
 */
void facts_read(X509 *, const char *host, struct facts *);

/*
 * A name's common name, or else its organization; "" if it has neither. OUT as texts in struct
 * cc_facts are.
 */
void facts_short_name(const X509_NAME *, char *out, size_t size);

/* Seconds since the epoch, INT64_MAX if there is none (RFC 5280 4.1.2.5). */
int64_t facts_time(const ASN1_TIME *);

#endif
