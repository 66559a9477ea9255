/* SPDX-License-Identifier: ISC */
/* dkim_header - the hash of what a signature says of the header (RFC 6376 3.7, RFC 8617 5.1.1). */
#ifndef POSTERN_WORKER_FILTER_DKIM_HEADER_H
#define POSTERN_WORKER_FILTER_DKIM_HEADER_H

#include "worker/filter/dkim_canon.h"
#include "worker/filter/dkim_crypto.h"
#include "worker/filter/message.h"

#define DKIM_FIELDS_MAX 256 /* words of h= */

/* Adds a field in its canonical form. False without memory. */
bool dkim_hash_field(EVP_MD_CTX *, enum dkim_canon, struct mime_text whole);

/* Adds the field with the signature: without what is in B (its raw b=), and without a line end. */
bool dkim_hash_own(EVP_MD_CTX *, enum dkim_canon, struct mime_text whole, struct mime_text b);

/*
 * The hash that the signature in the field OWN is of: the fields of its h=, as they came, from the
 * last of each name on (5.4.2), then itself. False with errno ENOMEM, or E2BIG: there are more than
 * DKIM_FIELDS_MAX.
 */
bool dkim_header_hash(const struct message *, const struct message_field *own,
		      const struct dkim_signature *, uint8_t hash[DKIM_HASH_SIZE]);

#endif
