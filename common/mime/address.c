/* SPDX-License-Identifier: ISC */
#include "common/mime/address.h"

#include <string.h>

/* What stands in front of "<", ":", "@" or ",": nobody knows yet what it will be. */
struct words {
	struct mime_text phrase;  /* words with a blank between: a display-name */
	struct mime_text local;   /* the same without: a local-part */
	struct mime_text comment; /* the last one */
	bool any;
};

void
mime_addresses_open(struct mime_addresses *reader, struct mime_text value, char *room)
{
	*reader = (struct mime_addresses){.rest = value, .room = room};
}

void
mime_addresses_open_all(struct mime_addresses *reader, struct mime_text value, char *room)
{
	mime_addresses_open(reader, value, room);
	reader->all = true;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool
is_special(char c)
{
	return c == '\0' || strchr("()<>[]:;@\\,\"", c) != NULL;
}

static char
peek(const struct mime_addresses *reader)
{
	return reader->rest.length == 0 ? '\0' : reader->rest.at[0];
}

static void
advance(struct mime_addresses *reader, size_t count)
{
	reader->rest.at += count;
	reader->rest.length -= count;
}

static void
append(struct mime_text *text, char *room, char c)
{
	room[text->length++] = c;
	text->at = room;
}

/* From the character in front (an opening quote or bracket) to END. */
static struct mime_text
take_enclosed(struct mime_addresses *reader, char open, char end)
{
	size_t depth = 0, i;
	struct mime_text inside = {reader->rest.at + 1, 0};

	for (i = 0; i < reader->rest.length; i++) {
		char c = reader->rest.at[i];

		if (c == '\\')
			i++;
		else if (c == end && (open == end ? i > 0 : --depth == 0))
			break;
		else if (c == open)
			depth++;
	}
	if (i >= reader->rest.length) {
		i = reader->rest.length;
		reader->unclosed = true;
	}
	inside.length = i > 0 ? i - 1 : 0;
	advance(reader, i < reader->rest.length ? i + 1 : i);
	return inside;
}

/* Copies without the backslashes of quoted-pairs, line ends and NULs. */
static void
append_unquoted(struct mime_text *text, char *room, struct mime_text from)
{
	text->at = room;
	for (size_t i = 0; i < from.length; i++) {
		char c = from.at[i];

		if (c == '\\' && i + 1 < from.length)
			c = from.at[++i];
		if (c != '\r' && c != '\n' && c != '\0')
			append(text, room, c);
	}
}

static void
skip_space(struct mime_addresses *reader, struct mime_text *comment)
{
	while (reader->rest.length > 0) {
		if (is_space(reader->rest.at[0]))
			advance(reader, 1);
		else if (peek(reader) == '(')
			*comment = take_enclosed(reader, '(', ')');
		else
			break;
	}
}

/* Words, up to something that says what they are. */
static struct words
take_words(struct mime_addresses *reader)
{
	/* Three areas: each can take all that is left, and a blank between words. */
	char *phrase = reader->room, *local = phrase + reader->rest.length + 1;
	struct words words = {.any = false};
	bool blank = false;

	for (;;) {
		const char *before = reader->rest.at;

		skip_space(reader, &words.comment);
		blank = words.any && (blank || reader->rest.at != before);
		if (peek(reader) == '"') {
			struct mime_text inside = take_enclosed(reader, '"', '"');

			if (blank)
				append(&words.phrase, phrase, ' ');
			append_unquoted(&words.phrase, phrase, inside);
			append_unquoted(&words.local, local, inside);
		} else if (reader->rest.length > 0 && !is_special(peek(reader))) {
			if (blank)
				append(&words.phrase, phrase, ' ');
			while (!is_special(peek(reader)) && !is_space(peek(reader))) {
				append(&words.phrase, phrase, peek(reader));
				append(&words.local, local, peek(reader));
				advance(reader, 1);
			}
		} else {
			break;
		}
		words.any = true;
		blank = false;
	}
	reader->used = (size_t)(local - reader->room) + words.local.length;
	return words;
}

/*
 * Behind the "@": a domain or a domain-literal, without blanks. Where nothing may be skipped, only
 * those around a dot are inside of it (RFC 5322 4.4).
 */
static struct mime_text
take_domain(struct mime_addresses *reader, struct mime_text *comment)
{
	char *room = reader->room + reader->used;
	struct mime_text domain = {room, 0};

	for (;;) {
		const char *before = reader->rest.at;

		skip_space(reader, comment);
		if (reader->all && reader->rest.at != before && domain.length > 0 &&
		    room[domain.length - 1] != '.' && peek(reader) != '.')
			break;
		if (peek(reader) == '[') {
			struct mime_text inside = take_enclosed(reader, '[', ']');

			append(&domain, room, '[');
			append_unquoted(&domain, room, inside);
			append(&domain, room, ']');
		} else if (reader->rest.length > 0 && !is_special(peek(reader))) {
			append(&domain, room, peek(reader));
			advance(reader, 1);
		} else {
			break;
		}
	}
	reader->used += domain.length;
	return domain;
}

/* RFC 5322 4.4: "@a,@b:" in front of an addr-spec. */
static struct mime_text
take_route(struct mime_addresses *reader, struct mime_text *comment)
{
	char *room = reader->room + reader->used;
	struct mime_text route = {NULL, 0};

	skip_space(reader, comment);
	if (peek(reader) != '@')
		return route;
	while (peek(reader) != ':' && peek(reader) != '>' && reader->rest.length > 0) {
		if (!is_space(peek(reader)))
			append(&route, room, peek(reader));
		advance(reader, 1);
		skip_space(reader, comment);
	}
	if (peek(reader) == ':')
		advance(reader, 1);
	reader->used += route.length;
	return route;
}

/* The local-part of an angle-addr, into room behind what is there. */
static struct mime_text
take_local(struct mime_addresses *reader, struct mime_text *comment)
{
	char *room = reader->room + reader->used;
	struct mime_text local = {NULL, 0};

	for (;;) {
		skip_space(reader, comment);
		if (peek(reader) == '"') {
			append_unquoted(&local, room, take_enclosed(reader, '"', '"'));
		} else if (reader->rest.length > 0 && !is_special(peek(reader))) {
			append(&local, room, peek(reader));
			advance(reader, 1);
		} else {
			break;
		}
	}
	reader->used += local.length;
	return local;
}

/* Behind "<". */
static void
take_angle(struct mime_addresses *reader, struct mime_address *address)
{
	struct mime_text comment = {NULL, 0};

	address->angles = true;
	address->route = take_route(reader, &comment);
	address->local = take_local(reader, &comment);
	if (peek(reader) == '@') {
		advance(reader, 1);
		address->domain = take_domain(reader, &comment);
	}
	/* What is behind it is lost, up to where the next may begin. */
	while (!reader->all && reader->rest.length > 0 && peek(reader) != '>' &&
	       peek(reader) != ',')
		advance(reader, 1);
	if (peek(reader) == '>')
		advance(reader, 1);
}

static void
take_rest(struct mime_addresses *reader, struct mime_text *comment)
{
	skip_space(reader, comment);
	while (!reader->all && reader->rest.length > 0 && peek(reader) != ',' &&
	       peek(reader) != ';') {
		if (peek(reader) == '"')
			(void)take_enclosed(reader, '"', '"');
		else
			advance(reader, 1);
		skip_space(reader, comment);
	}
}

/* An addr-spec without angles: its words are the local-part. */
static void
take_spec(struct mime_addresses *reader, struct words *words, struct mime_address *address)
{
	char *room;

	address->words = words->phrase;
	address->local = words->local;
	if (peek(reader) == '@') {
		advance(reader, 1);
		address->domain = take_domain(reader, &words->comment);
	}
	take_rest(reader, &words->comment);
	if (words->comment.at == NULL)
		return;
	room = reader->room + reader->used;
	append_unquoted(&address->name, room, words->comment);
	reader->used += address->name.length;
}

/* Where nothing may be skipped, a mail program may show it as an author. */
static bool
is_comment_alone(const struct mime_addresses *reader, struct mime_text comment)
{
	return reader->all && comment.at != NULL &&
	       (reader->rest.length == 0 || peek(reader) == ',' || peek(reader) == ';');
}

/*
 * Separators in front, or what is in front of a comment that is alone; true if a group ends there.
 * *JOINED stays true if none of them is one.
 */
static bool
skip_separators(struct mime_addresses *reader, bool *joined, struct mime_text *comment)
{
	for (;;) {
		*comment = (struct mime_text){NULL, 0};
		skip_space(reader, comment);
		if (is_comment_alone(reader, *comment))
			return false;
		if (peek(reader) == ';' && reader->in_group)
			return true;
		if (reader->rest.length == 0 || strchr(",;>)]\\:", peek(reader)) == NULL)
			return false;
		if (peek(reader) == ',' || peek(reader) == ';')
			*joined = false;
		advance(reader, 1);
	}
}

static bool
end_group(struct mime_addresses *reader, struct mime_address *address)
{
	if (!reader->in_group)
		return false;
	if (reader->rest.length > 0)
		advance(reader, 1);
	reader->in_group = false;
	address->kind = MIME_GROUP_END;
	return true;
}

/* An address, or a group's begin. */
static void
take_element(struct mime_addresses *reader, struct mime_address *address)
{
	const char *begin = reader->rest.at;
	struct words words = take_words(reader);

	if (peek(reader) == ':' && words.any && !reader->in_group) {
		advance(reader, 1);
		reader->in_group = true;
		address->kind = MIME_GROUP_BEGIN;
		address->name = words.phrase;
	} else if (peek(reader) == '<') {
		advance(reader, 1);
		address->name = words.phrase;
		take_angle(reader, address);
		take_rest(reader, &words.comment);
	} else {
		take_spec(reader, &words, address);
	}
	/* A bracket that nothing can begin with. */
	if (reader->rest.at == begin)
		advance(reader, 1);
}

bool
mime_next_address(struct mime_addresses *reader, struct mime_address *address)
{
	bool joined = reader->behind;
	struct mime_text comment;

	*address = (struct mime_address){.kind = MIME_ADDRESS};
	reader->used = 0;
	reader->behind = false;
	if (skip_separators(reader, &joined, &comment))
		return end_group(reader, address);
	if (is_comment_alone(reader, comment))
		append_unquoted(&address->name, reader->room, comment);
	else if (reader->rest.length == 0)
		return end_group(reader, address);
	else
		take_element(reader, address);
	reader->behind = true;
	address->joined = joined;
	return true;
}
