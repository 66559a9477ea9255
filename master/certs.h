/* SPDX-License-Identifier: ISC */
/*
 * certs - the certificates in force, as certd tells them: shown in the status, and mailed to the
 * postmaster, through queue, when they are about to expire.
 */
#ifndef POSTERN_MASTER_CERTS_H
#define POSTERN_MASTER_CERTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/master_certd.h"
#include "master/conf_uses.h"

struct master;

struct cert_report {
	struct md_certificate told;
	bool seen; /* in the round that is being told */
};

/* By name. */
struct certs {
	struct cert_report *list;
	struct conf_candidate *candidates; /* the same, for conf_uses.h */
	size_t count;
};

/* Takes one. Returns 0, or -1 if it is nothing certd would say (or without memory). */
int certs_told(struct certs *, const struct md_certificate *);
/* That were all: what was not among them is gone. */
void certs_all_told(struct certs *);
void certs_free(struct certs *); /* what is in it */

/* Has queue mail what is about to expire, if it runs; it does each once. */
void certs_notify(struct master *);

#endif
