/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/mime/content.h"

/* One "name*3*=value". */
struct segment {
	struct mime_text name;
	struct mime_text value;
	int number; /* -1: none */
	bool escaped;
	bool done;
};

/* RFC 2231 7: "*" and digits, "*" at the end. More than 4 digits number nothing. */
static void
read_name(struct mime_text attribute, struct segment *segment)
{
	size_t end = attribute.length, digits;
	int number = 0;

	segment->number = -1;
	segment->escaped = end > 1 && attribute.at[end - 1] == '*';
	if (segment->escaped)
		end--;
	segment->name = (struct mime_text){attribute.at, end};
	for (digits = end; digits > 0 && ascii_is_digit(attribute.at[digits - 1]); digits--) {
		if (end - digits > 3)
			return;
	}
	if (digits == end || digits < 2 || attribute.at[digits - 1] != '*')
		return;
	for (size_t i = digits; i < end; i++)
		number = number * 10 + (attribute.at[i] - '0');
	segment->number = number;
	segment->name.length = digits - 1;
}

static bool
same_name(struct mime_text a, struct mime_text b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	}
	return true;
}

/* The next number of a continuation, or NULL. */
static struct segment *
find_next(struct segment *segments, size_t count, const struct segment *first, int number)
{
	for (size_t i = 0; i < count; i++) {
		if (segments[i].number == number && !segments[i].done &&
		    same_name(segments[i].name, first->name))
			return &segments[i];
	}
	return NULL;
}

static bool
needs_escape(char c)
{
	return !ascii_is_alnum(c) && strchr("!#$&+-.^_`|{}~", c) == NULL;
}

/* Appends a segment's value, escaped if all are to be. */
static void
join(struct mime_text *text, char *room, const struct segment *segment, bool escaped)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < segment->value.length; i++) {
		char c = segment->value.at[i];

		if (escaped && !segment->escaped && (c == '\0' || needs_escape(c))) {
			room[text->length++] = '%';
			room[text->length++] = hex[(unsigned char)c >> 4];
			c = hex[(unsigned char)c & 15];
		}
		room[text->length++] = c;
	}
}

/* FIRST and what continues it become one parameter. Returns the room used. */
static size_t
put_together(struct segment *segments, size_t count, struct segment *first, char *room,
	     struct mime_parameter *parameter)
{
	struct segment *next;
	bool escaped = first->escaped;
	int number = first->number;

	while (number >= 0 && (next = find_next(segments, count, first, number)) != NULL) {
		escaped |= next->escaped;
		number++;
	}
	memcpy(room, first->name.at, first->name.length);
	parameter->attribute = (struct mime_text){room, first->name.length};
	if (escaped)
		room[parameter->attribute.length++] = '*';
	room += parameter->attribute.length;
	parameter->value = (struct mime_text){room, 0};
	if (escaped && !first->escaped) {
		room[0] = room[1] = '\'';
		parameter->value.length = 2;
	}
	for (int i = first->number; i < number; i++) {
		next = find_next(segments, count, first, i);
		if (next == NULL)
			break;
		join(&parameter->value, room, next, escaped);
		if (next != first)
			next->done = true;
	}
	if (first->number < 0)
		join(&parameter->value, room, first, escaped);
	return parameter->attribute.length + parameter->value.length;
}

static size_t
read_segments(struct mime_words *words, struct segment *segments)
{
	struct mime_text attribute, value = {NULL, 0};
	size_t count = 0;

	while (count < MIME_PARAMETERS_MAX && mime_next_parameter(words, &attribute, &value)) {
		segments[count] = (struct segment){.value = value};
		read_name(attribute, &segments[count++]);
		words->room += attribute.length + value.length;
		value.length = 0;
	}
	return count;
}

int
mime_read_parameters(struct mime_text value, struct mime_parameters *parameters)
{
	struct segment segments[MIME_PARAMETERS_MAX];
	struct mime_words words;
	const char *semicolon;
	size_t count;
	char *room;

	parameters->count = 0;
	parameters->room = NULL;
	semicolon = value.length == 0 ? NULL : memchr(value.at, ';', value.length);
	if (semicolon == NULL)
		return 0;
	value.length -= (size_t)(semicolon - value.at);
	value.at = semicolon;
	/* As it is, and put together: three octets of one that is escaped, "*" and "''" of each. */
	parameters->room = malloc(value.length * 4 + MIME_PARAMETERS_MAX * 3);
	if (parameters->room == NULL)
		return -1;
	mime_words_open(&words, value, parameters->room);
	count = read_segments(&words, segments);
	room = parameters->room + value.length;
	for (size_t i = 0; i < count; i++) {
		if (segments[i].done || segments[i].number > 0)
			continue;
		room += put_together(segments, count, &segments[i], room,
				     &parameters->list[parameters->count++]);
		segments[i].done = true;
	}
	return 0;
}

void
mime_parameters_free(struct mime_parameters *parameters)
{
	free(parameters->room);
	parameters->room = NULL;
}

const struct mime_parameter *
mime_parameter(const struct mime_parameters *parameters, const char *name, bool *escaped)
{
	for (size_t i = 0; i < parameters->count; i++) {
		struct mime_text attribute = parameters->list[i].attribute;

		*escaped = attribute.length > 1 && attribute.at[attribute.length - 1] == '*';
		if (*escaped)
			attribute.length--;
		if (mime_is(attribute, name))
			return &parameters->list[i];
	}
	return NULL;
}
