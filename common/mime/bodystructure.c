/* SPDX-License-Identifier: ISC */
/* BODY and BODYSTRUCTURE (RFC 9051 7.5.2). */
#include <stdlib.h>
#include <string.h>

#include "common/mime/content.h"
#include "common/mime/render.h"

enum field { TYPE, ENCODING, ID, DESCRIPTION, MD5, DISPOSITION, LANGUAGE, LOCATION, FIELDS };

static const char *const field_names[FIELDS] = {
    [TYPE] = "content-type",
    [ENCODING] = "content-transfer-encoding",
    [ID] = "content-id",
    [DESCRIPTION] = "content-description",
    [MD5] = "content-md5",
    [DISPOSITION] = "content-disposition",
    [LANGUAGE] = "content-language",
    [LOCATION] = "content-location",
};

struct render {
	const struct mime_message *message;
	struct mime_out *out;
	bool extension;
};

static void
read_fields(struct mime_text header, struct mime_text *fields)
{
	struct mime_field field;
	size_t at = 0;

	memset(fields, 0, FIELDS * sizeof(*fields));
	while (mime_next_field(header.at, header.length, &at, &field)) {
		if (field.name.length < 10 ||
		    !mime_is((struct mime_text){field.name.at, 8}, "content-"))
			continue;
		for (size_t i = 0; i < FIELDS; i++) {
			if (fields[i].at == NULL && mime_is(field.name, field_names[i]))
				fields[i] = field.value;
		}
	}
}

static bool
is_full(const struct render *render, size_t more)
{
	return render->out->length + more > MIME_RENDER_MAX;
}

/* A constant, or what was cut out of a value that has no line ends. */
static void
put(struct render *render, const char *before, struct mime_text text)
{
	mime_out_text(render->out, before);
	if (is_full(render, text.length))
		text.length = 0;
	mime_out_nstring(render->out, text);
}

/* A field's value, unfolded; NIL if it is not there. */
static void
put_value(struct render *render, struct mime_text value)
{
	char *room;

	mime_out_char(render->out, ' ');
	if (value.at == NULL || is_full(render, value.length)) {
		mime_out_text(render->out, "NIL");
		return;
	}
	room = malloc(value.length + 1);
	render->out->failed |= room == NULL;
	if (room == NULL)
		return;
	value.length = mime_unfold(value, room);
	value.at = room;
	mime_out_nstring(render->out, value);
	free(room);
}

/* body-fld-param: the parameters behind a value's first word. */
static void
put_parameters(struct render *render, struct mime_text value)
{
	struct mime_parameters parameters;
	bool any = false;

	mime_out_char(render->out, ' ');
	if (mime_read_parameters(value, &parameters) == -1)
		render->out->failed = true;
	for (size_t i = 0; i < parameters.count; i++) {
		const struct mime_parameter *one = &parameters.list[i];

		if (is_full(render, one->attribute.length + one->value.length))
			break;
		put(render, any ? " " : "(", one->attribute);
		/* The pointer of an empty value may be NULL. */
		put(render, " ", one->value.length > 0 ? one->value : (struct mime_text){"", 0});
		any = true;
	}
	mime_out_text(render->out, any ? ")" : "NIL");
	mime_parameters_free(&parameters);
}

/* body-fld-dsp */
static void
put_disposition(struct render *render, struct mime_text value)
{
	struct mime_words words = {.rest = value};
	struct mime_text word = {NULL, 0};
	char *room = value.length == 0 ? NULL : malloc(value.length);

	words.room = room;
	render->out->failed |= room == NULL && value.length > 0;
	if (room == NULL || !mime_next_word(&words, &word) || is_full(render, word.length)) {
		mime_out_text(render->out, " NIL");
	} else {
		put(render, " (", word);
		put_parameters(render, value);
		mime_out_char(render->out, ')');
	}
	free(room);
}

