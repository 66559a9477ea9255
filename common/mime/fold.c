/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "common/ascii.h"
#include "common/mime/charset.h"
#include "common/mime/text.h"

static bool
is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

/* A run without ASCII in it, of valid UTF-8. */
static void
fold_run(const char *utf8, size_t length, struct mime_out *out)
{
	uint8_t buffer[512], *folded;
	size_t folded_length = sizeof(buffer);

	folded =
	    u8_casefold((const uint8_t *)utf8, length, NULL, UNINORM_NFKD, buffer, &folded_length);
	if (folded == NULL) {
		out->failed = true;
		return;
	}
	mime_out_bytes(out, folded, folded_length);
	if (folded != buffer)
		free(folded);
}

/* ASCII never changes with what is beside it, nor what is beside it: so it can go the short way. */
void
mime_fold(const char *utf8, size_t length, struct mime_out *out)
{
	struct mime_out clean = {0};
	struct mime_charset charset;
	size_t at = 0;

	if (length > 0 && u8_check((const uint8_t *)utf8, length) != NULL) {
		(void)mime_charset_open(&charset, (struct mime_text){"utf-8", 5});
		(void)mime_charset_convert(&charset, utf8, length, true, &clean);
		utf8 = clean.at;
		length = clean.length;
		out->failed |= clean.failed;
	}
	while (at < length && !out->failed) {
		size_t begin = at;

		if (is_ascii(utf8[at])) {
			mime_out_char(out, ascii_lower(utf8[at++]));
			continue;
		}
		while (at < length && !is_ascii(utf8[at]))
			at++;
		fold_run(utf8 + begin, at - begin, out);
	}
	mime_out_free(&clean);
}

bool
mime_contains(const char *haystack, size_t length, const char *needle, size_t needle_length)
{
	if (needle_length == 0)
		return true;
	return length >= needle_length && memmem(haystack, length, needle, needle_length) != NULL;
}
