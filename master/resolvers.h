/* SPDX-License-Identifier: ISC */
/* resolvers - which servers of DNS relay and filter ask. */
#ifndef POSTERN_MASTER_RESOLVERS_H
#define POSTERN_MASTER_RESOLVERS_H

#include "common/proto/types.h"
#include "master/conf.h"

/* Those of the configuration, or this host's (resolv.conf(5)); "" behind the last. */
void resolvers_of(const struct configuration *, char out[RESOLVERS_MAX][RESOLVER_SIZE]);

#endif
