/* SPDX-License-Identifier: ISC */
/* dkim_fields - which header fields a DKIM signature of this server covers (RFC 6376 5.4). Pure. */
#ifndef POSTERN_COMMON_DKIM_FIELDS_H
#define POSTERN_COMMON_DKIM_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dkim_field {
	const char *name; /* lower case */
	/* Named once more than it is there (5.4.2): one that is added breaks the signature. */
	bool once_more;
	/* Of a header that is too long for one signature such fields are not signed (5.4). */
	bool may_lack;
};

/* Ends with a NULL name. */
extern const struct dkim_field dkim_fields[];

#define DKIM_FIELDS_SIGNED_MAX 64 /* of one mail */
#define DKIM_NAMES_MAX 32         /* in dkim_fields[]: bits of a number */

/* WITHOUT: names that are not signed, bit 0 for the first. May all of them be missing? */
bool dkim_fields_may_lack(uint32_t without);

/*
 * Are these header fields in their canonical form (3.4.2), and all of them such as are signed, From
 * among them?
 */
bool dkim_fields_canonical(const char *fields, size_t length);

/* Of fields that are canonical: the name of the one at *AT (its length), which goes behind it. */
size_t dkim_fields_next(const char *fields, size_t length, size_t *at);

#endif
