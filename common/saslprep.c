/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/saslprep.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

struct range {
	ucs4_t first;
	ucs4_t last;
};

/* RFC 3454 B.1: mapped to nothing. */
static const struct range nothing[] = {
    {0xad, 0xad},     {0x34f, 0x34f},   {0x1806, 0x1806}, {0x180b, 0x180d},
    {0x200b, 0x200d}, {0x2060, 0x2060}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
};

/* RFC 3454 C.6 to C.9, and those of C.2.2 that are not control characters by their category. */
static const struct range prohibited[] = {
    {0x340, 0x341},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x180e, 0x180e}, {0x200c, 0x200f},
    {0x2028, 0x202e},   {0x2060, 0x2063},   {0x206a, 0x206f},   {0x2ff0, 0x2ffb}, {0xfff9, 0xfffd},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
};

static bool
is_in(ucs4_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}
#define IS_IN(c, ranges) is_in(c, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* RFC 4013 2.1: C.1.2, spaces that are not ASCII's. */
static bool
is_space(ucs4_t c)
{
	return c != ' ' && (c == 0x200b || uc_is_general_category(c, UC_SPACE_SEPARATOR));
}

/* C.2, C.3 (private use), C.4 (no characters), C.5 (surrogates), and the table above. */
static bool
is_prohibited(ucs4_t c)
{
	return uc_is_general_category(c, UC_CONTROL) || uc_is_general_category(c, UC_PRIVATE_USE) ||
	       uc_is_general_category(c, UC_SURROGATE) || uc_is_property_not_a_character(c) ||
	       is_space(c) || IS_IN(c, prohibited);
}

/* D.1 and D.2. */
static bool
is_rtl(ucs4_t c)
{
	int class = uc_bidi_class(c);

	return class == UC_BIDI_R || class == UC_BIDI_AL;
}

/* RFC 4013 2.1, in place: never longer than before. Returns the length. */
static size_t
map(uint8_t *text, size_t length)
{
	size_t used = 0, n;

	for (size_t at = 0; at < length; at += n) {
		ucs4_t c;

		n = (size_t)u8_mbtouc(&c, text + at, length - at);
		if (is_space(c)) {
			text[used++] = ' ';
		} else if (!IS_IN(c, nothing)) {
			memmove(text + used, text + at, n);
			used += n;
		}
	}
	return used;
}

/* RFC 4013 2.3, 2.4. */
static bool
is_allowed(const uint8_t *text, size_t length)
{
	bool rtl = false, ltr = false, first_rtl = false, last_rtl = false;
	size_t n;

	for (size_t at = 0; at < length; at += n) {
		ucs4_t c;

		n = (size_t)u8_mbtouc(&c, text + at, length - at);
		if (is_prohibited(c))
			return false;
		last_rtl = is_rtl(c);
		if (at == 0)
			first_rtl = last_rtl;
		rtl = rtl || last_rtl;
		ltr = ltr || uc_bidi_class(c) == UC_BIDI_L;
	}
	return length > 0 && (!rtl || (!ltr && first_rtl && last_rtl));
}

int
saslprep(const char *text, char *out, size_t size)
{
	uint8_t *copy = (uint8_t *)strdup(text), *normal = NULL;
	size_t length = strlen(text), normal_length = 0;
	int result = -1;

	if (copy != NULL && u8_check(copy, length) == NULL)
		normal = u8_normalize(UNINORM_NFKC, copy, map(copy, length), NULL, &normal_length);
	if (normal != NULL && normal_length < size && is_allowed(normal, normal_length)) {
		memcpy(out, normal, normal_length);
		out[normal_length] = '\0';
		result = 0;
	}
	freezero(normal, normal == NULL ? 0 : normal_length);
	freezero(copy, copy == NULL ? 0 : length);
	if (result == -1)
		explicit_bzero(out, size);
	return result;
}
