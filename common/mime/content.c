/* SPDX-License-Identifier: ISC */
#include "common/mime/content.h"

#include <string.h>

void
mime_words_open(struct mime_words *words, struct mime_text value, char *room)
{
	*words = (struct mime_words){.rest = value, .room = room};
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 2045 5.1, tspecials; octets above ASCII are taken, since they are sent. */
static bool
is_token(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static void
advance(struct mime_words *words, size_t count)
{
	if (count == 0) /* the pointer may be NULL */
		return;
	words->rest.at += count;
	words->rest.length -= count;
}

/* A comment, nested or not closed. */
static void
skip_comment(struct mime_words *words)
{
	size_t depth = 0, i;

	for (i = 0; i < words->rest.length; i++) {
		char c = words->rest.at[i];

		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	advance(words, i < words->rest.length ? i + 1 : words->rest.length);
}

static void
skip_space(struct mime_words *words)
{
	while (words->rest.length > 0) {
		if (is_space(words->rest.at[0]))
			advance(words, 1);
		else if (words->rest.at[0] == '(')
			skip_comment(words);
		else
			break;
	}
}

bool
mime_take(struct mime_words *words, char c)
{
	skip_space(words);
	if (words->rest.length == 0 || words->rest.at[0] != c)
		return false;
	advance(words, 1);
	return true;
}

/* Behind the opening quote. A quoted-string that is not closed ends with the value. */
static struct mime_text
take_quoted(struct mime_words *words, char *out)
{
	size_t used = 0, i;

	for (i = 0; i < words->rest.length && words->rest.at[i] != '"'; i++) {
		char c = words->rest.at[i];

		if (c == '\\' && i + 1 < words->rest.length)
			c = words->rest.at[++i];
		if (c != '\r' && c != '\n' && c != '\0')
			out[used++] = c;
	}
	advance(words, i < words->rest.length ? i + 1 : i);
	return (struct mime_text){out, used};
}

static struct mime_text
take_while(struct mime_words *words, bool (*wanted)(char), char *out)
{
	size_t used = 0;

	while (used < words->rest.length && wanted(words->rest.at[used])) {
		out[used] = words->rest.at[used];
		used++;
	}
	advance(words, used);
	return (struct mime_text){out, used};
}

static bool
next_word(struct mime_words *words, bool (*wanted)(char), char *out, struct mime_text *word)
{
	if (mime_take(words, '"')) {
		*word = take_quoted(words, out);
		return true;
	}
	*word = take_while(words, wanted, out);
	return word->length > 0;
}

bool
mime_next_word(struct mime_words *words, struct mime_text *word)
{
	return next_word(words, is_token, words->room, word);
}

/* A token where it stands. */
static struct mime_text
take_token(struct mime_words *words)
{
	struct mime_text token = {words->rest.at, 0};

	while (token.length < words->rest.length && is_token(words->rest.at[token.length]))
		token.length++;
	advance(words, token.length);
	return token;
}

bool
mime_read_type(struct mime_text value, struct mime_text *type, struct mime_text *subtype)
{
	struct mime_words words = {.rest = value};

	skip_space(&words);
	*type = take_token(&words);
	if (!mime_take(&words, '/'))
		return false;
	skip_space(&words);
	*subtype = take_token(&words);
	return type->length > 0 && subtype->length > 0;
}

/* A value that should have been quoted ("name=report 1/2.pdf") goes on to the next parameter. */
static bool
is_value(char c)
{
	return c != ';' && c != '\r' && c != '\n' && c != '\0';
}

/* ... but for a comment behind it. */
static struct mime_text
trim_end(struct mime_text text)
{
	for (size_t i = 0; i + 1 < text.length; i++) {
		if (is_space(text.at[i]) && text.at[i + 1] == '(')
			text.length = i;
	}
	while (text.length > 0 && is_space(text.at[text.length - 1]))
		text.length--;
	return text;
}

bool
mime_next_parameter(struct mime_words *words, struct mime_text *attribute, struct mime_text *value)
{
	while (words->rest.length > 0) {
		if (mime_take(words, ';') && next_word(words, is_token, words->room, attribute) &&
		    attribute->length > 0 && mime_take(words, '=')) {
			if (next_word(words, is_value, words->room + attribute->length, value))
				*value = trim_end(*value);
			return true;
		}
		/* Not one: on to the next semicolon. */
		skip_space(words);
		while (words->rest.length > 0 && words->rest.at[0] != ';')
			advance(words, 1);
	}
	return false;
}