/* body-fld-lang: one tag, or a list of them (RFC 3282). */
static void
put_languages(struct render *render, struct mime_text value)
{
	struct mime_words words = {.rest = value};
	struct mime_text word;
	char *room = value.length == 0 ? NULL : malloc(value.length);
	bool any = false;

	words.room = room;
	render->out->failed |= room == NULL && value.length > 0;
	while (room != NULL && !is_full(render, value.length) && mime_next_word(&words, &word)) {
		put(render, any ? " " : " (", word);
		any = true;
		if (!mime_take(&words, ','))
			break;
	}
	mime_out_text(render->out, any ? ")" : " NIL");
	free(room);
}

static void
put_extension(struct render *render, const struct mime_text *fields)
{
	put_disposition(render, fields[DISPOSITION]);
	put_languages(render, fields[LANGUAGE]);
	put_value(render, fields[LOCATION]);
}

/* body-fld-enc: the word as it is written. */
static void
put_encoding(struct render *render, struct mime_text value)
{
	struct mime_text word, none;

	(void)mime_read_type(value, &word, &none);
	if (word.length == 0 || word.length > 100)
		word = (struct mime_text){"7bit", 4};
	put(render, " ", word);
}

static void
put_number(struct render *render, size_t number)
{
	mime_out_char(render->out, ' ');
	mime_out_number(render->out, number);
}

static void put_part(struct render *, uint32_t part);

/*
 * A message that was not opened can't say what its envelope is, and message/rfc822 without one
 * would be no BODYSTRUCTURE: then it is octets.
 */
static bool
looks_like_message(const struct mime_part *part)
{
	return part->kind != MIME_MESSAGE &&
	       (mime_is_type(part, "message", "rfc822") || mime_is_type(part, "message", "global"));
}

static void
put_leaf(struct render *render, uint32_t index)
{
	const struct mime_part *part = &render->message->parts[index];
	struct mime_text fields[FIELDS];
	bool octets = looks_like_message(part);

	read_fields(mime_header_of(render->message, index), fields);
	put(render, "(", octets ? (struct mime_text){"application", 11} : part->type);
	put(render, " ", octets ? (struct mime_text){"octet-stream", 12} : part->subtype);
	if (part->typed)
		put_parameters(render, fields[TYPE]);
	else
		mime_out_text(render->out,
			      mime_is(part->type, "text") ? " (\"charset\" \"us-ascii\")" : " NIL");
	put_value(render, fields[ID]);
	put_value(render, fields[DESCRIPTION]);
	put_encoding(render, fields[ENCODING]);
	put_number(render, part->end - part->body);
	if (part->kind == MIME_MESSAGE) {
		mime_out_char(render->out, ' ');
		mime_render_envelope(render->message, part->child, render->out);
		mime_out_char(render->out, ' ');
		put_part(render, part->child);
	}
	if (part->kind == MIME_MESSAGE || (!octets && mime_is(part->type, "text")))
		put_number(render, part->lines);
	if (render->extension) {
		put_value(render, fields[MD5]);
		put_extension(render, fields);
	}
	mime_out_char(render->out, ')');
}

static void
put_multipart(struct render *render, uint32_t index)
{
	const struct mime_part *part = &render->message->parts[index];
	struct mime_text fields[FIELDS];

	mime_out_char(render->out, '(');
	for (uint32_t i = part->child; i != 0; i = render->message->parts[i].next)
		put_part(render, i);
	/* The grammar wants one part at least. */
	if (part->child == 0)
		mime_out_text(render->out, "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
					   "\"7bit\" 0 0)");
	put(render, " ", part->subtype);
	if (render->extension) {
		read_fields(mime_header_of(render->message, index), fields);
		put_parameters(render, fields[TYPE]);
		put_extension(render, fields);
	}
	mime_out_char(render->out, ')');
}

/* Calls itself as deep as MIME_DEPTH_MAX. */
static void
put_part(struct render *render, uint32_t part)
{
	if (render->message->parts[part].kind == MIME_MULTIPART)
		put_multipart(render, part);
	else
		put_leaf(render, part);
}

void
mime_render_body(const struct mime_message *message, bool extension, struct mime_out *out)
{
	struct render render = {.message = message, .out = out, .extension = extension};

	put_part(&render, 0);
}
