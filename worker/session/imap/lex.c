/* SPDX-License-Identifier: ISC */
/* Errors, punctuation and words. Strings are lex_string.c's, numbers lex_number.c's. */
#include "worker/session/imap/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"

#define FOUND_MAX 40 /* octets of what was found that an error shows */

bool
lex_fail(struct imap_lexer *lex, const char *format, ...)
{
	char text[ERROR_MAX];
	va_list arguments;

	if (lex->failed)
		return false;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_set_text(&lex->err, "%s", text);
	lex->failed = true;
	return false;
}

/* The word that stands there, fit for an answer: printable ASCII without quotes. */
static void
describe(const struct imap_lexer *lex, char *text, size_t size)
{
	size_t n = 0;
	const char *at = lex->at;

	if (at >= lex->end || *at == '\r' || *at == '\n') {
		strlcpy(text, "the end of the command", size);
		return;
	}
	if (*at == ' ') {
		strlcpy(text, "a space", size);
		return;
	}
	text[n++] = '"';
	do {
		text[n++] = *at > ' ' && *at < 0x7f && *at != '"' && *at != '\\' ? *at : '?';
		at++;
	} while (at < lex->end && n < FOUND_MAX && strchr(" \r\n()", *at) == NULL);
	if (n == FOUND_MAX)
		n += (size_t)snprintf(text + n, size - n, "...");
	text[n++] = '"';
	text[n] = '\0';
}

bool
lex_expected(struct imap_lexer *lex, const char *what)
{
	char found[FOUND_MAX + 8];

	if (lex->failed)
		return false;
	describe(lex, found, sizeof(found));
	return lex_fail(lex, "Expected %s after %s, found %s", what, lex->after, found);
}

static void
no_room(struct imap_lexer *lex)
{
	lex->limit = !lex->failed;
	lex_fail(lex, "The command needs too much memory");
}

void *
lex_alloc(struct imap_lexer *lex, size_t size)
{
	void *bytes = imap_arena_alloc(lex->arena, size);

	if (bytes == NULL)
		no_room(lex);
	return bytes;
}

void *
lex_grow(struct imap_lexer *lex, void *array, size_t count, size_t element)
{
	void *larger = imap_arena_grow(lex->arena, array, count, element);

	if (larger == NULL)
		no_room(lex);
	return larger;
}

bool
lex_take(struct imap_lexer *lex, char c)
{
	if (!lex_is(lex, c))
		return false;
	lex->at++;
	return true;
}

/* ATOM-CHAR, of CHAR, which has neither NUL nor the eighth bit. */
static bool
is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

/* Words end at brackets too: BODY[...] and <...> are more than one word. */
static bool
is_word_char(char c)
{
	return is_atom_char(c) && c != '[' && c != '<' && c != '}';
}

bool
lex_take_word(struct imap_lexer *lex, const char *word)
{
	size_t length = strlen(word);

	if (length > (size_t)(lex->end - lex->at) || strncasecmp(lex->at, word, length) != 0 ||
	    (lex->at + length < lex->end && is_word_char(lex->at[length])))
		return false;
	lex->at += length;
	return true;
}

bool
lex_take_list(struct imap_lexer *lex)
{
	if (lex->end - lex->at < 2 || lex->at[0] != ' ' || lex->at[1] != '(')
		return false;
	lex->at += 2;
	return true;
}

bool
lex_space(struct imap_lexer *lex, const char *what)
{
	if (lex_take(lex, ' '))
		return true;
	return lex_expected(lex, what);
}

bool
lex_open(struct imap_lexer *lex, const char *what)
{
	char text[80];

	if (lex_take(lex, '('))
		return true;
	snprintf(text, sizeof(text), "a parenthesis and %s", what);
	return lex_expected(lex, text);
}

bool
lex_more(struct imap_lexer *lex, bool *more)
{
	*more = lex_take(lex, ' ');
	if (*more || lex_take(lex, ')'))
		return true;
	return lex_expected(lex, "a space or a closing parenthesis");
}

bool
lex_end(struct imap_lexer *lex)
{
	while (lex_take(lex, ' '))
		;
	lex_take(lex, '\r');
	if (lex_take(lex, '\n') && lex->at == lex->end)
		return true;
	return lex_expected(lex, "the end of the command");
}

bool
lex_word(struct imap_lexer *lex, struct imap_string *word, const char *what)
{
	const char *begin = lex->at;

	while (lex->at < lex->end && is_word_char(*lex->at))
		lex->at++;
	word->bytes = begin;
	word->length = (size_t)(lex->at - begin);
	return word->length > 0 || lex_expected(lex, what);
}

bool
lex_same(const struct imap_string *text, const char *word)
{
	return strlen(word) == text->length && strncasecmp(text->bytes, word, text->length) == 0;
}

bool
lex_lookup(struct imap_lexer *lex, const struct imap_word *table, size_t count, unsigned *value,
	   const char *what)
{
	const char *begin = lex->at;
	struct imap_string word;
	size_t i;

	if (!lex_word(lex, &word, what))
		return false;
	for (i = 0; i < count; i++) {
		if (lex_same(&word, table[i].name)) {
			*value = table[i].value;
			lex->after = table[i].name;
			return true;
		}
	}
	lex->at = begin;
	return lex_expected(lex, what);
}

bool
lex_atom(struct imap_lexer *lex, struct imap_string *out, const char *what)
{
	const char *begin = lex->at;
	size_t length;
	char *copy;

	while (lex->at < lex->end && is_atom_char(*lex->at))
		lex->at++;
	length = (size_t)(lex->at - begin);
	if (length == 0)
		return lex_expected(lex, what);
	if ((copy = lex_alloc(lex, length + 1)) == NULL)
		return false;
	out->bytes = memcpy(copy, begin, length);
	out->length = length;
	return true;
}
