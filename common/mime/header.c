/* SPDX-License-Identifier: ISC */
#include "common/mime/header.h"

#include <string.h>

#include "common/ascii.h"

static bool
is_space(char c)
{
	return ascii_is_wsp(c) || c == '\r' || c == '\n';
}

/* Behind the line end of the line that begins at AT. */
static size_t
line_end(const char *bytes, size_t length, size_t at)
{
	const char *end = memchr(bytes + at, '\n', length - at);

	return end == NULL ? length : (size_t)(end - bytes) + 1;
}

static bool
is_empty_line(const char *bytes, size_t begin, size_t end)
{
	size_t length = end - begin;

	return (length == 1 && bytes[begin] == '\n') ||
	       (length == 2 && bytes[begin] == '\r' && bytes[begin + 1] == '\n');
}

static struct mime_text
trim(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	while (end > at && is_space(end[-1]))
		end--;
	return (struct mime_text){at, (size_t)(end - at)};
}

/* RFC 5322 3.6.8: printable, no colon. Blanks before the colon are obsolete, and seen. */
static void
split(struct mime_field *field)
{
	const char *begin = field->whole.at, *end = begin + field->whole.length;
	const char *colon = memchr(begin, ':', field->whole.length);

	field->name = trim(begin, colon == NULL ? begin : colon);
	for (size_t i = 0; i < field->name.length; i++) {
		if (field->name.at[i] <= ' ' || field->name.at[i] == 0x7f)
			field->name.length = 0;
	}
	field->value = field->name.length == 0 ? trim(begin, end) : trim(colon + 1, end);
}

bool
mime_next_field(const char *bytes, size_t length, size_t *at, struct mime_field *field)
{
	size_t begin = *at, end;

	if (begin >= length)
		return false;
	end = line_end(bytes, length, begin);
	*at = end;
	if (is_empty_line(bytes, begin, end))
		return false;
	while (end < length && ascii_is_wsp(bytes[end]))
		end = line_end(bytes, length, end);
	*at = end;
	field->whole = (struct mime_text){bytes + begin, end - begin};
	split(field);
	return true;
}

bool
mime_is(struct mime_text text, const char *word)
{
	for (size_t i = 0; i < text.length; i++) {
		if (word[i] == '\0' || ascii_lower(text.at[i]) != ascii_lower(word[i]))
			return false;
	}
	return word[text.length] == '\0';
}

bool
mime_find_field(const char *bytes, size_t length, const char *name, struct mime_text *value)
{
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(bytes, length, &at, &field)) {
		if (mime_is(field.name, name)) {
			*value = field.value;
			return true;
		}
	}
	return false;
}

size_t
mime_unfold(struct mime_text value, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];

		if (c != '\r' && c != '\n' && c != '\0')
			out[used++] = c;
	}
	return used;
}
