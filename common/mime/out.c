/* SPDX-License-Identifier: ISC */
#include "common/mime/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

char *
mime_out_room(struct mime_out *out, size_t count)
{
	size_t size;
	char *at;

	if (out->failed)
		return NULL;
	if (out->at != NULL && out->size - out->length >= count)
		return out->at + out->length;
	size = out->size < 256 ? 256 : out->size;
	while (size - out->length < count)
		size *= 2;
	at = realloc(out->at, size);
	if (at == NULL) {
		out->failed = true;
		return NULL;
	}
	out->at = at;
	out->size = size;
	return at + out->length;
}

void
mime_out_bytes(struct mime_out *out, const void *bytes, size_t length)
{
	char *room = mime_out_room(out, length);

	if (room == NULL || length == 0)
		return;
	memcpy(room, bytes, length);
	out->length += length;
}

void
mime_out_text(struct mime_out *out, const char *text)
{
	mime_out_bytes(out, text, strlen(text));
}

void
mime_out_number(struct mime_out *out, unsigned long long number)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%llu", number);

	mime_out_bytes(out, text, (size_t)length);
}

/* Fit for a quoted-string (RFC 9051 9: QUOTED-CHAR, in UTF-8 too)? */
static bool
is_quotable(struct mime_text text)
{
	bool ascii = true;

	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c == '\r' || c == '\n' || c == '\0')
			return false;
		ascii = ascii && c < 0x80;
	}
	return ascii || u8_check((const uint8_t *)text.at, text.length) == NULL;
}

static void
quote(struct mime_out *out, struct mime_text text)
{
	mime_out_char(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			mime_out_char(out, '\\');
		mime_out_char(out, text.at[i]);
	}
	mime_out_char(out, '"');
}

void
mime_out_nstring(struct mime_out *out, struct mime_text text)
{
	size_t nuls = 0;

	if (text.at == NULL) {
		mime_out_text(out, "NIL");
		return;
	}
	if (is_quotable(text)) {
		quote(out, text);
		return;
	}
	for (size_t i = 0; i < text.length; i++)
		nuls += text.at[i] == '\0';
	mime_out_char(out, '{');
	mime_out_number(out, text.length - nuls);
	mime_out_text(out, "}\r\n");
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '\0')
			mime_out_char(out, text.at[i]);
	}
}

void
mime_out_free(struct mime_out *out)
{
	free(out->at);
	*out = (struct mime_out){0};
}
