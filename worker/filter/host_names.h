/* SPDX-License-Identifier: ISC */
/* host_names - what is asked about a client's address, and what its HELO name is worth. Pure. */
#ifndef POSTERN_WORKER_FILTER_HOST_NAMES_H
#define POSTERN_WORKER_FILTER_HOST_NAMES_H

#include <netinet/in.h>
#include <stdbool.h>

#include "common/proto/types.h"

/*
 * "1.2.0.192.ZONE" of 192.0.2.1; for IPv6 its 32 hexadecimal digits (RFC 5782 2.1, 2.4; with
 * "in-addr.arpa" and "ip6.arpa" RFC 1035 3.5, RFC 3596 2.5). False if that is no name: too long.
 */
bool host_reverse(const struct in6_addr *, const char *zone, char out[HOST_NAME_SIZE]);

/*
 * NULL, or what is wrong with what a client has called itself (RFC 5321 4.1.1.1): no host's full
 * name, the literal of another address, or OWN, this server's name.
 */
const char *host_helo_problem(const char *helo, const struct in6_addr *client, const char *own);

#endif
