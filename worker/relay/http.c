/* SPDX-License-Identifier: ISC */
#include "worker/relay/http.h"

#include <string.h>
#include <strings.h>

void
http_start(struct http_response *r)
{
	memset(r, 0, sizeof(*r));
}

static bool
fail(struct http_response *r, const char *why)
{
	r->state = HTTP_FAILED;
	r->why = why;
	return false;
}

/* -- Lines --------------------------------------------------------------------------------------
 */

/* "HTTP/1.1 200 OK" (RFC 9112 4). */
static bool
take_status(struct http_response *r)
{
	const char *line = r->line;

	if (strncmp(line, "HTTP/1.", 7) != 0 || line[7] < '0' || line[7] > '9' || line[8] != ' ')
		return fail(r, "the server does not speak HTTP/1.1");
	r->code = 0;
	for (size_t i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return fail(r, "the server does not speak HTTP/1.1");
		r->code = r->code * 10 + (unsigned)(line[i] - '0');
	}
	/* 1xx: the response proper comes behind it (RFC 9110 15.2). */
	if (r->code != 200 && r->code / 100 != 1)
		return fail(r, "the status is not 200");
	r->state = HTTP_FIELDS;
	return true;
}

/* Is VALUE this word, or this word with parameters? */
static bool
is_word(const char *value, const char *word)
{
	size_t length = strlen(word);

	return strncasecmp(value, word, length) == 0 &&
	       (value[length] == '\0' || strchr("; \t", value[length]) != NULL);
}

static bool
field_type(struct http_response *r, const char *value)
{
	r->text = is_word(value, "text/plain");
	return true;
}

static bool
field_length(struct http_response *r, const char *value)
{
	uint64_t length = 0;
	size_t i = 0;

	for (; value[i] >= '0' && value[i] <= '9' && length <= HTTP_BODY_MAX; i++)
		length = length * 10 + (uint64_t)(value[i] - '0');
	if (length > HTTP_BODY_MAX)
		return fail(r, "the body is too long");
	if (i == 0 || value[i] != '\0' || (r->measured && r->left != length))
		return fail(r, "Content-Length is no number");
	r->measured = true;
	r->left = length;
	return true;
}

static bool
field_coding(struct http_response *r, const char *value)
{
	if (r->chunked || strcasecmp(value, "chunked") != 0)
		return fail(r, "a transfer coding that was not asked for");
	r->chunked = true;
	return true;
}

static bool
field_content_coding(struct http_response *r, const char *value)
{
	return strcasecmp(value, "identity") == 0 ||
	       fail(r, "a content coding that was not asked for");
}

static const struct {
	const char *name;
	bool (*take)(struct http_response *, const char *value);
} fields[] = {
    {"content-type", field_type},
    {"content-length", field_length},
    {"transfer-encoding", field_coding},
    {"content-encoding", field_content_coding},
};

/* The empty line: how the body comes (RFC 9112 6.3). */
static bool
end_head(struct http_response *r)
{
	if (r->code / 100 == 1) {
		size_t head = r->head;

		http_start(r);
		r->head = head;
		return true;
	}
	if (!r->text)
		return fail(r, "it is not text/plain");
	/* Both is how requests are smuggled (6.1). */
	if (r->chunked && r->measured)
		return fail(r, "both Content-Length and chunked");
	if (r->chunked)
		r->state = HTTP_CHUNK;
	else if (!r->measured)
		r->state = HTTP_TO_END;
	else
		r->state = r->left == 0 ? HTTP_OVER : HTTP_LENGTH;
	return true;
}

