/* SPDX-License-Identifier: ISC */
/* socket_address - addresses as sockets take them. Pure. */
#ifndef POSTERN_WORKER_RELAY_SOCKET_ADDRESS_H
#define POSTERN_WORKER_RELAY_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* An IPv4-mapped address is one of IPv4. The length of what is filled. */
socklen_t socket_address_set(union socket_address *, const struct in6_addr *, uint16_t port);

#endif
