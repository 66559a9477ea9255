/* SPDX-License-Identifier: ISC */
#include "master/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4_MAPPED_BITS 96 /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */

bool
endpoint_parse(const char *text, uint16_t port, struct endpoint *e)
{
	memset(e, 0, sizeof(*e));
	if (inet_pton(AF_INET, text, &e->address.v4.sin_addr) == 1) {
		e->address.v4.sin_family = AF_INET;
		e->length = sizeof(e->address.v4);
	} else if (inet_pton(AF_INET6, text, &e->address.v6.sin6_addr) == 1) {
		e->address.v6.sin6_family = AF_INET6;
		e->length = sizeof(e->address.v6);
	} else {
		return false;
	}
	endpoint_set_port(e, port);
	return true;
}

void
endpoint_set_port(struct endpoint *e, uint16_t port)
{
	if (e->address.any.sa_family == AF_INET)
		e->address.v4.sin_port = htons(port);
	else
		e->address.v6.sin6_port = htons(port);
}

uint16_t
endpoint_port(const struct endpoint *e)
{
	return ntohs(e->address.any.sa_family == AF_INET ? e->address.v4.sin_port
							 : e->address.v6.sin6_port);
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	if (a->address.any.sa_family != b->address.any.sa_family ||
	    endpoint_port(a) != endpoint_port(b))
		return false;
	if (a->address.any.sa_family == AF_INET)
		return a->address.v4.sin_addr.s_addr == b->address.v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->address.v6.sin6_addr, &b->address.v6.sin6_addr) &&
	       a->address.v6.sin6_scope_id == b->address.v6.sin6_scope_id;
}

bool
endpoint_is_any(const struct endpoint *e)
{
	if (e->address.any.sa_family == AF_INET)
		return e->address.v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&e->address.v6.sin6_addr);
}

bool
endpoint_is_loopback(const struct endpoint *e)
{
	if (e->address.any.sa_family == AF_INET)
		return ntohl(e->address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&e->address.v6.sin6_addr);
}

bool
endpoint_overlaps(const struct endpoint *a, const struct endpoint *b)
{
	if (a->address.any.sa_family != b->address.any.sa_family ||
	    endpoint_port(a) != endpoint_port(b))
		return false;
	return endpoint_is_any(a) || endpoint_is_any(b) || endpoint_equal(a, b);
}

const char *
endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE])
{
	char address[INET6_ADDRSTRLEN] = "?";

	if (e->address.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &e->address.v4.sin_addr, address, sizeof(address));
		snprintf(out, ENDPOINT_TEXT_SIZE, "%s:%u", address, endpoint_port(e));
	} else {
		inet_ntop(AF_INET6, &e->address.v6.sin6_addr, address, sizeof(address));
		snprintf(out, ENDPOINT_TEXT_SIZE, "[%s]:%u", address, endpoint_port(e));
	}
	return out;
}

/* The address of a network, IPv4 mapped; *MAX is the longest prefix its family has. */
static bool
parse_address(const char *text, struct in6_addr *address, long long *max)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		memset(address, 0, sizeof(*address));
		memset(&address->s6_addr[10], 0xff, 2);
		memcpy(&address->s6_addr[12], &v4, sizeof(v4));
		*max = 32;
		return true;
	}
	*max = 128;
	return inet_pton(AF_INET6, text, address) == 1;
}

const char *
network_parse(const char *text, struct network *network)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/'), *error = NULL;
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct in6_addr zero = IN6ADDR_ANY_INIT;
	long long bits, max;

	memset(network, 0, sizeof(*network));
	if (length >= sizeof(address))
		return "it is not an address or network";
	memcpy(address, text, length);
	address[length] = '\0';
	if (!parse_address(address, &network->address, &max))
		return "it is not an address or network";
	bits = slash ? strtonum(slash + 1, 0, max, &error) : max;
	/* strtonum() skips white space and takes a sign. */
	if (error != NULL || (slash != NULL && (slash[1] < '0' || slash[1] > '9')))
		return "the prefix length must be a number from 0 to 32 (IPv4) or 128 (IPv6)";
	network->bits = (uint8_t)(max == 32 ? bits + V4_MAPPED_BITS : bits);
	memcpy(zero.s6_addr, network->address.s6_addr, network->bits / 8);
	if (network->bits % 8 != 0)
		zero.s6_addr[network->bits / 8] =
		    (uint8_t)(network->address.s6_addr[network->bits / 8] &
			      (0xff << (8 - network->bits % 8)));
	if (memcmp(&zero, &network->address, sizeof(zero)) != 0)
		return "it has bits set behind its prefix length";
	return NULL;
}
