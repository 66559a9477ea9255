/* SPDX-License-Identifier: ISC */
#include "worker/relay/own.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/relay/socket_address.h"
#include "worker/relay/table.h"

static bool
is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* To an address of its own a host speaks from that same address. */
static bool
is_its_own_source(int fd, const struct in6_addr *address)
{
	union socket_address to, from;
	socklen_t length = socket_address_set(&to, address, 9 /* discard: any will do */);
	socklen_t size = sizeof(from);

	if (connect(fd, &to.any, length) == -1 || getsockname(fd, &from.any, &size) == -1)
		return false;
	if (to.any.sa_family == AF_INET)
		return memcmp(&from.v4.sin_addr, &to.v4.sin_addr, sizeof(to.v4.sin_addr)) == 0;
	return memcmp(&from.v6.sin6_addr, &to.v6.sin6_addr, sizeof(to.v6.sin6_addr)) == 0;
}

bool
own_is_local(const struct in6_addr *address)
{
	bool local;
	int fd;

	/* All of 127.0.0.0/8 is, with one source. */
	if (is_loopback(address))
		return true;
	/* A datagram socket that is connected has a route, and sends nothing. */
	fd = socket(IN6_IS_ADDR_V4MAPPED(address) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC,
		    0);
	if (fd == -1)
		return false;
	local = is_its_own_source(fd, address);
	close(fd);
	return local;
}

bool
own_listens(const struct in6_addr *address, uint16_t port, const void *table)
{
	return table_is_listener(table, address, port, false) ||
	       (table_is_listener(table, address, port, true) && own_is_local(address));
}
