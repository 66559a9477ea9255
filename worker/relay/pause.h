/* SPDX-License-Identifier: ISC */
/*
 * pause - routes whose host has refused our login. It is not asked again for a while: some count
 * such attempts, and lock the account. A reload ends it, for the password may be another then.
 */
#ifndef POSTERN_WORKER_RELAY_PAUSE_H
#define POSTERN_WORKER_RELAY_PAUSE_H

#include "worker/relay/relay.h"
#include "worker/relay/reply.h"

#define PAUSE_SECONDS 300u

/* ROUTE is one of the table's; WHY is what the host said. Without memory there is none. */
void pause_begin(struct relay *, struct table *, const struct mr_route *route,
		 const struct reply *why);
/* Why nothing goes over ROUTE now, a transient failure; or NULL. */
const struct reply *pause_of(struct relay *, const struct mr_route *route);
void pauses_end(struct relay *);

#endif
