/* SPDX-License-Identifier: ISC */
/* dkim - what posternctl knows of the keys that sign mail. */
#ifndef POSTERN_CTL_DKIM_H
#define POSTERN_CTL_DKIM_H

#include "ctl/cert.h"

struct dkim_found {
	struct cc_dkim_key *keys;
	size_t count;
};

/*
 * The keys of DOMAIN (lower case, A-labels), or of all if it is "", by domain and selector. 0, or
 * -1 with ERR filled; to be freed in any case.
 */
int dkim_list(const struct cert_channel *, const char *domain, struct dkim_found *, struct error *);
void dkim_found_free(struct dkim_found *);

/* "waiting", "signing" or "retired", at NOW (seconds since the epoch). */
const char *dkim_state_of(const struct cc_dkim_key *, int64_t now);
/*
 * NULL if mail of the domain of KEY, which is one of them, is signed as well without it, at NOW.
 * Else "key" if no other signs, or "RSA key" if no other of RSA does: not everybody verifies
 * Ed25519.
 */
const char *dkim_only_of_its_kind(const struct dkim_found *, const struct cc_dkim_key *key,
				  int64_t now);
/* A line, with what is told of the key at NOW. */
void dkim_print_key(const struct cc_dkim_key *, int64_t now);
/* Its record as a zone file has it (RFC 1035 5.1): strings of at most 255 octets. */
void dkim_print_record(const struct cc_dkim_key *);
/* All of them, as an array; what there is not is null. */
void dkim_print_json(const struct dkim_found *, int64_t now);

#endif
