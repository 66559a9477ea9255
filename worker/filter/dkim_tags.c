/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_tags.h"

#include <string.h>

#include "common/ascii.h"
#include "common/base64.h"

static bool
is_fws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct mime_text
trim(const char *at, const char *end)
{
	while (at < end && is_fws(*at))
		at++;
	while (end > at && is_fws(end[-1]))
		end--;
	return (struct mime_text){at, (size_t)(end - at)};
}

static bool
same(struct mime_text a, const char *name, size_t length)
{
	return a.length == length && memcmp(a.at, name, length) == 0;
}

/* tag-name: a letter, then letters, digits and "_". */
static bool
is_name(struct mime_text name)
{
	if (name.length == 0 || ascii_is_digit(name.at[0]) || name.at[0] == '_')
		return false;
	for (size_t i = 0; i < name.length; i++) {
		if (!ascii_is_alnum(name.at[i]) && name.at[i] != '_')
			return false;
	}
	return true;
}

/* tval: nothing that is not printed but blanks; octets of UTF-8 are (RFC 8616 5). */
static bool
is_value(struct mime_text value)
{
	for (size_t i = 0; i < value.length; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c == 0x7f || (c < 0x20 && !is_fws((char)c)))
			return false;
	}
	return true;
}

static bool
add(struct dkim_tags *tags, const char *begin, const char *end)
{
	const char *equals = memchr(begin, '=', (size_t)(end - begin));
	struct dkim_tag *tag = &tags->tags[tags->count];

	if (equals == NULL || tags->count == DKIM_TAGS_MAX)
		return false;
	tag->name = trim(begin, equals);
	tag->raw = (struct mime_text){equals + 1, (size_t)(end - equals - 1)};
	tag->value = trim(equals + 1, end);
	if (!is_name(tag->name) || !is_value(tag->value))
		return false;
	for (size_t i = 0; i < tags->count; i++) {
		if (same(tags->tags[i].name, tag->name.at, tag->name.length))
			return false;
	}
	tags->count++;
	return true;
}

bool
dkim_tags_parse(struct mime_text list, struct dkim_tags *tags)
{
	const char *at = list.at, *last = list.at + list.length;

	tags->count = 0;
	while (at < last) {
		const char *end = memchr(at, ';', (size_t)(last - at));

		if (end == NULL)
			end = last;
		/* A ";" behind the last tag is fine. */
		if (end == last && tags->count > 0 && trim(at, end).length == 0)
			break;
		if (!add(tags, at, end))
			return false;
		at = end + 1;
	}
	return tags->count > 0;
}

const struct mime_text *
dkim_tag(const struct dkim_tags *tags, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < tags->count; i++) {
		if (same(tags->tags[i].name, name, length))
			return &tags->tags[i].value;
	}
	return NULL;
}

bool
dkim_tag_is(const struct mime_text *value, const char *word)
{
	return value != NULL && mime_is(*value, word);
}

bool
dkim_tag_base64(const struct mime_text *value, uint8_t *out, size_t size, size_t *length)
{
	char text[(DKIM_OCTETS_MAX + 2) / 3 * 4];
	size_t used = 0;

	for (size_t i = 0; i < value->length; i++) {
		if (is_fws(value->at[i]))
			continue;
		if (used == sizeof(text))
			return false;
		text[used++] = value->at[i];
	}
	return used > 0 && base64_decode(text, used, out, size, length) == 0;
}

bool
dkim_tag_number(const struct mime_text *value, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < value->length; i++) {
		if (!ascii_is_digit(value->at[i]) || *number > (UINT64_MAX - 9) / 10)
			return false;
		*number = *number * 10 + (uint64_t)(value->at[i] - '0');
	}
	return value->length > 0;
}

bool
dkim_next_word(const struct mime_text *value, char separator, size_t *at, struct mime_text *word)
{
	const char *begin = value->at + *at, *last = value->at + value->length, *end;

	if (*at > value->length)
		return false;
	end = memchr(begin, separator, (size_t)(last - begin));
	if (end == NULL)
		end = last;
	*word = trim(begin, end);
	*at = (size_t)(end - value->at) + 1;
	return true;
}
