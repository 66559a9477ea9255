/* SPDX-License-Identifier: ISC */
#include "worker/filter/spf_macro.h"

#include <string.h>

#include "common/ascii.h"

#define NAME_MAX_OCTETS 253
#define LABEL_MAX_OCTETS 63
#define PARTS_MAX ADDRESS_SIZE /* a value has no more delimiters than octets */
#define EXPANDED_MAX 4096      /* octets of a domain-spec before it is shortened */

enum piece_kind { PIECE_LITERAL, PIECE_ESCAPE, PIECE_MACRO };

struct piece {
	enum piece_kind kind;
	char c;                 /* the literal, or the letter in lower case */
	const char *stands_for; /* of an escape */
	bool escaped; /* the letter was upper case: the value is put in as a part of a URL */
	bool reverse;
	size_t keep; /* so many parts from the right; 0: all */
	struct mime_text delimiters;
};

/* Where each letter's value is. Those after "h" are for explanations only (7.2). */
static const struct letter {
	char c;
	bool explanation_only;
	size_t offset;
} letters[] = {
    {'s', false, offsetof(struct spf_values, sender)},
    {'l', false, offsetof(struct spf_values, local)},
    {'o', false, offsetof(struct spf_values, sender_domain)},
    {'d', false, offsetof(struct spf_values, domain)},
    {'i', false, offsetof(struct spf_values, address)},
    {'p', false, offsetof(struct spf_values, validated)},
    {'v', false, offsetof(struct spf_values, version)},
    {'h', false, offsetof(struct spf_values, helo)},
    {'c', true, offsetof(struct spf_values, readable)},
    {'r', true, offsetof(struct spf_values, receiver)},
    {'t', true, offsetof(struct spf_values, time)},
};

/* Text that grows up to a bound. */
struct out {
	char *at;
	size_t size, used;
	bool full;
};

/* -- Reading ---------------------------------------------------------------------------------- */

static const struct letter *
find_letter(char c)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].c == c)
			return &letters[i];
	}
	return NULL;
}

static void
drop(struct mime_text *text, size_t count)
{
	text->at += count;
	text->length -= count;
}

static bool
is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* *DIGIT ["r"] *delimiter "}" behind a letter. */
static bool
take_transformers(struct mime_text *rest, struct piece *piece)
{
	bool number = false;

	for (; rest->length > 0 && ascii_is_digit(rest->at[0]); drop(rest, 1)) {
		number = true;
		if (piece->keep < PARTS_MAX)
			piece->keep = piece->keep * 10 + (size_t)(rest->at[0] - '0');
	}
	/* 7.1: the number of parts must not be zero. */
	if (number && piece->keep == 0)
		return false;
	if (rest->length > 0 && ascii_lower(rest->at[0]) == 'r') {
		piece->reverse = true;
		drop(rest, 1);
	}
	piece->delimiters.at = rest->at;
	while (rest->length > 0 && is_delimiter(rest->at[0]))
		drop(rest, 1);
	piece->delimiters.length = (size_t)(rest->at - piece->delimiters.at);
	if (rest->length == 0 || rest->at[0] != '}')
		return false;
	drop(rest, 1);
	return true;
}

/* The next piece of a macro-string that is not at its end; false if it is malformed there. */
static bool
take_piece(struct mime_text *rest, struct piece *piece)
{
	static const struct {
		char c;
		const char *stands_for;
	} escapes[] = {{'%', "%"}, {'_', " "}, {'-', "%20"}};

	memset(piece, 0, sizeof(*piece));
	piece->c = rest->at[0];
	if (piece->c != '%') {
		drop(rest, 1);
		return piece->c > 0x20 && piece->c < 0x7f;
	}
	if (rest->length < 2)
		return false;
	piece->kind = PIECE_ESCAPE;
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (rest->at[1] != escapes[i].c)
			continue;
		piece->stands_for = escapes[i].stands_for;
		drop(rest, 2);
		return true;
	}
	if (rest->at[1] != '{' || rest->length < 4)
		return false;
	piece->kind = PIECE_MACRO;
	piece->c = ascii_lower(rest->at[2]);
	piece->escaped = ascii_is_upper(rest->at[2]);
	drop(rest, 3);
	return find_letter(piece->c) != NULL && take_transformers(rest, piece);
}

bool
spf_is_macro_string(struct mime_text text)
{
	struct piece piece;

	while (text.length > 0) {
		if (!take_piece(&text, &piece))
			return false;
	}
	return true;
}

/* toplabel: letters, digits and "-", which is not at an end; not only digits. */
static bool
is_top_label(const char *at, size_t length)
{
	bool other = false;

	if (length == 0 || at[0] == '-' || at[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!ascii_is_alnum(at[i]) && at[i] != '-')
			return false;
		other = other || !ascii_is_digit(at[i]);
	}
	return other;
}

/* domain-end: a macro, or a dot and a toplabel in the TAIL, the literals at the end. */
static bool
is_domain_end(const char *tail, size_t length)
{
	size_t label = 0;

	if (length == 0)
		return true;
	if (tail[length - 1] == '.')
		length--;
	while (label < length && tail[length - 1 - label] != '.')
		label++;
	return label < length && is_top_label(tail + length - label, label);
}

