/* SPDX-License-Identifier: ISC */
#include "ctl/imap_words.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/session/imap/utf7.h"

static struct word
bad(struct words *words)
{
	words->at = words->end;
	return (struct word){.kind = WORD_BAD};
}

/* Escapes are undone in place: the text only becomes shorter. */
static struct word
quoted(struct words *words)
{
	char *from = words->at + 1, *to = from;
	struct word word = {.kind = WORD_STRING, .at = from};

	for (; from < words->end && *from != '"'; from++) {
		if (*from == '\\' && ++from == words->end)
			break;
		*to++ = *from;
	}
	if (from == words->end)
		return bad(words);
	word.length = (size_t)(to - word.at);
	words->at = from + 1;
	return word;
}

/* {5} CRLF, and as many octets; also {5+} and ~{5}. */
static struct word
literal(struct words *words)
{
	char *at = words->at + (*words->at == '~' ? 2 : 1);
	size_t octets = 0;
	const char *digits = at;

	for (; at < words->end && ascii_is_digit(*at); at++) {
		if (octets > (size_t)(words->end - words->at))
			return bad(words);
		octets = 10 * octets + (size_t)(*at - '0');
	}
	if (at < words->end && *at == '+')
		at++;
	if (at == digits || words->end - at < 3 || memcmp(at, "}\r\n", 3) != 0)
		return bad(words);
	at += 3;
	if (octets > (size_t)(words->end - at))
		return bad(words);
	words->at = at + octets;
	return (struct word){WORD_STRING, at, octets};
}

static bool
ends_atom(char c)
{
	return c == ' ' || c == '(' || c == ')' || c == '"' || c == '\r' || c == '\n' || c == '\0';
}

static struct word
atom(struct words *words)
{
	struct word word = {.kind = WORD_ATOM, .at = words->at};
	bool inside = false;

	for (; words->at < words->end && (inside || !ends_atom(*words->at)); words->at++) {
		if (*words->at == '[')
			inside = true;
		else if (*words->at == ']')
			inside = false;
	}
	word.length = (size_t)(words->at - word.at);
	return word.length == 0 ? bad(words) : word;
}

struct word
words_next(struct words *words)
{
	if (words->at < words->end && *words->at == ' ')
		words->at++;
	if (words->at == words->end)
		return (struct word){.kind = WORD_END};
	switch (*words->at) {
	case '(':
		return (struct word){WORD_OPEN, words->at++, 1};
	case ')':
		return (struct word){WORD_CLOSE, words->at++, 1};
	case '"':
		return quoted(words);
	case '{':
		return literal(words);
	case '~':
		if (words->end - words->at > 1 && words->at[1] == '{')
			return literal(words);
		return atom(words);
	default:
		return atom(words);
	}
}

bool
words_skip(struct words *words)
{
	size_t depth = 0;

	do {
		switch (words_next(words).kind) {
		case WORD_OPEN:
			depth++;
			break;
		case WORD_CLOSE:
			if (depth == 0)
				return false;
			depth--;
			break;
		case WORD_END:
		case WORD_BAD:
			return false;
		case WORD_ATOM:
		case WORD_STRING:
			break;
		}
	} while (depth > 0);
	return true;
}

bool
word_is(const struct word *word, const char *text)
{
	return word->kind == WORD_ATOM && strlen(text) == word->length &&
	       strncasecmp(word->at, text, word->length) == 0;
}

bool
word_number(const struct word *word, uint64_t max, uint64_t *number)
{
	uint64_t value = 0;

	if (word->kind != WORD_ATOM || word->length == 0 || word->length > 19)
		return false;
	for (size_t i = 0; i < word->length; i++) {
		if (!ascii_is_digit(word->at[i]))
			return false;
		value = 10 * value + (uint64_t)(word->at[i] - '0');
	}
	if (value > max)
		return false;
	*number = value;
	return true;
}

static bool
level_is_fine(const char *level, size_t length)
{
	return length > 0 && !(length == 1 && level[0] == '.') &&
	       !(length == 2 && level[0] == '.' && level[1] == '.');
}

bool
folder_name_is_fine(const char *name, size_t length)
{
	const char *level = name;

	if (length > FOLDER_NAME_MAX || !imap_is_utf8(name, length))
		return false;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
		/* U+0080 to U+009F: control characters of a terminal too. */
		if ((unsigned char)name[i] == 0xc2 && (unsigned char)name[i + 1] < 0xa0)
			return false;
		if (name[i] != '/')
			continue;
		if (!level_is_fine(level, (size_t)(name + i - level)))
			return false;
		level = name + i + 1;
	}
	return level_is_fine(level, (size_t)(name + length - level));
}
