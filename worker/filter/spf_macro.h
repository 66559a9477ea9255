/* SPDX-License-Identifier: ISC */
/*
 * spf_macro - macros in SPF records (RFC 7208 7): whether a domain-spec or an explanation is well
 * formed, and what it expands to. Pure functions over octets that a stranger published.
 */
#ifndef POSTERN_WORKER_FILTER_SPF_MACRO_H
#define POSTERN_WORKER_FILTER_SPF_MACRO_H

#include <stdbool.h>

#include "common/mime/header.h"
#include "common/proto/types.h"

/* What the letters stand for (7.2); none is NULL. */
struct spf_values {
	const char *sender;        /* s */
	const char *local;         /* l */
	const char *sender_domain; /* o */
	const char *domain;        /* d */
	const char *address;       /* i: dotted, IPv6 as nibbles */
	const char *validated;     /* p */
	const char *version;       /* v: "in-addr" or "ip6" */
	const char *helo;          /* h */
	const char *readable;      /* c: as people write an address */
	const char *receiver;      /* r */
	const char *time;          /* t: seconds since the epoch */
};

/* Is all of TEXT a domain-spec (7.1)? */
bool spf_is_domain_spec(struct mime_text text);

/* Is all of TEXT a macro-string (7.1)? */
bool spf_is_macro_string(struct mime_text text);

/* Is the macro of that lower-case letter in TEXT? "p" costs questions. */
bool spf_uses_macro(struct mime_text text, char letter);

/*
 * Expands a domain-spec to a name, without a dot at its end; what is longer than 253 octets loses
 * labels on the left (7.3). False: that is no name that DNS could be asked for.
 */
bool spf_expand_domain(struct mime_text spec, const struct spf_values *, char out[HOST_NAME_SIZE]);

/*
 * Expands an explain-string (6.2), in which blanks and the letters c, r and t are allowed, to
 * printable ASCII. SIZE counts the NUL. False: it is malformed, or does not fit.
 */
bool spf_expand_text(struct mime_text text, const struct spf_values *, char *out, size_t size);

/* Is it a name of at least two labels of 1 to 63 octets, 253 in all (RFC 7208 4.3)? */
bool spf_is_domain(const char *name);

#endif