bool
spf_is_domain_spec(struct mime_text text)
{
	const char *tail = text.at;
	struct piece piece;

	if (text.length == 0)
		return false;
	while (text.length > 0) {
		if (!take_piece(&text, &piece) ||
		    (piece.kind == PIECE_MACRO && find_letter(piece.c)->explanation_only))
			return false;
		if (piece.kind != PIECE_LITERAL)
			tail = text.at;
	}
	return is_domain_end(tail, (size_t)(text.at - tail));
}

bool
spf_uses_macro(struct mime_text text, char letter)
{
	struct piece piece;

	while (text.length > 0) {
		if (text.at[0] == ' ')
			drop(&text, 1); /* of an explain-string */
		else if (!take_piece(&text, &piece))
			return false;
		else if (piece.kind == PIECE_MACRO && piece.c == letter)
			return true;
	}
	return false;
}

/* -- Expanding -------------------------------------------------------------------------------- */

static void
put(struct out *out, char c)
{
	if (out->used == out->size)
		out->full = true;
	else
		out->at[out->used++] = c;
}

/* 7.3: unreserved characters of RFC 3986 2.3 stay, others become %HH. */
static void
put_escaped(struct out *out, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char octet = (unsigned char)c;

	if (ascii_is_alnum(c) || (c != '\0' && strchr("-._~", c) != NULL)) {
		put(out, c);
		return;
	}
	put(out, '%');
	put(out, hex[octet >> 4]);
	put(out, hex[octet & 15]);
}

static size_t
split(const char *value, struct mime_text delimiters, struct mime_text parts[PARTS_MAX])
{
	size_t count = 0;

	if (delimiters.length == 0)
		delimiters = (struct mime_text){.at = ".", .length = 1};
	parts[0] = (struct mime_text){.at = value};
	for (; *value != '\0'; value++) {
		if (memchr(delimiters.at, *value, delimiters.length) == NULL)
			parts[count].length++;
		else if (count + 1 < PARTS_MAX)
			parts[++count] = (struct mime_text){.at = value + 1};
	}
	return count + 1;
}

static void
put_macro(struct out *out, const struct piece *piece, const struct spf_values *values)
{
	struct mime_text parts[PARTS_MAX];
	const char *value = NULL;
	size_t count, first;

	memcpy(&value, (const char *)values + find_letter(piece->c)->offset, sizeof(value));
	count = split(value, piece->delimiters, parts);
	first = piece->keep > 0 && piece->keep < count ? count - piece->keep : 0;
	for (size_t i = first; i < count; i++) {
		/* Reversed first, then the right-most are kept. */
		const struct mime_text *part = &parts[piece->reverse ? count - 1 - i : i];

		if (i > first)
			put(out, '.');
		for (size_t n = 0; n < part->length; n++)
			(piece->escaped ? put_escaped : put)(out, part->at[n]);
	}
}

static void
put_piece(struct out *out, const struct piece *piece, const struct spf_values *values)
{
	switch (piece->kind) {
	case PIECE_LITERAL:
		put(out, piece->c);
		break;
	case PIECE_ESCAPE:
		for (const char *c = piece->stands_for; *c != '\0'; c++)
			put(out, *c);
		break;
	case PIECE_MACRO:
		put_macro(out, piece, values);
		break;
	}
}

bool
spf_is_domain(const char *name)
{
	size_t label = 0, labels = 0, length = strlen(name);

	if (length == 0 || length > NAME_MAX_OCTETS || name[0] == '[')
		return false;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && name[i] != '.') {
			label++;
			continue;
		}
		/* A dot at the end is no empty label. */
		if (i == length && label == 0 && labels > 0)
			break;
		if (label == 0 || label > LABEL_MAX_OCTETS)
			return false;
		labels++;
		label = 0;
	}
	return labels > 1;
}

bool
spf_expand_domain(struct mime_text spec, const struct spf_values *values, char name[HOST_NAME_SIZE])
{
	char text[EXPANDED_MAX];
	struct out out = {.at = text, .size = sizeof(text)};
	const char *from = text;
	struct piece piece;

	while (spec.length > 0) {
		if (!take_piece(&spec, &piece))
			return false;
		put_piece(&out, &piece, values);
	}
	if (out.full)
		return false;
	if (out.used > 0 && text[out.used - 1] == '.')
		out.used--;
	/* NUL cannot be in a name: the values are strings, and literals are printable. */
	while (out.used > NAME_MAX_OCTETS) {
		const char *dot = memchr(from, '.', out.used);

		if (dot == NULL)
			return false;
		out.used -= (size_t)(dot + 1 - from);
		from = dot + 1;
	}
	memcpy(name, from, out.used);
	name[out.used] = '\0';
	return spf_is_domain(name);
}

bool
spf_expand_text(struct mime_text text, const struct spf_values *values, char *to, size_t size)
{
	struct out out = {.at = to, .size = size - 1};
	struct piece piece;

	while (text.length > 0) {
		if (text.at[0] == ' ') {
			put(&out, ' ');
			drop(&text, 1);
		} else if (take_piece(&text, &piece)) {
			put_piece(&out, &piece, values);
		} else {
			return false;
		}
	}
	for (size_t i = 0; i < out.used; i++) {
		if (to[i] < 0x20 || to[i] > 0x7e)
			return false;
	}
	to[out.used] = '\0';
	return !out.full;
}
