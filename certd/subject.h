/* SPDX-License-Identifier: ISC */
/*
 * subject - what a certificate says of whom it is for, besides host names (RFC 5280 4.1.2.6). Pure
 * functions, no OpenSSL: posternctl uses them too.
 */
#ifndef POSTERN_CERTD_SUBJECT_H
#define POSTERN_CERTD_SUBJECT_H

#include <stdbool.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"

struct subject_field {
	const char *option;  /* "organization" */
	const char *label;   /* "Organization" */
	const char *explain; /* what it is, what clients do with it, what to enter */
	size_t offset;       /* in struct cert_subject */
	size_t size;         /* bytes there, with the NUL */
	size_t max;          /* characters, RFC 5280 appendix A.1 */
};

/* In the order of a distinguished name; ends with a NULL option. */
extern const struct subject_field subject_fields[];

/* Where FIELD is in SUBJECT. */
char *subject_at(struct cert_subject *, const struct subject_field *);
const char *subject_get(const struct cert_subject *, const struct subject_field *);

/*
 * Puts TEXT into SUBJECT ("" for nothing), after checking it: UTF-8 without control characters,
 * characters as RFC 5280 allows, a country of two letters (which become capitals), an e-mail
 * address that is one. Returns 0, or -1 with ERR filled.
 */
int subject_set(struct cert_subject *, const struct subject_field *, const char *text,
		struct error *);

/* Is each field what subject_set() would have made of it? False is filled in ERR. */
bool subject_valid(const struct cert_subject *, struct error *);

#endif