static bool
take_field(struct http_response *r)
{
	char *value = strchr(r->line, ':');
	size_t name, end;

	if (r->line[0] == '\0')
		return end_head(r);
	/* No folding, no space in front of the colon (RFC 9112 5.1, 5.2). */
	name = strcspn(r->line, " \t:");
	if (value == NULL || name == 0 || r->line[name] != ':')
		return fail(r, "a header field has no name");
	value += 1 + strspn(value + 1, " \t");
	for (end = strlen(value); end > 0 && strchr(" \t", value[end - 1]) != NULL; end--)
		value[end - 1] = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) == name &&
		    strncasecmp(fields[i].name, r->line, name) == 0)
			return fields[i].take(r, value);
	}
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9112 7.1: the size in hex, and extensions that mean nothing here. */
static bool
take_chunk(struct http_response *r)
{
	size_t i = 0;

	r->left = 0;
	for (; hex_digit(r->line[i]) >= 0 && r->left <= HTTP_BODY_MAX; i++)
		r->left = r->left * 16 + (uint64_t)hex_digit(r->line[i]);
	if (r->left > HTTP_BODY_MAX)
		return fail(r, "the body is too long");
	if (i == 0 || (r->line[i] != '\0' && strchr("; \t", r->line[i]) == NULL))
		return fail(r, "a chunk without a size");
	r->state = r->left == 0 ? HTTP_TRAILER : HTTP_DATA;
	return true;
}

static bool
take_behind(struct http_response *r)
{
	if (r->line[0] != '\0')
		return fail(r, "a chunk is longer than it says");
	r->state = HTTP_CHUNK;
	return true;
}

static bool
take_trailer(struct http_response *r)
{
	if (r->line[0] == '\0')
		r->state = HTTP_OVER;
	return true;
}

/* The states whose octets are lines. */
static bool (*const take_line[HTTP_STATES])(struct http_response *) = {
    [HTTP_STATUS] = take_status, [HTTP_FIELDS] = take_field,    [HTTP_CHUNK] = take_chunk,
    [HTTP_BEHIND] = take_behind, [HTTP_TRAILER] = take_trailer,
};

static bool
line_octet(struct http_response *r, char c)
{
	if (++r->head > HTTP_HEAD_MAX)
		return fail(r, "the header does not end");
	if (c != '\n') {
		if (c == '\0')
			return fail(r, "a NUL in the header");
		if (r->column < sizeof(r->line) - 1)
			r->line[r->column++] = c;
		return true;
	}
	if (r->column > 0 && r->line[r->column - 1] == '\r')
		r->column--;
	r->line[r->column] = '\0';
	r->column = 0;
	return take_line[r->state](r);
}

/* -- The body -----------------------------------------------------------------------------------
 */

/* Returns how many octets were taken; 0 at a failure. */
static size_t
body_octets(struct http_response *r, const char *data, size_t length)
{
	bool told = r->state != HTTP_TO_END;

	if (told && length > r->left)
		length = (size_t)r->left;
	if (length > sizeof(r->body) - r->length) {
		(void)fail(r, "the body is too long");
		return 0;
	}
	memcpy(r->body + r->length, data, length);
	r->length += length;
	if (!told)
		return length;
	r->left -= length;
	if (r->left == 0)
		r->state = r->state == HTTP_DATA ? HTTP_BEHIND : HTTP_OVER;
	return length;
}

static enum http_result
result_of(const struct http_response *r)
{
	if (r->state == HTTP_FAILED)
		return HTTP_BAD;
	return r->state == HTTP_OVER ? HTTP_DONE : HTTP_MORE;
}

enum http_result
http_feed(struct http_response *r, const char *data, size_t length)
{
	while (length > 0 && result_of(r) == HTTP_MORE) {
		size_t used = 1;

		if (take_line[r->state] != NULL)
			(void)line_octet(r, *data);
		else
			used = body_octets(r, data, length);
		data += used;
		length -= used;
	}
	return result_of(r);
}

enum http_result
http_end(struct http_response *r, bool cleanly)
{
	/* Where only the end says that it is whole, anybody could cut it. */
	if (r->state == HTTP_TO_END && cleanly)
		r->state = HTTP_OVER;
	else if (result_of(r) == HTTP_MORE)
		(void)fail(r, "the connection was closed");
	return result_of(r);
}
