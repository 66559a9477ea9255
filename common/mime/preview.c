/* SPDX-License-Identifier: ISC */
#include "common/mime/preview.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "common/ascii.h"
#include "common/mime/charset.h"
#include "common/mime/decode.h"
#include "common/mime/summary.h"

/* How much of a part is looked at: the head of an HTML page says little. */
#define LOOK_MAX ((size_t)64 << 10)
/* Parts to look for text in. */
#define PARTS_MAX 64

/* Collects the text: a blank for each run of them. */
struct sink {
	struct mime_out *out;
	size_t characters;
	bool blank;
};

static void
put(struct sink *sink, const char *at, size_t length)
{
	if (length == 1 && (unsigned char)*at <= ' ') {
		sink->blank = true;
		return;
	}
	if (sink->blank && sink->characters > 0 && sink->characters < MIME_PREVIEW_MAX) {
		mime_out_char(sink->out, ' ');
		sink->characters++;
	}
	sink->blank = false;
	if (sink->characters < MIME_PREVIEW_MAX && *at != 0x7f) {
		mime_out_bytes(sink->out, at, length);
		sink->characters++;
	}
}

/* Octets of the character at AT, of valid UTF-8. */
static size_t
character(const char *at, size_t length)
{
	int count = u8_mblen((const uint8_t *)at, length);

	return count > 0 ? (size_t)count : 1;
}

static void
put_plain(struct sink *sink, struct mime_text text)
{
	size_t at = 0;

	while (at < text.length && sink->characters < MIME_PREVIEW_MAX) {
		const char *end = memchr(text.at + at, '\n', text.length - at);
		size_t next = end == NULL ? text.length : (size_t)(end - text.at) + 1;

		if (text.at[at] == '>') {
			at = next;
			continue;
		}
		while (at < next && sink->characters < MIME_PREVIEW_MAX) {
			size_t length = character(text.at + at, next - at);

			put(sink, text.at + at, length);
			at += length;
		}
	}
}

/* "&amp;" at AT; returns how long it is, 0 if it is none. */
static size_t
put_entity(struct sink *sink, const char *at, size_t length)
{
	static const struct {
		const char *name, *text;
	} entities[] = {{"amp;", "&"},  {"lt;", "<"},    {"gt;", ">"},     {"quot;", "\""},
			{"apos;", "'"}, {"nbsp;", " "},  {"auml;", "ä"},   {"ouml;", "ö"},
			{"uuml;", "ü"}, {"szlig;", "ß"}, {"eacute;", "é"}, {"euro;", "€"}};
	uint8_t octets[6];
	unsigned long number;
	char digits[12];
	size_t end = 1;
	int count;

	while (end < length && end < sizeof(digits) && at[end] != ';')
		end++;
	if (end == length || at[end] != ';')
		return 0;
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
		if (strlen(entities[i].name) == end && memcmp(at + 1, entities[i].name, end) == 0) {
			put(sink, entities[i].text, strlen(entities[i].text));
			return end + 1;
		}
	}
	if (at[1] != '#' || end < 3)
		return 0;
	memcpy(digits, at + 2, end - 2);
	digits[end - 2] = '\0';
	number = ascii_lower(digits[0]) == 'x' ? strtoul(digits + 1, NULL, 16)
					       : strtoul(digits, NULL, 10);
	count = number > 0x10ffff ? -1 : u8_uctomb(octets, (ucs4_t)number, sizeof(octets));
	if (count > 0)
		put(sink, (const char *)octets, (size_t)count);
	return end + 1;
}

static bool
starts(const char *at, size_t length, const char *word)
{
	return length >= strlen(word) && strncasecmp(at, word, strlen(word)) == 0;
}

/* Behind what ends with WORD, or the end. */
static size_t
behind(struct mime_text text, size_t at, const char *word)
{
	for (; at < text.length; at++) {
		if (starts(text.at + at, text.length - at, word))
			return at + strlen(word);
	}
	return text.length;
}

/* Behind a tag, a comment, or an element whose content nobody reads. */
static size_t
skip_tag(struct mime_text text, size_t at)
{
	static const char *const unread[][2] = {{"<!--", "-->"},
						{"<style", "</style>"},
						{"<script", "</script>"},
						{"<title", "</title>"},
						{"<blockquote", "</blockquote>"}};

	for (size_t i = 0; i < sizeof(unread) / sizeof(*unread); i++) {
		if (starts(text.at + at, text.length - at, unread[i][0]))
			return behind(text, at, unread[i][1]);
	}
	return behind(text, at, ">");
}

static void
put_html(struct sink *sink, struct mime_text text)
{
	size_t at = 0;

	while (at < text.length && sink->characters < MIME_PREVIEW_MAX) {
		size_t length = 0;

		if (text.at[at] == '<') {
			/* "<b>" is within a word, "<p>" is not; a blank too many does no harm. */
			sink->blank = true;
			at = skip_tag(text, at);
			continue;
		}
		if (text.at[at] == '&')
			length = put_entity(sink, text.at + at, text.length - at);
		if (length == 0) {
			length = character(text.at + at, text.length - at);
			put(sink, text.at + at, length);
		}
		at += length;
	}
}

static void
preview_part(const struct mime_message *message, uint32_t part, bool html, struct mime_out *out)
{
	struct mime_text body = mime_body_of(message, part);
	struct sink sink = {.out = out};
	struct mime_out octets = {0}, utf8 = {0};
	struct mime_decoder decoder;
	struct mime_charset charset;
	char *room;

	if (body.length > LOOK_MAX)
		body.length = LOOK_MAX;
	room = mime_out_room(&octets, MIME_DECODED_MAX(body.length));
	if (room == NULL || mime_charset_of(mime_header_of(message, part), &charset) == -1) {
		out->failed = true;
	} else {
		mime_decoder_open(&decoder, message->parts[part].encoding);
		octets.length = mime_decode(&decoder, body.at, body.length, room);
		(void)mime_charset_convert(&charset, room, octets.length, false, &utf8);
		if (html)
			put_html(&sink, (struct mime_text){utf8.at, utf8.length});
		else
			put_plain(&sink, (struct mime_text){utf8.at, utf8.length});
		out->failed |= utf8.failed;
	}
	mime_out_free(&octets);
	mime_out_free(&utf8);
}

static bool
is_attachment(const struct mime_message *message, uint32_t part)
{
	struct mime_text header = mime_header_of(message, part), value;

	return mime_find_field(header.at, header.length, "content-disposition", &value) &&
	       starts(value.at, value.length, "attachment");
}

void
mime_preview(const struct mime_message *message, struct mime_out *out)
{
	static const char *const subtypes[] = {"plain", "html"};
	uint32_t count = message->count < PARTS_MAX ? message->count : PARTS_MAX;

	for (size_t html = 0; html < 2; html++) {
		for (uint32_t i = 0; i < count; i++) {
			const struct mime_part *part = &message->parts[i];
			size_t before = out->length;

			if (part->kind != MIME_LEAF ||
			    !mime_is_type(part, "text", subtypes[html]) ||
			    is_attachment(message, i))
				continue;
			preview_part(message, i, html == 1, out);
			if (out->length > before || out->failed)
				return;
		}
	}
}
