/* SPDX-License-Identifier: ISC */
#include "worker/gate/tls_names.h"

#include <string.h>

#define RECORD_HANDSHAKE 22
#define RECORD_MAJOR 3
#define NAME_TYPE_HOST 0

enum first_bytes
first_bytes_kind(const uint8_t *bytes, size_t length)
{
	if (bytes[0] != RECORD_HANDSHAKE || (length > 1 && bytes[1] != RECORD_MAJOR))
		return FIRST_BYTES_PLAIN;
	return FIRST_BYTES_TLS;
}

static bool
is_host_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

int
server_name_parse(const uint8_t *data, size_t length, char out[HOST_NAME_SIZE])
{
	size_t list, name;

	/* ServerNameList: its length, then NameType, the name's length, the name. */
	if (length < 5)
		return -1;
	list = (size_t)data[0] << 8 | data[1];
	name = (size_t)data[3] << 8 | data[4];
	if (list != length - 2 || data[2] != NAME_TYPE_HOST || name != length - 5 || name == 0 ||
	    name >= HOST_NAME_SIZE)
		return -1;
	for (size_t i = 0; i < name; i++) {
		uint8_t c = data[5 + i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (!is_host_octet(c))
			return -1;
		out[i] = (char)c;
	}
	out[name] = '\0';
	return 0;
}

enum name_match
name_matches(const char *pattern, const char *name)
{
	const char *rest;

	if (strcmp(pattern, name) == 0)
		return NAME_EQUAL;
	if (strncmp(pattern, "*.", 2) != 0)
		return NAME_DIFFERS;
	rest = strchr(name, '.');
	if (rest == NULL || rest == name || strcmp(rest, pattern + 1) != 0)
		return NAME_DIFFERS;
	return NAME_BY_WILDCARD;
}
