/* SPDX-License-Identifier: ISC */
/* networks - whether an address may connect. Pure functions. */
#ifndef POSTERN_WORKER_GATE_NETWORKS_H
#define POSTERN_WORKER_GATE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/networks.h"

/*
 * ALLOW networks, then DENY networks. Who is denied may not; else, if anything is allowed by name,
 * only what is allowed may; else everybody.
 */
bool networks_permit(const struct network *, size_t allow, size_t deny, const struct in6_addr *);

/* A peer from what accept4(2) said; false if it is neither IPv4 nor IPv6. */
bool peer_from_sockaddr(struct peer *, const struct sockaddr_storage *);

#endif
