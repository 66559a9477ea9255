/* SPDX-License-Identifier: ISC */
#include "common/mime/authserv_id.h"

#include <strings.h>

#include "common/ascii.h"
#include "common/idn.h"

/* Behind blanks, folds and comments (RFC 5322 3.2.2: CFWS); -1 at a comment without an end. */
static int
skip_cfws(struct mime_text value, size_t *at)
{
	unsigned depth = 0;

	for (; *at < value.length; (*at)++) {
		char c = value.at[*at];

		if (depth > 0 && c == '\\')
			(*at)++;
		else if (c == '(')
			depth++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth == 0 && !ascii_is_fws(c))
			return 0;
	}
	return depth == 0 ? 0 : -1;
}

/* RFC 8601 5: the id may have U-labels. */
static bool
is_id_char(char c)
{
	return ascii_is_token(c) || (unsigned char)c > 127;
}

/*
 * A token or a quoted string; blanks in its quotes are left out, since who compares may strip them.
 * False if it is too long or has no end.
 */
static bool
take_id(struct mime_text value, size_t *at, char *out, size_t size)
{
	bool quoted = value.at[*at] == '"';
	size_t used = 0;

	for (*at += quoted ? 1 : 0; *at < value.length; (*at)++) {
		char c = value.at[*at];

		if (quoted ? c == '"' : !is_id_char(c))
			break;
		if (quoted && c == '\\' && *at + 1 < value.length)
			c = value.at[++*at];
		if (ascii_is_fws(c))
			continue;
		if (c == '\0' || used + 1 >= size)
			return false;
		out[used++] = c;
	}
	out[used] = '\0';
	if (!quoted)
		return true;
	return (*at)++ < value.length;
}

/*
 * Behind the id: a version, ";", or nothing. Who writes none begins with "method=result", as
 * Exchange does.
 */
static bool
is_id_end(struct mime_text value, size_t at)
{
	if (skip_cfws(value, &at) == -1)
		return false;
	return at >= value.length || value.at[at] == ';' || value.at[at] == '=' ||
	       ascii_is_digit(value.at[at]);
}

bool
authserv_id(struct mime_text value, char *out, size_t size)
{
	char text[2 * HOST_NAME_SIZE], ascii[HOST_NAME_SIZE];
	struct error err;
	size_t at = 0, used = 0;

	if (skip_cfws(value, &at) == -1 || at >= value.length ||
	    !take_id(value, &at, text, sizeof(text)) || !is_id_end(value, at) ||
	    idn_to_ascii(text, ascii, &err) == -1)
		return false;
	/* A blank that is none of ASCII's has become one. */
	for (const char *c = ascii; *c != '\0'; c++) {
		if (ascii_is_fws(*c))
			continue;
		if (used + 1 >= size)
			return false;
		out[used++] = ascii_lower(*c);
	}
	if (used > 0 && out[used - 1] == '.')
		used--;
	out[used] = '\0';
	return used > 0;
}

bool
authserv_id_may_be(struct mime_text value, const char *host)
{
	char id[HOST_NAME_SIZE];

	return !authserv_id(value, id, sizeof(id)) || strcasecmp(id, host) == 0;
}
