/* SPDX-License-Identifier: ISC */
/* Encoded-words (RFC 2047) and parameters with charset (RFC 2231) as UTF-8. */
#include <string.h>

#include "common/ascii.h"
#include "common/mime/charset.h"
#include "common/mime/decode.h"
#include "common/mime/text.h"

struct word {
	struct mime_text charset; /* without the language of RFC 2231 5 */
	bool base64;
	struct mime_text text;
	size_t length; /* of all of it */
};

/* The words in front, of the same charset, decoded but not converted: a character may be split. */
struct pending {
	struct mime_text charset;
	struct mime_out octets;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* Up to the next "?". False: there is none, or it is empty. */
static bool
take_field(const char *at, const char *end, struct mime_text *field)
{
	const char *mark = memchr(at, '?', (size_t)(end - at));

	if (mark == NULL || mark == at)
		return false;
	*field = (struct mime_text){at, (size_t)(mark - at)};
	return true;
}

/* "=?charset?Q?text?=" at AT. Blanks within the text are against the RFC, and sent. */
static bool
read_word(const char *at, const char *end, struct word *word)
{
	const char *begin = at, *star, *mark;
	struct mime_text encoding;

	if (end - at < 8 || at[0] != '=' || at[1] != '?' ||
	    !take_field(at + 2, end, &word->charset))
		return false;
	at = word->charset.at + word->charset.length + 1;
	if (!take_field(at, end, &encoding) || encoding.length != 1)
		return false;
	word->base64 = *encoding.at == 'B' || *encoding.at == 'b';
	if (!word->base64 && *encoding.at != 'Q' && *encoding.at != 'q')
		return false;
	at += 2;
	mark = memchr(at, '?', (size_t)(end - at));
	if (mark == NULL || mark + 1 == end || mark[1] != '=')
		return false;
	word->text = (struct mime_text){at, (size_t)(mark - at)};
	word->length = (size_t)(mark + 2 - begin);
	star = memchr(word->charset.at, '*', word->charset.length);
	if (star != NULL)
		word->charset.length = (size_t)(star - word->charset.at);
	return true;
}

static void
convert(struct mime_text name, const char *octets, size_t length, struct mime_out *out)
{
	struct mime_charset charset;

	if (!mime_charset_open(&charset, name))
		mime_charset_guess(&charset);
	(void)mime_charset_convert(&charset, octets, length, true, out);
}

static void
flush(struct pending *pending, struct mime_out *out)
{
	if (pending->octets.length > 0)
		convert(pending->charset, pending->octets.at, pending->octets.length, out);
	pending->octets.length = 0;
}

static bool
same_charset(struct mime_text a, struct mime_text b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

/* RFC 2047 4.2: "_" is a blank; the rest is quoted-printable, without line ends. */
static void
decode_word(const struct word *word, struct mime_out *octets)
{
	struct mime_decoder decoder;
	char *room = mime_out_room(octets, MIME_DECODED_MAX(word->text.length) + 8);
	size_t used;

	if (room == NULL)
		return;
	mime_decoder_open(&decoder, word->base64 ? MIME_BASE64 : MIME_QUOTED_PRINTABLE);
	if (word->base64) {
		octets->length += mime_decode(&decoder, word->text.at, word->text.length, room);
		return;
	}
	used = 0;
	for (size_t i = 0; i < word->text.length; i++) {
		char c = word->text.at[i];

		/* Blanks are no line's last here. */
		if (c == '_' || is_space(c)) {
			used += mime_decode_end(&decoder, room + used);
			room[used++] = ' ';
		} else {
			used += mime_decode(&decoder, &c, 1, room + used);
		}
	}
	used += mime_decode_end(&decoder, room + used);
	octets->length += used;
}

/* Text that is in no encoded-word: unfolded. */
static void
put_plain(const char *at, size_t length, struct mime_out *out)
{
	static const struct mime_text none = {NULL, 0};
	size_t begin = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && at[i] != '\r' && at[i] != '\n')
			continue;
		convert(none, at + begin, i - begin, out);
		begin = i + 1;
	}
}

/* Where the next "=?" begins, or the end. */
static const char *
next_mark(const char *at, const char *end)
{
	const char *mark = memmem(at, (size_t)(end - at), "=?", 2);

	return mark == NULL ? end : mark;
}

static bool
is_blank(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at == end;
}

void
mime_decode_words(struct mime_text value, struct mime_out *out)
{
	const char *at = value.at, *end, *plain = at;
	struct pending pending = {.octets = {0}};
	bool after_word = false;
	struct word word;

	if (value.length == 0) /* the pointer may be NULL */
		return;
	end = at + value.length;
	for (at = next_mark(at, end); at < end; at = next_mark(at, end)) {
		if (!read_word(at, end, &word)) {
			at += 2;
			continue;
		}
		/* Blanks between two encoded-words are no text (RFC 2047 6.2). */
		if (!after_word || !is_blank(plain, at)) {
			flush(&pending, out);
			put_plain(plain, (size_t)(at - plain), out);
		} else if (!same_charset(pending.charset, word.charset)) {
			flush(&pending, out);
		}
		pending.charset = word.charset;
		decode_word(&word, &pending.octets);
		at += word.length;
		plain = at;
		after_word = true;
	}
	flush(&pending, out);
	put_plain(plain, (size_t)(end - plain), out);
	out->failed |= pending.octets.failed;
	mime_out_free(&pending.octets);
}

void
mime_decode_parameter(struct mime_text attribute, struct mime_text value, struct mime_out *out)
{
	struct mime_out octets = {0};
	const char *first, *second = NULL;
	struct mime_text text = value;

	if (attribute.length == 0 || attribute.at[attribute.length - 1] != '*' ||
	    value.length == 0) {
		mime_decode_words(value, out);
		return;
	}
	first = memchr(value.at, '\'', value.length);
	if (first != NULL)
		second = memchr(first + 1, '\'', value.length - (size_t)(first + 1 - value.at));
	if (second != NULL) {
		text.at = second + 1;
		text.length = value.length - (size_t)(text.at - value.at);
		value.length = (size_t)(first - value.at);
	} else {
		value.length = 0;
	}
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];

		if (c == '%' && i + 2 < text.length && ascii_hex_value(text.at[i + 1]) >= 0 &&
		    ascii_hex_value(text.at[i + 2]) >= 0) {
			c = (char)(ascii_hex_value(text.at[i + 1]) << 4 |
				   ascii_hex_value(text.at[i + 2]));
			i += 2;
		}
		mime_out_char(&octets, c);
	}
	convert(value, octets.at, octets.length, out);
	out->failed |= octets.failed;
	mime_out_free(&octets);
}
