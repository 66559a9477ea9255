/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/content.h"

#include <event2/buffer.h>
#include <string.h>

#define DECODE_PIECE 16384 /* encoded octets at a time */

enum store_result
content_open(struct content *content, struct store *store, int64_t message, struct error *err)
{
	enum store_result result;

	if (content->message == message)
		return STORE_OK;
	content_close(content);
	result = store_body_open(store, message, &content->body, err);
	if (result != STORE_OK)
		return result;
	content->bytes = store_body_map(content->body, &content->length, err);
	if (content->bytes == NULL) {
		content_close(content);
		return STORE_DAMAGED;
	}
	content->message = message;
	return STORE_OK;
}

int
content_parse(struct content *content)
{
	if (content->mime.count > 0)
		return 0;
	return mime_parse(content->bytes, content->length, &content->mime);
}

void
content_close(struct content *content)
{
	if (content->mime.count > 0)
		mime_free(&content->mime);
	store_body_close(content->body);
	memset(content, 0, sizeof(*content));
}

struct mime_text
content_header(const struct content *content)
{
	struct mime_text header = {content->bytes, 0};
	struct mime_field field;

	while (mime_next_field(content->bytes, content->length, &header.length, &field))
		;
	return header;
}

/*
 * -- Octets -----------------------------------------------------------------------
 */

void
octets_plain(struct octets *octets, struct mime_text text, uint64_t offset, uint64_t count)
{
	if (offset > text.length)
		offset = text.length;
	octets->text.at = text.at + offset;
	octets->text.length = text.length - (size_t)offset;
	if (octets->text.length > count)
		octets->text.length = (size_t)count;
	octets->decode = false;
}

uint64_t
octets_decoded(struct octets *octets, struct mime_text text, enum mime_encoding encoding,
	       uint64_t offset, uint64_t count)
{
	uint64_t size = mime_decoded_size(text, encoding);

	octets->text = text;
	octets->decode = true;
	mime_decoder_open(&octets->decoder, encoding);
	octets->skip = offset < size ? offset : size;
	octets->left = size - octets->skip;
	if (octets->left > count)
		octets->left = count;
	return octets->left;
}

uint64_t
octets_left(const struct octets *octets)
{
	return octets->decode ? octets->left : octets->text.length;
}

static int
write_plain(struct octets *octets, struct evbuffer *out, size_t some)
{
	size_t length = octets->text.length < some ? octets->text.length : some;

	if (evbuffer_add(out, octets->text.at, length) == -1)
		return -1;
	octets->text.at += length;
	octets->text.length -= length;
	return octets->text.length == 0;
}

/* What of LENGTH decoded octets the client wants. */
static int
pass(struct octets *octets, struct evbuffer *out, const char *decoded, size_t length)
{
	if (octets->skip >= length) {
		octets->skip -= length;
		return 0;
	}
	decoded += octets->skip;
	length -= (size_t)octets->skip;
	octets->skip = 0;
	if (length > octets->left)
		length = (size_t)octets->left;
	octets->left -= length;
	return evbuffer_add(out, decoded, length);
}

static int
write_decoded(struct octets *octets, struct evbuffer *out, size_t some)
{
	char decoded[MIME_DECODED_MAX(DECODE_PIECE)];

	for (size_t done = 0; octets->left > 0 && done < some; done += DECODE_PIECE) {
		size_t length =
		    octets->text.length < DECODE_PIECE ? octets->text.length : DECODE_PIECE;
		size_t n = length > 0
			       ? mime_decode(&octets->decoder, octets->text.at, length, decoded)
			       : mime_decode_end(&octets->decoder, decoded);

		octets->text.at += length;
		octets->text.length -= length;
		if (pass(octets, out, decoded, n) == -1)
			return -1;
		/* The size was counted with the same decoder: nothing can be left. */
		if (length == 0)
			return octets->left == 0 ? 1 : -1;
	}
	return octets->left == 0;
}

int
octets_write(struct octets *octets, struct evbuffer *out, size_t some)
{
	return octets->decode ? write_decoded(octets, out, some) : write_plain(octets, out, some);
}

void
octets_free(struct octets *octets)
{
	mime_out_free(&octets->made);
	memset(octets, 0, sizeof(*octets));
}
