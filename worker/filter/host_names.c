/* SPDX-License-Identifier: ISC */
#include "worker/filter/host_names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool
host_reverse(const struct in6_addr *address, const char *zone, char out[HOST_NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *a = address->s6_addr;
	char labels[4 * sizeof(*address) + 1], *to = labels;

	if (IN6_IS_ADDR_V4MAPPED(address)) {
		(void)snprintf(labels, sizeof(labels), "%u.%u.%u.%u.", a[15], a[14], a[13], a[12]);
	} else {
		for (size_t i = sizeof(*address); i-- > 0;) {
			*to++ = digits[a[i] & 0xf];
			*to++ = '.';
			*to++ = digits[a[i] >> 4];
			*to++ = '.';
		}
		*to = '\0';
	}
	return (size_t)snprintf(out, HOST_NAME_SIZE, "%s%s", labels, zone) < HOST_NAME_SIZE;
}

/* RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]". False if it is none. */
static bool
parse_literal(const char *text, struct in6_addr *out)
{
	static const char tag[] = "IPv6:";
	char inner[INET6_ADDRSTRLEN + sizeof(tag)];
	size_t length = strlen(text);
	struct in_addr v4;

	if (length < 3 || text[0] != '[' || text[length - 1] != ']' || length - 2 >= sizeof(inner))
		return false;
	memcpy(inner, text + 1, length - 2);
	inner[length - 2] = '\0';
	if (strncasecmp(inner, tag, sizeof(tag) - 1) == 0)
		return inet_pton(AF_INET6, inner + sizeof(tag) - 1, out) == 1;
	if (inet_pton(AF_INET, inner, &v4) != 1)
		return false;
	memset(out, 0, sizeof(*out));
	out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(&out->s6_addr[12], &v4, sizeof(v4));
	return true;
}

const char *
host_helo_problem(const char *helo, const struct in6_addr *client, const char *own)
{
	size_t length = strlen(helo);
	const char *dot = strchr(helo, '.');
	struct in6_addr literal;

	if (helo[0] == '[') {
		if (!parse_literal(helo, &literal))
			return "it is no address literal";
		return memcmp(&literal, client, sizeof(literal)) == 0
			   ? NULL
			   : "it is the literal of another address";
	}
	if (length > 0 && helo[length - 1] == '.')
		length--;
	if (length == strlen(own) && strncasecmp(helo, own, length) == 0)
		return "it is this server's own name";
	if (dot == NULL || dot == helo || dot >= helo + length)
		return "it is no full host name";
	return strspn(helo, "0123456789.") >= length ? "it is an address without brackets" : NULL;
}
