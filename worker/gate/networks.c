/* SPDX-License-Identifier: ISC */
#include "worker/gate/networks.h"

#include <string.h>

bool
networks_permit(const struct network *networks, size_t allow, size_t deny,
		const struct in6_addr *address)
{
	/* Without any network there is no array, and nothing to point into. */
	if (deny > 0 && networks_contain(networks + allow, deny, address))
		return false;
	return allow == 0 || networks_contain(networks, allow, address);
}

bool
peer_from_sockaddr(struct peer *peer, const struct sockaddr_storage *from)
{
	memset(peer, 0, sizeof(*peer));
	if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;

		peer->address = in6->sin6_addr;
		peer->port = ntohs(in6->sin6_port);
		return true;
	}
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

		memset(peer->address.s6_addr + 10, 0xff, 2);
		memcpy(peer->address.s6_addr + 12, &in->sin_addr, 4);
		peer->port = ntohs(in->sin_port);
		return true;
	}
	return false;
}
