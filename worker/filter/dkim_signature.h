/* SPDX-License-Identifier: ISC */
/*
 * dkim_signature - what a DKIM-Signature field says (RFC 6376 3.5), or ARC's kin of it (RFC 8617
 * 4.1.2); and what the record of its key says (RFC 6376 3.6.1). Pure.
 */
#ifndef POSTERN_WORKER_FILTER_DKIM_SIGNATURE_H
#define POSTERN_WORKER_FILTER_DKIM_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/queue_filter.h"
#include "worker/filter/dkim_tags.h"

#define DKIM_SIGNATURE_MAX 1024 /* octets of b=: RSA with 8192 bits */

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_RSA_SHA1, DKIM_NO_ALGORITHM };
enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* DKIM_MESSAGE: DKIM-Signature. DKIM_ARC_MESSAGE: ARC-Message-Signature, which has no v=, and in
 * whose i= is a number that the caller reads. DKIM_ARC_SEAL: neither h= nor bh= nor c=. */
enum dkim_kind { DKIM_MESSAGE, DKIM_ARC_MESSAGE, DKIM_ARC_SEAL };

struct dkim_signature {
	enum dkim_algorithm algorithm;
	enum dkim_canon header, body;
	char domain[HOST_NAME_SIZE];   /* d=, lower case, A-labels */
	char selector[HOST_NAME_SIZE]; /* s=, likewise */
	char identity[ADDRESS_SIZE];   /* i=, or "@" and d=; printable ASCII */
	bool identity_below;           /* its domain is a subdomain of d=, not d= itself */
	struct mime_text fields;       /* h= */
	uint8_t body_hash[DKIM_HASH_SIZE];
	bool limited;   /* by l= */
	uint64_t limit; /* canonical octets of the body */
	bool has_time, has_expiry;
	uint64_t time, expiry; /* t=, x=: seconds since the epoch */
	size_t length;         /* of b= */
	uint8_t octets[DKIM_SIGNATURE_MAX];
	struct mime_text b; /* the raw value of b= */
};

/*
 * VALUE is the field's, as it came; it must outlive what points into it. Domain and selector are
 * filled if they can be read, whatever else is wrong. NULL, or what is wrong, in a few words.
 */
const char *dkim_signature_parse(struct mime_text value, enum dkim_kind, struct dkim_signature *);

/* The name of the key's record (3.6.2.1). False if no name is that long. */
bool dkim_key_name(const struct dkim_signature *, char out[HOST_NAME_SIZE]);

#define DKIM_KEY_MAX DKIM_OCTETS_MAX /* octets of p= */
struct dkim_key {
	bool ed25519;  /* k=; else RSA */
	bool sha256;   /* h= has it, or is not there */
	bool email;    /* s= is for mail */
	bool testing;  /* t=y */
	bool strict;   /* t=s: i= may not be in a subdomain */
	size_t length; /* 0: revoked */
	uint8_t octets[DKIM_KEY_MAX];
};

/* The text of the record. NULL, or what is wrong. */
const char *dkim_key_parse(const char *text, size_t length, struct dkim_key *);

#endif
