/* SPDX-License-Identifier: ISC */
/* Is text one value of IMAP's (RFC 9051 9): a list, a string, a literal, a number or an atom? */
#ifndef POSTERN_TESTS_FUZZ_MIME_IMAP_H
#define POSTERN_TESTS_FUZZ_MIME_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Behind a string at AT, or 0. */
static inline size_t
mime_imap_string(const char *text, size_t length, size_t at)
{
	size_t octets = 0;

	if (text[at] == '"') {
		for (at++; at < length && text[at] != '"'; at++) {
			if (text[at] == '\\' &&
			    (++at == length || (text[at] != '"' && text[at] != '\\')))
				return 0;
			if (text[at] == '\r' || text[at] == '\n' || text[at] == '\0')
				return 0;
		}
		return at < length ? at + 1 : 0;
	}
	for (at++; at < length && text[at] >= '0' && text[at] <= '9'; at++)
		octets = octets * 10 + (size_t)(text[at] - '0');
	if (length - at < 3 || memcmp(text + at, "}\r\n", 3) != 0 || length - at - 3 < octets ||
	    memchr(text + at + 3, '\0', octets) != NULL)
		return 0;
	return at + 3 + octets;
}

static inline bool
mime_imap_is_list(const char *text, size_t length)
{
	size_t at = 0, depth = 0;

	if (length == 0 || text[0] != '(')
		return false;
	while (at < length) {
		char c = text[at];

		if (c == '(') {
			depth++;
			at++;
		} else if (c == ')') {
			if (depth == 0)
				return false;
			at++;
			if (--depth == 0)
				break;
		} else if (c == '"' || c == '{') {
			at = mime_imap_string(text, length, at);
			if (at == 0)
				return false;
		} else if (c == ' ') {
			if (at + 1 == length || text[at + 1] == ' ' || text[at + 1] == ')')
				return false;
			at++;
		} else if (strncmp(text + at, "NIL", length - at < 3 ? length - at : 3) == 0) {
			at += 3;
		} else if (c >= '0' && c <= '9') {
			at++;
		} else {
			return false;
		}
	}
	return depth == 0 && at == length;
}

#endif
