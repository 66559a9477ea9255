/* SPDX-License-Identifier: ISC */
#include "common/mime/structure.h"

#include <stdlib.h>
#include <string.h>

#include "common/mime/content.h"

/* A multipart that is not at its end. */
struct open {
	uint32_t part;
	uint32_t last; /* its last child; 0: none yet */
	size_t boundary_length;
	char boundary[MIME_BOUNDARY_MAX];
};

struct parser {
	struct mime_message *message;
	uint32_t room;    /* parts there is room for */
	uint32_t current; /* what a line belongs to */
	bool in_header;
	bool full;                        /* MIME_PARTS_MAX: boundaries are text now */
	struct open open[MIME_DEPTH_MAX]; /* outermost first */
	size_t open_count;
	size_t lines; /* line ends so far */
};

static const struct mime_text text_word = {"text", 4}, plain_word = {"plain", 5};
static const struct mime_text message_word = {"message", 7}, rfc822_word = {"rfc822", 6};

bool
mime_is_type(const struct mime_part *part, const char *type, const char *subtype)
{
	return mime_is(part->type, type) && (subtype == NULL || mime_is(part->subtype, subtype));
}

struct mime_text
mime_header_of(const struct mime_message *message, uint32_t part)
{
	const struct mime_part *at = &message->parts[part];

	return (struct mime_text){message->bytes + at->header, at->body - at->header};
}

struct mime_text
mime_body_of(const struct mime_message *message, uint32_t part)
{
	const struct mime_part *at = &message->parts[part];

	return (struct mime_text){message->bytes + at->body, at->end - at->body};
}

/* A part whose header begins at HEADER; behind LAST (its elder sibling) or as first child. */
static int
add_part(struct parser *parser, uint32_t parent, uint32_t last, size_t header)
{
	struct mime_message *message = parser->message;
	uint32_t new = message->count;

	if (new == parser->room) {
		uint32_t room = parser->room == 0 ? 4 : parser->room * 2;
		struct mime_part *parts = realloc(message->parts, room * sizeof(*parts));

		if (parts == NULL)
			return -1;
		message->parts = parts;
		parser->room = room;
	}
	message->parts[new] =
	    (struct mime_part){.header = header, .body = header, .parent = parent};
	if (new > 0) {
		message->parts[new].depth = (uint16_t)(message->parts[parent].depth + 1);
		if (last != 0)
			message->parts[last].next = new;
		else
			message->parts[parent].child = new;
	}
	message->count++;
	parser->full = message->count >= MIME_PARTS_MAX;
	parser->current = new;
	parser->in_header = true;
	return 0;
}

static enum mime_encoding
read_encoding(struct mime_text value)
{
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} encodings[] = {
	    {"7bit", MIME_7BIT},
	    {"8bit", MIME_8BIT},
	    {"binary", MIME_BINARY},
	    {"base64", MIME_BASE64},
	    {"quoted-printable", MIME_QUOTED_PRINTABLE},
	};
	struct mime_text type, none;

	/* A token, and maybe a comment: read as a type without its second half. */
	(void)mime_read_type(value, &type, &none);
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		if (mime_is(type, encodings[i].name))
			return encodings[i].encoding;
	}
	return MIME_OTHER_ENCODING;
}

/* 1: it has a boundary, which is remembered; 0: it has none; -1: no memory. */
static int
open_multipart(struct parser *parser, struct mime_text content_type)
{
	struct mime_parameters parameters;
	const struct mime_parameter *boundary;
	struct open *open = &parser->open[parser->open_count];
	bool escaped;
	int result = 0;

	if (mime_read_parameters(content_type, &parameters) == -1)
		return -1;
	boundary = mime_parameter(&parameters, "boundary", &escaped);
	if (boundary != NULL && boundary->value.length > 0) {
		*open = (struct open){.part = parser->current};
		open->boundary_length = boundary->value.length < MIME_BOUNDARY_MAX
					    ? boundary->value.length
					    : MIME_BOUNDARY_MAX;
		memcpy(open->boundary, boundary->value.at, open->boundary_length);
		parser->open_count++;
		result = 1;
	}
	mime_parameters_free(&parameters);
	return result;
}

/* What the header says of type and encoding; the value of Content-Type. */
static struct mime_text
read_header(struct parser *parser)
{
	struct mime_part *part = &parser->message->parts[parser->current];
	struct mime_text header = mime_header_of(parser->message, parser->current);
	struct mime_text content_type = {NULL, 0};
	struct mime_field field;
	bool encoded = false;
	size_t at = 0;

	while (mime_next_field(header.at, header.length, &at, &field)) {
		if (content_type.at == NULL && mime_is(field.name, "content-type")) {
			content_type = field.value;
		} else if (!encoded && mime_is(field.name, "content-transfer-encoding")) {
			part->encoding = read_encoding(field.value);
			encoded = true;
		}
	}
	part->typed =
	    content_type.at != NULL && mime_read_type(content_type, &part->type, &part->subtype);
	if (part->typed)
		return content_type;
	part->type = text_word;
	part->subtype = plain_word;
	if (content_type.at == NULL && parser->current != 0 &&
	    mime_is_type(&parser->message->parts[part->parent], "multipart", "digest")) {
		part->type = message_word;
		part->subtype = rfc822_word;
	}
	return content_type;
}

static bool
is_message(const struct mime_part *part)
{
	return mime_is_type(part, "message", "rfc822") || mime_is_type(part, "message", "global");
}

/*
 * The current part's header ends at BODY: what it says decides what its body is. A message in it
 * begins there. -1: no memory.
 */
