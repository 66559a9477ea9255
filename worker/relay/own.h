/* SPDX-License-Identifier: ISC */
/* own - is somebody whom relay would connect to this server itself? */
#ifndef POSTERN_WORKER_RELAY_OWN_H
#define POSTERN_WORKER_RELAY_OWN_H

#include <netinet/in.h>
#include <stdbool.h>

/* Is it an address of this host, at this moment? No packet is sent. */
bool own_is_local(const struct in6_addr *);

/* The is_own() of struct route_self: TABLE says where we listen (struct table). */
bool own_listens(const struct in6_addr *, uint16_t port, const void *table);

#endif
