/* SPDX-License-Identifier: ISC */
#include "common/mime/decode.h"

#include "common/ascii.h"

#include <string.h>

void
mime_decoder_open(struct mime_decoder *decoder, enum mime_encoding encoding)
{
	*decoder = (struct mime_decoder){.encoding = encoding};
}

/* The value of a base64 digit; -1: none. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * RFC 2045 6.8: what is no digit is ignored. Padding ends four digits, not the whole: bodies that
 * were put together of several encoded ones exist.
 */
static size_t
decode_base64(struct mime_decoder *decoder, const char *in, size_t length, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		int value = base64_value(in[i]);

		if (in[i] == '=')
			decoder->bit_count = 0;
		if (value < 0)
			continue;
		decoder->bits = decoder->bits << 6 | (uint32_t)value;
		decoder->bit_count += 6;
		if (decoder->bit_count < 8)
			continue;
		decoder->bit_count -= 8;
		if (out != NULL)
			out[used] = (char)(decoder->bits >> decoder->bit_count & 0xff);
		used++;
	}
	return used;
}

/* Octets go into OUT, or are counted. */
static void
put(char *out, size_t *used, char c)
{
	if (out != NULL)
		out[*used] = c;
	(*used)++;
}

static void
put_held(struct mime_decoder *decoder, char *out, size_t *used)
{
	for (unsigned i = 0; i < decoder->held_count; i++)
		put(out, used, decoder->held[i]);
	decoder->held_count = 0;
}

/* Behind a "=": true if C belongs to the escape. */
static bool
take_escape(struct mime_decoder *decoder, char c, char *out, size_t *used)
{
	char before = decoder->held[decoder->held_count - 1];

	if (decoder->held_count == 1 && c == '\n') {
		decoder->held_count = 0; /* a soft line break */
		return true;
	}
	if (decoder->held_count == 1 && (c == '\r' || ascii_hex_value(c) >= 0)) {
		decoder->held[decoder->held_count++] = c;
		return true;
	}
	if (decoder->held_count == 2 && before == '\r' && c == '\n') {
		decoder->held_count = 0;
		return true;
	}
	if (decoder->held_count == 2 && before != '\r' && ascii_hex_value(c) >= 0) {
		put(out, used, (char)(ascii_hex_value(before) << 4 | ascii_hex_value(c)));
		decoder->held_count = 0;
		return true;
	}
	put_held(decoder, out, used);
	return false;
}

/*
 * RFC 2045 6.7. Blanks at the end of a line were put there on the way (rule 3); they count only up
 * to 3 here, so that what is held is bounded.
 */
static size_t
decode_quoted_printable(struct mime_decoder *decoder, const char *in, size_t length, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = in[i];

		if (decoder->held_count > 0 && decoder->held[0] == '=' &&
		    take_escape(decoder, c, out, &used))
			continue;
		if (decoder->held_count > 0 && (c == '\r' || c == '\n'))
			decoder->held_count = 0;
		if (c == ' ' || c == '\t') {
			if (decoder->held_count == 3)
				put_held(decoder, out, &used);
			decoder->held[decoder->held_count++] = c;
			continue;
		}
		put_held(decoder, out, &used);
		if (c == '=')
			decoder->held[decoder->held_count++] = c;
		else
			put(out, &used, c);
	}
	return used;
}

size_t
mime_decode(struct mime_decoder *decoder, const char *in, size_t length, char *out)
{
	if (decoder->encoding == MIME_BASE64)
		return decode_base64(decoder, in, length, out);
	if (decoder->encoding == MIME_QUOTED_PRINTABLE)
		return decode_quoted_printable(decoder, in, length, out);
	if (out != NULL && length > 0)
		memcpy(out, in, length);
	return length;
}

size_t
mime_decode_end(struct mime_decoder *decoder, char *out)
{
	size_t used = 0;

	if (decoder->held_count > 0 && decoder->held[0] == '=' && decoder->held_count > 1)
		put_held(decoder, out, &used);
	decoder->held_count = 0; /* blanks, or a soft line break at the very end */
	return used;
}

uint64_t
mime_decoded_size(struct mime_text body, enum mime_encoding encoding)
{
	struct mime_decoder decoder;
	uint64_t size;

	mime_decoder_open(&decoder, encoding);
	size = mime_decode(&decoder, body.at, body.length, NULL);
	return size + mime_decode_end(&decoder, NULL);
}
