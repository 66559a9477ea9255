/* SPDX-License-Identifier: ISC */
/*
 * certs - the certificates in force, as certd tells them: shown in the status, and mailed to the
 * postmaster, through queue, when they are about to expire.
 */
#ifndef POSTERN_MASTER_CERTS_H
#define POSTERN_MASTER_CERTS_H

#include <stddef.h>

#include "common/proto/master_certd.h"
#include "master/conf_uses.h"

struct master;

struct certs {
	struct md_certificate *list;       /* by name: the last round that was told to its end */
	struct conf_candidate *candidates; /* the same, for conf_uses.h; their names are LIST's */
	size_t count;
	struct md_certificate *next; /* the round that is being told: nobody else looks at it */
	size_t next_count;
};

/* Takes one. Returns 0, or -1 if it is nothing certd would say (or without memory). */
int certs_told(struct certs *, const struct md_certificate *);
/* That were all: what was not among them is gone. */
void certs_all_told(struct certs *);
void certs_free(struct certs *); /* what is in it */

/* Has queue mail what is about to expire, if it runs; it does each once. */
void certs_notify(struct master *);

#endif
