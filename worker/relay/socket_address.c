/* SPDX-License-Identifier: ISC */
#include "worker/relay/socket_address.h"

#include <string.h>

socklen_t
socket_address_set(union socket_address *out, const struct in6_addr *address, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (!IN6_IS_ADDR_V4MAPPED(address)) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		out->v6.sin6_addr = *address;
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(port);
	memcpy(&out->v4.sin_addr, address->s6_addr + 12, sizeof(out->v4.sin_addr));
	return sizeof(out->v4);
}
