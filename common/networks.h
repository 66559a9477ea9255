/* SPDX-License-Identifier: ISC */
/* networks - whether addresses are in them. Pure functions. */
#ifndef POSTERN_COMMON_NETWORKS_H
#define POSTERN_COMMON_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/types.h"

/* IPv4 addresses and networks are mapped into IPv6 (RFC 4291 2.5.5.2), on both sides. */
bool network_contains(const struct network *, const struct in6_addr *);

/* Does one of them? */
bool networks_contain(const struct network *, size_t count, const struct in6_addr *);

#endif
