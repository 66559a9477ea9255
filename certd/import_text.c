/* SPDX-License-Identifier: ISC */
#include "certd/import_text.h"

#include <string.h>

#include "common/ascii.h"
#include "common/base64.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LOOK 4096 /* bytes that tell text from binary */

static char nothing[1];

/* Characters that no text has; DER is full of them. */
static bool
is_binary(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length && i < LOOK; i++) {
		if (bytes[i] < ' ' && strchr("\t\n\r\f\v\x1a", bytes[i]) == NULL)
			return true;
		if (bytes[i] == '\0')
			return true;
	}
	return false;
}

/* Where the significant byte of each pair is: 0 or 1, or -1 if this isn't UTF-16. */
static int
utf16_low(const uint8_t *bytes, size_t length)
{
	if (length < 4)
		return -1;
	if (bytes[0] == 0xff && bytes[1] == 0xfe)
		return 0;
	if (bytes[0] == 0xfe && bytes[1] == 0xff)
		return 1;
	/* Without a mark: what we look for is ASCII. */
	if (bytes[1] == 0 && bytes[3] == 0 && bytes[0] >= '\t' && bytes[2] >= '\t')
		return 0;
	if (bytes[0] == 0 && bytes[2] == 0 && bytes[1] >= '\t' && bytes[3] >= '\t')
		return 1;
	return -1;
}

static size_t
from_utf16(uint8_t *bytes, size_t length, size_t low)
{
	size_t count = length / 2;

	for (size_t i = 0; i < count; i++) {
		uint8_t high = bytes[2 * i + 1 - low], c = bytes[2 * i + low];

		bytes[i] = high == 0 && c != 0 ? c : '?';
	}
	/* The byte order mark. */
	if (count > 0 && bytes[0] == '?')
		bytes[0] = ' ';
	return count;
}

/* One LF a line, no blanks before it. */
static size_t
tidy_lines(char *text, size_t length)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '\r') {
			c = '\n';
			if (i + 1 < length && text[i + 1] == '\n')
				i++;
		}
		if (c == '\n') {
			while (out > 0 && (text[out - 1] == ' ' || text[out - 1] == '\t'))
				out--;
		}
		text[out++] = c;
	}
	return out;
}

void
pieces_begin(struct pieces *pieces, uint8_t *bytes, size_t length)
{
	int low = utf16_low(bytes, length);

	*pieces = (struct pieces){.line = 1};
	if (low != -1) {
		length = from_utf16(bytes, length, (size_t)low);
	} else if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		memmove(bytes, bytes + 3, length - 3);
		length -= 3;
	}
	pieces->binary = is_binary(bytes, length);
	if (!pieces->binary)
		length = tidy_lines((char *)bytes, length);
	pieces->at = (char *)bytes;
	pieces->end = (char *)bytes + length;
}

static char *
find(const struct pieces *pieces, const char *from, const char *text)
{
	return memmem(from, (size_t)(pieces->end - from), text, strlen(text));
}

/* Goes on to TO, counting lines. */
static void
advance(struct pieces *pieces, char *to)
{
	while (pieces->at < to) {
		if (*pieces->at++ == '\n')
			pieces->line++;
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\v';
}

/* The label after BEGIN or END at TEXT; *AFTER: what follows its dashes. */
static int
take_label(const struct pieces *pieces, char *text, char label[PIECE_LABEL_SIZE], char **after)
{
	char *dashes = find(pieces, text, DASHES);
	size_t length = dashes == NULL ? PIECE_LABEL_SIZE : (size_t)(dashes - text);

	if (length == 0 || length >= PIECE_LABEL_SIZE)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return -1;
		label[i] = text[i];
	}
	label[length] = '\0';
	*after = dashes + strlen(DASHES);
	return 0;
}

/* Only what base64 is made of stays; a padding character is its last. */
static int
decode(struct pieces *pieces, char *end, struct piece *piece, struct error *err)
{
	char *begin = pieces->at;
	size_t length = 0;

	while (pieces->at < end) {
		char c = *pieces->at;

		if (!is_blank(c)) {
			if (!ascii_is_alnum(c) && c != '+' && c != '/' && c != '=')
				return error_set(
				    err,
				    "line %u: a character (0x%02x) that is not base64: "
				    "damaged on the way? Copy it again",
				    pieces->line, (unsigned)(unsigned char)c);
			if (c != '=' && length > 0 && begin[length - 1] == '=')
				return error_set(err,
						 "line %u: base64 goes on after its end: damaged "
						 "on the way? Copy it again",
						 pieces->line);
			begin[length++] = c;
		}
		advance(pieces, pieces->at + 1);
	}
	piece->bytes = (uint8_t *)begin;
	if (length % 4 != 0 ||
	    base64_decode(begin, length, begin, BASE64_DECODED(length), &piece->length) == -1)
		return error_set(
		    err,
		    "line %u: the base64 that ends here is not whole (%zu characters): "
		    "something is missing or too much: copy it again",
		    pieces->line, length);
	return 0;
}

