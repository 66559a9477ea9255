/* SPDX-License-Identifier: ISC */
/*
 * dkim_compose - the DKIM-Signature field of a mail, and with it what is signed (RFC 6376 3.7;
 * design section 5). A pure function: whatever it is asked for ends with a field that says whose
 * signature it is, so no signature of these keys is of anything but a mail's header.
 */
#ifndef POSTERN_CERTD_DKIM_COMPOSE_H
#define POSTERN_CERTD_DKIM_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/queue_certd.h"

struct dkim_order {
	const char *domain; /* d=, of the key */
	const char *selector;
	bool ed25519; /* else RSA */
	int64_t now;  /* seconds since the epoch */
	const uint8_t *body_hash;
	const char *fields; /* as dkim_fields_canonical() wants them */
	size_t length;
	uint32_t
	    without; /* fields that there may be, all the same: they can't be named once more */
};

#define DKIM_COMPOSED_MAX 4096
#define SIGNATURE_OCTETS_MAX 512 /* RSA with 4096 bits */
struct dkim_composed {
	size_t canonical_length;
	char canonical[DKIM_COMPOSED_MAX]; /* behind the fields: with it the hash ends */
	size_t length;
	char text[DKIM_COMPOSED_MAX]; /* as it is written, up to "b=" */
};

/* False if the fields are none, or names are too long. */
bool dkim_compose(const struct dkim_order *, struct dkim_composed *);

/*
 * The whole field, with SIGNATURE and a CRLF, into OUT. Returns its length; 0 if it has no room.
 */
size_t dkim_finish(const struct dkim_composed *, const uint8_t *signature, size_t length, char *out,
		   size_t size);

#endif