static int
end_header(struct parser *parser, size_t body)
{
	uint32_t current = parser->current;
	struct mime_part *part = &parser->message->parts[current];
	bool multipart, may_open;
	struct mime_text content_type;

	part->body = body;
	part->lines = parser->lines; /* made a difference when it ends */
	parser->in_header = false;
	content_type = read_header(parser);
	multipart = mime_is(part->type, "multipart");
	may_open = part->depth < MIME_DEPTH_MAX - 1 && !parser->full;
	part->too_deep = !may_open && (multipart || is_message(part));
	if (multipart && may_open) {
		int opened = open_multipart(parser, content_type);

		if (opened == 1)
			part->kind = MIME_MULTIPART;
		return opened == -1 ? -1 : 0;
	}
	/* RFC 2046 5.2.1: only these encodings; a message in base64 is not one that can be read. */
	if (!is_message(part) || !may_open || part->encoding > MIME_BINARY)
		return 0;
	part->kind = MIME_MESSAGE;
	return add_part(parser, current, 0, body);
}

/* Everything from the current part up to (not with) UNTIL ends at END, LINES line ends into it. */
static void
close_parts(struct parser *parser, uint32_t until, bool also_until, size_t end, size_t lines)
{
	uint32_t at = parser->current;

	for (;;) {
		struct mime_part *part = &parser->message->parts[at];

		if (at == until && !also_until)
			break;
		/* Its header's line end is its own; and what it is in has all of it. */
		if (end < part->body) {
			end = part->body;
			lines = part->lines;
		}
		part->end = end;
		part->lines = lines - part->lines;
		if (at == until)
			break;
		at = part->parent;
	}
	parser->current = until;
}

/*
 * Which open multipart a line begins the boundary of: the longest that fits, the innermost of two
 * that are the same. NULL: none.
 */
static struct open *
find_boundary(struct parser *parser, const char *line, size_t length)
{
	struct open *best = NULL;

	if (length < 3 || line[0] != '-' || line[1] != '-' || parser->full)
		return NULL;
	for (size_t i = parser->open_count; i > 0; i--) {
		struct open *open = &parser->open[i - 1];

		if (open->boundary_length <= length - 2 &&
		    (best == NULL || open->boundary_length > best->boundary_length) &&
		    memcmp(line + 2, open->boundary, open->boundary_length) == 0)
			best = open;
	}
	return best;
}

/* A header that ends without an empty line, before AT. */
static int
break_header(struct parser *parser, size_t at)
{
	while (parser->in_header) {
		if (end_header(parser, at) == -1)
			return -1;
	}
	return 0;
}

/* At a boundary line [AT, NEXT) of OPEN: what is inside ends, and the next part begins. */
static int
take_boundary(struct parser *parser, const struct open *open, size_t at, size_t next)
{
	const char *bytes = parser->message->bytes;
	uint32_t multipart = open->part;
	size_t index = (size_t)(open - parser->open), behind = at + 2 + open->boundary_length;
	size_t end = at, lines = parser->lines;

	/* The line end in front belongs to the boundary (RFC 2046 5.1.1). */
	if (end > 0) {
		end--;
		lines--;
		if (end > 0 && bytes[end - 1] == '\r')
			end--;
	}
	if (break_header(parser, at) == -1)
		return -1;
	close_parts(parser, multipart, false, end, lines);
	parser->open_count = index + 1;
	if (next - behind >= 2 && bytes[behind] == '-' && bytes[behind + 1] == '-') {
		parser->open_count = index; /* what follows is nobody's, up to an outer one */
		return 0;
	}
	if (parser->full) /* by what the broken header opened */
		return 0;
	if (add_part(parser, multipart, open->last, next) == -1)
		return -1;
	parser->open[index].last = parser->current;
	return 0;
}

static bool
is_empty_line(const char *line, size_t length)
{
	return (length == 1 && line[0] == '\n') ||
	       (length == 2 && line[0] == '\r' && line[1] == '\n');
}

static int
take_line(struct parser *parser, size_t at, size_t next)
{
	const char *line = parser->message->bytes + at;
	struct open *open = find_boundary(parser, line, next - at);
	bool terminated = line[next - at - 1] == '\n';

	if (open != NULL && take_boundary(parser, open, at, next) == -1)
		return -1;
	parser->lines += terminated;
	if (open == NULL && parser->in_header && is_empty_line(line, next - at))
		return end_header(parser, next);
	return 0;
}

static int
parse(struct parser *parser)
{
	struct mime_message *message = parser->message;
	size_t at = 0;

	if (add_part(parser, 0, 0, 0) == -1)
		return -1;
	while (at < message->length) {
		const char *end = memchr(message->bytes + at, '\n', message->length - at);
		size_t next = end == NULL ? message->length : (size_t)(end - message->bytes) + 1;

		if (take_line(parser, at, next) == -1)
			return -1;
		at = next;
	}
	if (break_header(parser, message->length) == -1)
		return -1;
	close_parts(parser, 0, true, message->length, parser->lines);
	return 0;
}

int
mime_parse(const char *bytes, size_t length, struct mime_message *message)
{
	struct parser *parser = calloc(1, sizeof(*parser));
	int result;

	/* No octets may be NULL, which no offset may be added to. */
	*message = (struct mime_message){.bytes = length == 0 ? "" : bytes, .length = length};
	if (parser == NULL)
		return -1;
	parser->message = message;
	result = parse(parser);
	free(parser);
	if (result == -1)
		mime_free(message);
	return result;
}

void
mime_free(struct mime_message *message)
{
	free(message->parts);
	message->parts = NULL;
	message->count = 0;
}
