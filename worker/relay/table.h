/* SPDX-License-Identifier: ISC */
/* table - how mail goes to which domains, as the master says (master_relay.h). Pure. */
#ifndef POSTERN_WORKER_RELAY_TABLE_H
#define POSTERN_WORKER_RELAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/master_relay.h"

/* Whoever uses one of its routes holds it: it may no longer be the one in force. */
struct table;

/* A table whose routes are still to come, held once. NULL if it is not sound, or without memory. */
struct table *table_begin(const struct mr_table *);
/* The next route. -1 if it is not sound, or one too many, or the whole table is not. */
int table_add(struct table *, const struct mr_route *);
/* Have all come? */
bool table_is_whole(const struct table *);
/* Would both lead every mail the same way? */
bool table_equal(const struct table *, const struct table *);

struct table *table_hold(struct table *);
/* The last one to let it go wipes it: there are passwords in it. NULL is fine. */
void table_release(struct table *);

/*
 * The route of DOMAIN (lower case): the one of its name, else of the longest name above it, else
 * that of "*".
 */
const struct mr_route *table_find(const struct table *, const char *domain);
/* How long a server may take for a whole reply, whatever the step usually has; seconds. */
unsigned table_reply_seconds(const struct table *);
bool table_takes_literals(const struct table *);
/* Do we listen there for mail from strangers? LOCAL: it is an address of this host. */
bool table_is_listener(const struct table *, const struct in6_addr *, uint16_t port, bool local);

#endif