/* "Proc-Type: 4,ENCRYPTED": lines with a colon, up to an empty line or the first without one. */
static void
take_headers(struct pieces *pieces, const char *end, struct piece *piece)
{
	char *at = pieces->at, *after;
	unsigned line = pieces->line;

	piece->headers = nothing;
	while (at < end && is_blank(*at)) {
		line += *at == '\n';
		at++;
	}
	for (after = at; after < end;) {
		char *newline = memchr(after, '\n', (size_t)(end - after));

		if (newline == NULL || memchr(after, ':', (size_t)(newline - after)) == NULL)
			break;
		after = newline + 1;
		line++;
	}
	if (after == at)
		return;
	/* The last line's own end becomes the terminator: its LF has to stay. */
	memmove(at - 1, at, (size_t)(after - at));
	piece->headers = at - 1;
	after[-1] = '\0';
	pieces->at = after;
	pieces->line = line;
}

static int
armoured(struct pieces *pieces, char *begin, struct piece *piece, struct error *err)
{
	char other[PIECE_LABEL_SIZE], *after, *end, *again;

	advance(pieces, begin);
	piece->line = pieces->line;
	if (take_label(pieces, begin + strlen(BEGIN), piece->label, &after) == -1)
		return error_set(err, "line %u: a BEGIN line that is not whole: copy it again",
				 piece->line);
	advance(pieces, after);
	end = find(pieces, after, END);
	again = find(pieces, after, BEGIN);
	if (end == NULL || (again != NULL && again < end))
		return error_set(err,
				 "line %u: %s begins here and has no END line: the file is "
				 "truncated: copy it again",
				 piece->line, piece->label);
	if (take_label(pieces, end + strlen(END), other, &after) == -1 ||
	    strcmp(other, piece->label) != 0)
		return error_set(err,
				 "line %u: %s begins here, but its END line names something "
				 "else: copy it again",
				 piece->line, piece->label);
	take_headers(pieces, end, piece);
	if (decode(pieces, end, piece, err) == -1)
		return -1;
	advance(pieces, after);
	return 1;
}

/* A first line of nothing else, of a length that text has rarely. */
static bool
looks_like_base64(const struct pieces *pieces)
{
	size_t length = 0;

	for (const char *at = pieces->at; at < pieces->end && !is_blank(*at); at++, length++) {
		if (!ascii_is_alnum(*at) && *at != '+' && *at != '/' && *at != '=')
			return false;
	}
	return length >= 48;
}

static int
whole(struct pieces *pieces, struct piece *piece, struct error *err)
{
	bool looks;

	*piece = (struct piece){.headers = nothing};
	if (pieces->binary) {
		piece->bytes = (uint8_t *)pieces->at;
		piece->length = (size_t)(pieces->end - pieces->at);
		pieces->at = pieces->end;
		return 1;
	}
	while (pieces->at < pieces->end && is_blank(*pieces->at))
		advance(pieces, pieces->at + 1);
	if (pieces->at == pieces->end)
		return error_set(err, "is empty");
	piece->line = pieces->line;
	/* Base64 that was damaged later on looks right in its first line. */
	looks = looks_like_base64(pieces);
	if (decode(pieces, pieces->end, piece, err) == 0)
		return 1;
	return looks ? -1
		     : error_set(err, "neither PEM, nor DER, nor base64: is it the right file?");
}

int
pieces_next(struct pieces *pieces, struct piece *piece, struct error *err)
{
	char *begin = pieces->binary ? NULL : find(pieces, pieces->at, BEGIN);
	bool first = !pieces->any;

	pieces->any = true;
	if (begin != NULL) {
		*piece = (struct piece){.headers = nothing};
		return armoured(pieces, begin, piece, err);
	}
	return first ? whole(pieces, piece, err) : 0;
}
