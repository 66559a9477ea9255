/* SPDX-License-Identifier: ISC */
/*
 * admit - how many connections there are, for each listener and each address, over all gates.
 *
 * A group is what max_connections counts: one listener of the configuration, all its addresses
 * together. What each gate was granted is kept in its ledger, so that a gate that dies gives back
 * what it had. Of an IPv6 address the first 64 bits count: a host owns them all (RFC 4291 2.5.1).
 */
#ifndef POSTERN_MASTER_ADMIT_H
#define POSTERN_MASTER_ADMIT_H

#include <stdint.h>

#include "common/proto/master_gate.h"

struct admit;        /* all counts */
struct admit_ledger; /* of one gate */

/* NULL if there is no memory. */
struct admit *admit_new(void);
void admit_free(struct admit *); /* its ledgers first */
struct admit_ledger *admit_ledger_new(void);
/* Gives back all that is in it. */
void admit_ledger_free(struct admit *, struct admit_ledger *);

struct admit_limits {
	uint32_t connections;
	uint32_t per_address;
	uint32_t rate; /* connections a minute from one address; 0: no limit */
};

/*
 * May one more be served? On MG_ADMIT_OK it is counted. Without memory: MG_ADMIT_LISTENER_FULL. NOW
 * is in milliseconds that never go back.
 */
enum mg_verdict admit_one(struct admit *, struct admit_ledger *, uint32_t group,
			  const struct in6_addr *, const struct admit_limits *, int64_t now);

/* One is gone. Returns 0, or -1 if the ledger has none of that group and address. */
int admit_gone(struct admit *, struct admit_ledger *, uint32_t group, const struct in6_addr *);

/* Connections of a group now. */
uint32_t admit_count(const struct admit *, uint32_t group);
/* Connections of a gate now. */
uint32_t admit_ledger_count(const struct admit_ledger *);

#endif
