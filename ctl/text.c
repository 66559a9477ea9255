/* SPDX-License-Identifier: ISC */
#include "ctl/text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>

size_t
text_character(const unsigned char *text, uint32_t *code)
{
	static const struct {
		unsigned char from, to;  /* the first byte */
		unsigned char low, high; /* the second */
		size_t length;
	} forms[] = {
	    {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	*code = 0xfffd;
	/* A NUL in the middle is no continuation, so nothing is read behind the end. */
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = forms[i].length;

		if (text[0] < forms[i].from || text[0] > forms[i].to)
			continue;
		if (length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < length; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
		}
		*code = length == 1 ? text[0] : text[0] & (0x7fU >> length);
		for (size_t k = 1; k < length; k++)
			*code = *code << 6 | (text[k] & 0x3f);
		return length;
	}
	return 0;
}

/* Those of ASCII, those behind it, and the marks, separators and directions that Unicode has. */
static bool
is_control(uint32_t code)
{
	static const struct {
		uint32_t from, to;
	} controls[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},
			{0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (code >= controls[i].from && code <= controls[i].to)
			return true;
	}
	return false;
}

/*
 * To a terminal of another encoding the octets of UTF-8 are other characters, of which some are
 * controls. The process's own locale stays "C": comparisons are of ASCII.
 */
static bool
environment_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (locale == (locale_t)0)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

void
text_print(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	bool asked = false, utf8 = false;

	while (*at != '\0') {
		uint32_t code;
		size_t length = text_character(at, &code);

		if (length > 1 && !asked) {
			utf8 = environment_is_utf8();
			asked = true;
		}
		if (length == 0 || is_control(code) || (length > 1 && !utf8))
			fputc('?', out);
		else
			fwrite(at, 1, length, out);
		at += length == 0 ? 1 : length;
	}
}
