/* SPDX-License-Identifier: ISC */
#include "common/pop3_lang.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"

/* Subtags behind the first: "-" and 1 to 8 letters and digits each. */
static size_t
subtag_length(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && ascii_is_alnum(text[n]))
		n++;
	return n;
}

enum pop3_lang
pop3_lang(const char *range, size_t length)
{
	if (length == 0)
		return POP3_LANG_LISTING;
	if (length == 1 && range[0] == '*')
		return POP3_LANG_ENGLISH;
	if (length < 2 || strncasecmp(range, "en", 2) != 0)
		return POP3_LANG_NONE;
	for (size_t at = 2; at < length;) {
		size_t n = subtag_length(range + at + 1, length - at - 1);

		if (range[at] != '-' || n == 0 || n > 8)
			return POP3_LANG_NONE;
		at += 1 + n;
	}
	return POP3_LANG_ENGLISH;
}
