/* SPDX-License-Identifier: ISC */
#include "common/xtext.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "common/ascii.h"

#define HEXPOINT_MAX 6

static bool
is_printable(unsigned c)
{
	return c >= 32 && c <= 126;
}

/* RFC 3461 4: xchar is any of "!" to "~" but "+" and "=". */
static bool
is_xchar(char c)
{
	return c >= '!' && c <= '~' && c != '+' && c != '=';
}

/* RFC 3461 4: of hexchar only upper case. */
static int
xtext_digit(char c)
{
	return ascii_is_lower(c) ? -1 : ascii_hex_value(c);
}

int
xtext_decode(const char *text, size_t length, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)text[i];

		if (c == '+') {
			int high = i + 2 < length ? xtext_digit(text[i + 1]) : -1;
			int low = i + 2 < length ? xtext_digit(text[i + 2]) : -1;

			if (high == -1 || low == -1)
				return -1;
			c = high * 16 + low;
			i += 2;
		} else if (!is_xchar(text[i])) {
			return -1;
		}
		if (!is_printable((unsigned)c) || n + 1 >= size)
			return -1;
		out[n++] = (char)c;
	}
	if (size == 0)
		return -1;
	out[n] = '\0';
	return (int)n;
}

int
xtext_encode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (n + 4 > size)
			return -1;
		if (is_xchar(*text))
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, 4, "+%02X", (unsigned)(unsigned char)*text);
	}
	if (n >= size)
		return -1;
	out[n] = '\0';
	return (int)n;
}

/* RFC 6533 3: QCHAR */
static bool
is_qchar(char c)
{
	return is_xchar(c) && c != '\\';
}

/*
 * EmbeddedUnicodeChar, "\x{HEXPOINT}". Its length, with *POINT, or 0. HEXPOINT has no leading zero
 * but in two digits, and names no printable ASCII that needs no encoding.
 */
static size_t
embedded(const char *text, size_t length, ucs4_t *point)
{
	static const char begin[] = "\\x{";
	size_t i = sizeof(begin) - 1, digits;

	*point = 0;
	if (length < i || memcmp(text, begin, i) != 0)
		return 0;
	for (digits = 0; i < length && digits <= HEXPOINT_MAX; i++, digits++) {
		int value = ascii_hex_value(text[i]);

		if (value == -1)
			break;
		*point = *point * 16 + (ucs4_t)value;
	}
	if (i == length || text[i] != '}' || digits < 2 || digits > HEXPOINT_MAX ||
	    (digits > 2 && text[sizeof(begin) - 1] == '0'))
		return 0;
	if (*point < 128 && (*point < 32 || *point == 127 || is_qchar((char)*point)))
		return 0;
	return i + 1;
}

int
unitext_decode(const char *text, size_t length, bool wide, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length;) {
		ucs4_t point = 0;
		size_t used = embedded(text + i, length - i, &point);
		int made;

		if (n + 4 >= size)
			return -1;
		if (used == 0) {
			if (!is_qchar(text[i]) && !(wide && (unsigned char)text[i] > 127))
				return -1;
			out[n++] = text[i++];
			continue;
		}
		made = u8_uctomb((uint8_t *)out + n, point, 4);
		if (made < 1)
			return -1; /* a surrogate, or no character at all */
		n += (size_t)made;
		i += used;
	}
	if (n >= size || u8_check((const uint8_t *)out, n) != NULL)
		return -1;
	out[n] = '\0';
	return (int)n;
}

int
unitext_encode(const char *text, char *out, size_t size)
{
	size_t length = strlen(text), n = 0;

	for (size_t i = 0; i < length;) {
		ucs4_t point = 0;
		int used = u8_mbtoucr(&point, (const uint8_t *)text + i, length - i);

		if (used < 1 || n + HEXPOINT_MAX + 5 > size)
			return -1;
		if (point < 128 && is_qchar((char)point))
			out[n++] = (char)point;
		else
			n += (size_t)snprintf(out + n, HEXPOINT_MAX + 5, "\\x{%02X}",
					      (unsigned)point);
		i += (size_t)used;
	}
	if (n >= size)
		return -1;
	out[n] = '\0';
	return (int)n;
}
