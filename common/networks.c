/* SPDX-License-Identifier: ISC */
#include "common/networks.h"

#include <string.h>

bool
network_contains(const struct network *network, const struct in6_addr *address)
{
	size_t whole = network->bits / 8, rest = network->bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (network->bits > 128)
		return false;
	if (memcmp(&network->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	       ((network->address.s6_addr[whole] ^ address->s6_addr[whole]) & mask) == 0;
}

bool
networks_contain(const struct network *networks, size_t count, const struct in6_addr *address)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (network_contains(&networks[i], address))
			return true;
	}
	return false;
}
