/* SPDX-License-Identifier: ISC */
#include "common/mime/lines.h"

#include <string.h>

#include "common/base64.h"
#include "common/mime/header.h"
#include "common/mime/structure.h"

#define LINE_MAX_OCTETS 998   /* RFC 5322 2.1.1 */
#define BASE64_LINE_OCTETS 57 /* they make 76 characters (RFC 2045 6.8) */
#define BUFFER_SIZE 8192

struct writer {
	mime_lines_fn *put;
	void *arg;
	bool failed;
	size_t used;
	char buffer[BUFFER_SIZE];
};

static void
flush(struct writer *w)
{
	if (!w->failed && w->used > 0 && w->put(w->buffer, w->used, w->arg) == -1)
		w->failed = true;
	w->used = 0;
}

static void
put(struct writer *w, const char *bytes, size_t length)
{
	while (length > 0 && !w->failed) {
		size_t room = BUFFER_SIZE - w->used, part = length < room ? length : room;

		memcpy(w->buffer + w->used, bytes, part);
		w->used += part;
		bytes += part;
		length -= part;
		if (w->used == BUFFER_SIZE)
			flush(w);
	}
}

static void
put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

bool
mime_is_lines(const char *bytes, size_t length)
{
	size_t line = 0;

	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		if (c == '\r' && i + 1 < length && bytes[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		if (c == '\r' || c == '\n' || c == '\0' || ++line > LINE_MAX_OCTETS)
			return false;
	}
	return true;
}

/* With its line ends mended. */
static void
put_mended(struct writer *w, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		if (c == '\r' || c == '\n') {
			put_text(w, "\r\n");
			if (c == '\r' && i + 1 < length && bytes[i + 1] == '\n')
				i++;
		} else {
			put(w, c == '\0' ? "?" : &bytes[i], 1);
		}
	}
}

static void
put_base64(struct writer *w, const char *bytes, size_t length)
{
	char line[BASE64_ENCODED(BASE64_LINE_OCTETS) + 1];

	while (length > 0) {
		size_t part = length < BASE64_LINE_OCTETS ? length : BASE64_LINE_OCTETS;

		put(w, line, base64_encode(bytes, part, line));
		put_text(w, "\r\n");
		bytes += part;
		length -= part;
	}
}

/* The header of a part, with another encoding; of the message itself, so that it counts. */
static void
put_header(struct writer *w, const struct mime_message *message, uint32_t number,
	   const char *encoding)
{
	const struct mime_part *part = &message->parts[number];
	struct mime_field field;
	size_t at = part->header;
	bool mime = number != 0;

	while (mime_next_field(message->bytes, part->body, &at, &field)) {
		if (mime_is(field.name, "content-transfer-encoding"))
			continue;
		mime = mime || mime_is(field.name, "mime-version");
		put_mended(w, field.whole.at, field.whole.length);
	}
	if (!mime)
		put_text(w, "MIME-Version: 1.0\r\n");
	put_text(w, "Content-Transfer-Encoding: ");
	put_text(w, encoding);
	put_text(w, "\r\n\r\n");
}

static bool
is_identity(const struct mime_part *part)
{
	return part->encoding == MIME_7BIT || part->encoding == MIME_8BIT ||
	       part->encoding == MIME_BINARY;
}

/* The part's header, and its body if there are no parts in it. Returns how far that goes. */
static size_t
put_part(struct writer *w, const struct mime_message *message, uint32_t number)
{
	const struct mime_part *part = &message->parts[number];
	const char *body = message->bytes + part->body;
	size_t length = part->end - part->body;
	bool encode = part->kind == MIME_LEAF && is_identity(part) && !mime_is_lines(body, length);

	if (encode)
		put_header(w, message, number, "base64");
	else if (part->encoding == MIME_BINARY)
		put_header(w, message, number, "8bit");
	else
		put_mended(w, message->bytes + part->header, part->body - part->header);
	if (part->kind != MIME_LEAF)
		return part->body;
	if (encode)
		put_base64(w, body, length);
	else
		put_mended(w, body, length);
	return part->end;
}

int
mime_to_lines(const char *bytes, size_t length, mime_lines_fn *sink, void *arg)
{
	struct writer w = {.put = sink, .arg = arg};
	struct mime_message message;
	size_t at = 0;

	if (mime_parse(bytes, length, &message) == -1)
		return -1;
	for (uint32_t i = 0; i < message.count && !w.failed; i++) {
		size_t header = message.parts[i].header;

		if (header > at)
			put_mended(&w, bytes + at, header - at);
		at = put_part(&w, &message, i);
	}
	if (length > at)
		put_mended(&w, bytes + at, length - at);
	flush(&w);
	mime_free(&message);
	return w.failed ? -1 : 0;
}
