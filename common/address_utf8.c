/* SPDX-License-Identifier: ISC */
/* Addresses of RFC 6531. */
#include <string.h>
#include <unistr.h>

#include "common/address.h"
#include "common/idn.h"

#define PATH_MAX_OCTETS 256 /* as in RFC 5321 4.5.3.1.3; RFC 6531 3.6 leaves the limits alone */

static bool
is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] > 127)
			return false;
	}
	return true;
}

/* U-labels and A-labels may be mixed (RFC 5891 5.1). */
enum address_error
address_parse_domain_utf8(const char *text, size_t length, char out[HOST_NAME_SIZE])
{
	char copy[2 * HOST_NAME_SIZE], ascii[HOST_NAME_SIZE];
	struct error err;

	if (length >= sizeof(copy))
		return ADDRESS_DOMAIN_TOO_LONG;
	/* What stands behind a NUL libidn2 would not see. */
	if (memchr(text, '\0', length) != NULL)
		return ADDRESS_BAD_DOMAIN;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (idn_to_ascii(copy, ascii, &err) == -1)
		return ADDRESS_BAD_IDN;
	return address_parse_domain(ascii, strlen(ascii), out);
}

enum address_error
address_parse_utf8(const char *text, size_t length, struct address *address)
{
	enum address_error error;
	struct address result;
	size_t used;

	if (is_ascii(text, length))
		return address_parse(text, length, address);
	if (u8_check((const uint8_t *)text, length) != NULL)
		return ADDRESS_NOT_UTF8;
	error = address_parse_local_wide(text, length, result.local, &used);
	if (error != ADDRESS_OK)
		return error;
	if (used == length || used + 1 == length)
		return ADDRESS_NO_DOMAIN;
	if (text[used] != '@')
		return ADDRESS_BAD_LOCAL;
	used++;
	if (text[used] == '[')
		error = address_parse_literal(text + used, length - used, result.domain);
	else if (length - used > HOST_NAME_SIZE - 1)
		error = ADDRESS_DOMAIN_TOO_LONG;
	else
		error = address_parse_domain_utf8(text + used, length - used, result.domain);
	if (error != ADDRESS_OK)
		return error;
	if (strlen(result.local) + 1 + strlen(result.domain) + 2 > PATH_MAX_OCTETS)
		return ADDRESS_TOO_LONG;
	*address = result;
	return ADDRESS_OK;
}
