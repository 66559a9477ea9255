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

#endif
