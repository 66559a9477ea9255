/* SPDX-License-Identifier: ISC */
/* network - addresses to listen on, and networks to allow or deny. Pure functions. */
#ifndef POSTERN_MASTER_NETWORK_H
#define POSTERN_MASTER_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "common/proto/types.h"

/* An address and port to listen on. */
struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t length; /* of the member that is meant */
};

/* "192.0.2.1" or "2001:db8::1"; no names, no scopes. PORT in host byte order. */
bool endpoint_parse(const char *text, uint16_t port, struct endpoint *);
void endpoint_set_port(struct endpoint *, uint16_t port);
uint16_t endpoint_port(const struct endpoint *);
bool endpoint_equal(const struct endpoint *, const struct endpoint *);
/* Is it 0.0.0.0 or ::? */
bool endpoint_is_any(const struct endpoint *);
bool endpoint_is_loopback(const struct endpoint *);
/* Same port, and a connection could be for either: equal, or one of them is all of the family. */
bool endpoint_overlaps(const struct endpoint *, const struct endpoint *);

#define ENDPOINT_TEXT_SIZE 64
/* "192.0.2.1:25", "[2001:db8::1]:25". Returns OUT. */
const char *endpoint_text(const struct endpoint *, char out[ENDPOINT_TEXT_SIZE]);

/*
 * "192.0.2.0/24", "2001:db8::/32", or a single address. Returns NULL, or what is wrong with it (a
 * static text). Bits behind the prefix must be zero: they are a typing error more often than not.
 */
const char *network_parse(const char *text, struct network *);

#endif
