/* SPDX-License-Identifier: ISC */
#include "common/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"

#define LABEL_MAX 63
#define PATH_MAX_OCTETS 256 /* with "<" and ">" */

/* RFC 5322 3.2.3 */
static bool
is_atext(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* UTF8-non-ascii of RFC 6531 3.3, an octet of it; whether all of them are UTF-8 is looked at
 * elsewhere. */
static bool
is_wide(char c)
{
	return (unsigned char)c > 127;
}

static bool
is_printable(char c)
{
	return c >= 32 && c <= 126;
}

static bool
is_ascii(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] > 127)
			return false;
	return true;
}

bool
address_is_srs(const char *local, size_t length)
{
	return length > 4 && strncasecmp(local, "SRS", 3) == 0 &&
	       (local[3] == '0' || local[3] == '1') &&
	       (local[4] == '=' || local[4] == '+' || local[4] == '-');
}

/* A Quoted-string; text[0] is its first quote. */
static enum address_error
parse_quoted(const char *text, size_t length, bool wide, char *local, size_t *used)
{
	size_t n = 0, i = 1;

	for (;; i++) {
		if (i < length && text[i] == '"')
			break;
		if (i < length && text[i] == '\\')
			i++;
		if (i >= length || !(is_printable(text[i]) || (wide && is_wide(text[i]))))
			return ADDRESS_BAD_LOCAL;
		if (n == LOCAL_PART_SIZE - 1)
			return ADDRESS_TOO_LONG;
		local[n++] = text[i];
	}
	local[n] = '\0';
	*used = i + 1;
	return ADDRESS_OK;
}

/* A Dot-string: atoms with single dots between them. */
static enum address_error
parse_dot_string(const char *text, size_t length, bool wide, char *local, size_t *used)
{
	size_t i = 0;

	while (i < length && (is_atext(text[i]) || text[i] == '.' || (wide && is_wide(text[i])))) {
		if (text[i] == '.' && (i == 0 || text[i - 1] == '.'))
			return ADDRESS_BAD_LOCAL;
		i++;
	}
	if (i == 0 || text[i - 1] == '.')
		return ADDRESS_BAD_LOCAL;
	if (i > LOCAL_PART_SIZE - 1)
		return ADDRESS_TOO_LONG;
	memcpy(local, text, i);
	local[i] = '\0';
	*used = i;
	return ADDRESS_OK;
}

enum address_error
address_parse_local_wide(const char *text, size_t length, char local[LOCAL_PART_SIZE], size_t *used)
{
	if (length == 0)
		return ADDRESS_EMPTY;
	return text[0] == '"' ? parse_quoted(text, length, true, local, used)
			      : parse_dot_string(text, length, true, local, used);
}

enum address_error
address_parse_local(const char *text, size_t length, char local[LOCAL_PART_SIZE], size_t *used)
{
	enum address_error error;

	if (length == 0)
		return ADDRESS_EMPTY;
	if (text[0] == '"')
		error = parse_quoted(text, length, false, local, used);
	else
		error = parse_dot_string(text, length, false, local, used);
	if (error != ADDRESS_OK && !is_ascii(text, length))
		return ADDRESS_NOT_ASCII;
	return error;
}

/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str] */
static bool
is_label(const char *text, size_t length)
{
	size_t i;

	if (length == 0 || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (i = 0; i < length; i++)
		if (!ascii_is_alnum(text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	return true;
}

static void
lower(const char *text, size_t length, char *out)
{
	size_t i;

	for (i = 0; i < length; i++)
		out[i] = ascii_lower(text[i]);
	out[length] = '\0';
}

enum address_error
address_parse_domain(const char *text, size_t length, char out[HOST_NAME_SIZE])
{
	size_t start = 0, i;

	if (length == 0)
		return ADDRESS_EMPTY;
	if (!is_ascii(text, length))
		return ADDRESS_NOT_ASCII;
	if (length > HOST_NAME_SIZE - 1)
		return ADDRESS_DOMAIN_TOO_LONG;
	for (i = 0; i <= length; i++) {
		if (i < length && text[i] != '.')
			continue;
		if (!is_label(text + start, i - start))
			return ADDRESS_BAD_DOMAIN;
		start = i + 1;
	}
	lower(text, length, out);
	return ADDRESS_OK;
}

enum address_error
address_parse_literal(const char *text, size_t length, char out[HOST_NAME_SIZE])
{
	static const char tag[] = "IPv6:";
	char inner[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	int family = AF_INET;
	size_t skip = 1;

	if (length < 2 || text[0] != '[' || text[length - 1] != ']')
		return ADDRESS_BAD_DOMAIN;
	if (length - 2 >= sizeof(tag) - 1 && strncasecmp(text + 1, tag, sizeof(tag) - 1) == 0) {
		family = AF_INET6;
		skip += sizeof(tag) - 1;
	}
	if (length - 1 - skip >= sizeof(inner))
		return ADDRESS_BAD_DOMAIN;
	memcpy(inner, text + skip, length - 1 - skip);
	inner[length - 1 - skip] = '\0';
	/* A NUL would hide what stands behind it from inet_pton(3). */
	if (strlen(inner) != length - 1 - skip || inet_pton(family, inner, &parsed) != 1)
		return ADDRESS_BAD_DOMAIN;
	memcpy(out, text, length);
	out[length] = '\0';
	return ADDRESS_OK;
}

enum address_error
address_parse(const char *text, size_t length, struct address *address)
{
	enum address_error error;
	struct address result;
	size_t used;

	error = address_parse_local(text, length, result.local, &used);
	if (error != ADDRESS_OK)
		return error;
	if (used == length)
		return ADDRESS_NO_DOMAIN;
	if (text[used] != '@')
		return is_ascii(text, length) ? ADDRESS_BAD_LOCAL : ADDRESS_NOT_ASCII;
	used++;
	if (used < length && text[used] == '[')
		error = address_parse_literal(text + used, length - used, result.domain);
	else
		error = address_parse_domain(text + used, length - used, result.domain);
	if (error == ADDRESS_EMPTY)
		return ADDRESS_NO_DOMAIN;
	if (error != ADDRESS_OK)
		return error;
	if (length + 2 > PATH_MAX_OCTETS)
		return ADDRESS_TOO_LONG;
	*address = result;
	return ADDRESS_OK;
}

const char *
address_error_text(enum address_error error)
{
	static const char *const texts[] = {
	    [ADDRESS_OK] = "fine",
	    [ADDRESS_EMPTY] = "the address is empty",
	    [ADDRESS_NOT_ASCII] =
		"the address is not ASCII, and the mail was not begun with SMTPUTF8",
	    [ADDRESS_NOT_UTF8] = "the address is not UTF-8",
	    [ADDRESS_BAD_IDN] = "the domain is not an internationalised domain name",
	    [ADDRESS_BAD_LOCAL] = "the local part is not a dot-string, nor a quoted string",
	    [ADDRESS_LOCAL_TOO_LONG] = "the local part is longer than 64 octets",
	    [ADDRESS_NO_DOMAIN] = "there is no domain behind the local part",
	    [ADDRESS_BAD_DOMAIN] = "the domain is not a host name, nor an address in brackets",
	    [ADDRESS_DOMAIN_TOO_LONG] = "the domain is longer than 255 octets",
	    [ADDRESS_TOO_LONG] = "the path is longer than 256 octets",
	};

	return texts[error];
}

static bool
is_dot_string(const char *local)
{
	char copy[LOCAL_PART_SIZE];
	size_t used;

	return parse_dot_string(local, strlen(local), true, copy, &used) == ADDRESS_OK &&
	       local[used] == '\0';
}

static void
put(char *out, size_t size, size_t *n, char c)
{
	if (*n + 1 < size)
		out[(*n)++] = c;
}

size_t
address_format(const struct address *address, char *out, size_t size)
{
	bool quoted = !is_dot_string(address->local);
	const char *p;
	size_t n = 0;

	if (size == 0)
		return 0;
	if (quoted)
		put(out, size, &n, '"');
	for (p = address->local; *p != '\0'; p++) {
		if (quoted && (*p == '"' || *p == '\\'))
			put(out, size, &n, '\\');
		put(out, size, &n, *p);
	}
	if (quoted)
		put(out, size, &n, '"');
	put(out, size, &n, '@');
	for (p = address->domain; *p != '\0'; p++)
		put(out, size, &n, *p);
	out[n] = '\0';
	return n;
}
