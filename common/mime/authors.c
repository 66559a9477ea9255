/* SPDX-License-Identifier: ISC */
#include "common/mime/authors.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"

struct reader {
	const char *at;
	const char *end;
	author_fn *each;
	void *arg;
	size_t count; /* addresses so far */
	bool stopped;
};

/* Words in front of "@", "<", ":" or ",": what they are is not known before. */
struct words {
	char local[AUTHOR_PART_SIZE]; /* without quotes and blanks */
	size_t length;
	bool any;
	bool phrase; /* they can only be a display-name */
	bool dot;    /* the last one ends with one */
};

/*
 * -- A value ----------------------------------------------------------------------
 */

static char
peek(const struct reader *reader)
{
	return reader->at < reader->end ? *reader->at : '\0';
}

/* Over comments, which nest (RFC 5322 3.2.2). False: one has no end. */
static bool
skip_comment(struct reader *reader)
{
	size_t depth = 0;

	do {
		char c = peek(reader);

		if (reader->at == reader->end)
			return false;
		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else if (c == '\\' && reader->at + 1 < reader->end)
			reader->at++;
		reader->at++;
	} while (depth > 0);
	return true;
}

/* CFWS; the header's lines are checked already. *BLANK: there was some. */
static bool
skip_blanks(struct reader *reader, bool *blank)
{
	const char *before = reader->at;

	for (;;) {
		char c = peek(reader);

		if (c == '(') {
			if (!skip_comment(reader))
				return false;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			reader->at++;
		} else {
			break;
		}
	}
	*blank = reader->at != before;
	return true;
}

/* atext (RFC 5322 3.2.3), UTF-8 (RFC 6532 3.2), and the dot. */
static bool
is_word(char c)
{
	return (unsigned char)c >= 0x80 || ascii_is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool
append(char *text, size_t *length, char c)
{
	if (*length + 1 >= AUTHOR_PART_SIZE)
		return false;
	text[(*length)++] = c;
	return true;
}

/* A display-name may be longer than an address: what does not fit can't be a local-part. */
static void
append_word(struct words *words, char c)
{
	if (!append(words->local, &words->length, c))
		words->phrase = true;
}

/* Behind the opening quote. */
static bool
take_quoted(struct reader *reader, struct words *words)
{
	while (reader->at < reader->end) {
		char c = *reader->at++;

		if (c == '"')
			return true;
		if (c == '\\' && reader->at < reader->end)
			c = *reader->at++;
		if (c == '\r' || c == '\n')
			continue;
		append_word(words, c);
	}
	return false;
}

static bool
take_word(struct reader *reader, struct words *words)
{
	char c = peek(reader);

	/* "a b" is no local-part, "a . b" is (RFC 5322 4.4). */
	if (words->any && !words->dot && c != '.')
		words->phrase = true;
	words->any = true;
	words->dot = false;
	if (c == '"') {
		reader->at++;
		return take_quoted(reader, words);
	}
	if (c == '[' || c == ']') {
		words->phrase = true;
		reader->at++;
		return true;
	}
	for (; is_word(c = peek(reader)); reader->at++) {
		append_word(words, c);
		words->dot = c == '.';
	}
	return true;
}

/* False: a fault. */
static bool
take_words(struct reader *reader, struct words *words)
{
	bool blank;

	words->length = 0;
	words->any = words->phrase = words->dot = false;
	for (;;) {
		char c;

		if (!skip_blanks(reader, &blank))
			return false;
		c = peek(reader);
		if (!is_word(c) && c != '"' && c != '[' && c != ']')
			break;
		if (!take_word(reader, words))
			return false;
	}
	words->local[words->length] = '\0';
	return true;
}

/* domain-literal (RFC 5322 3.4.1), with its brackets. */
static bool
take_literal(struct reader *reader, char *domain, size_t *length)
{
	char c;

	do {
		c = peek(reader);
		if (reader->at == reader->end || c == '\\' || !append(domain, length, c))
			return false;
		reader->at++;
	} while (c != ']');
	return true;
}

/* Behind the "@": a domain, perhaps with blanks around its dots (RFC 5322 4.4). */
static bool
take_domain(struct reader *reader, char domain[AUTHOR_PART_SIZE])
{
	size_t length = 0;
	bool blank;

	if (!skip_blanks(reader, &blank))
		return false;
	if (peek(reader) == '[' && !take_literal(reader, domain, &length))
		return false;
	while (length == 0 || domain[0] != '[') {
		bool dot = length > 0 && domain[length - 1] == '.';

		if (!is_word(peek(reader)) || (length > 0 && blank && !dot && peek(reader) != '.'))
			break;
		for (; is_word(peek(reader)); reader->at++) {
			if (!append(domain, &length, *reader->at))
				return false;
		}
		if (!skip_blanks(reader, &blank))
			return false;
	}
	domain[length] = '\0';
	return length > 0 && skip_blanks(reader, &blank);
}

/* False: enough, or too many. */
static bool
tell(struct reader *reader, const struct words *words, const char *domain)
{
	if (words->phrase || !words->any || ++reader->count > AUTHORS_MAX)
		return false;
	reader->stopped = !reader->each(words->local, domain, reader->arg);
	return !reader->stopped;
}

/* At the "@": the rest of an addr-spec. */
static bool
take_spec(struct reader *reader, const struct words *words)
{
	char domain[AUTHOR_PART_SIZE];

	reader->at++;
	return take_domain(reader, domain) && tell(reader, words, domain);
}

/* At the "<". A route in it (RFC 5322 4.4) is a fault. */
static bool
take_angle(struct reader *reader)
{
	struct words words;
	bool blank;

	reader->at++;
	if (!take_words(reader, &words) || peek(reader) != '@' || !take_spec(reader, &words) ||
	    peek(reader) != '>')
		return false;
	reader->at++;
	return skip_blanks(reader, &blank);
}

/* One element of the list, up to what separates it from the next; or a group's begin. */
static bool
take_element(struct reader *reader, bool *group)
{
	struct words words;

	if (!take_words(reader, &words))
		return false;
	if (peek(reader) == ':' && words.any && !*group) {
		reader->at++;
		*group = true;
		return true;
	}
	if (peek(reader) == '@') {
		if (!take_spec(reader, &words))
			return false;
	} else if (words.any && peek(reader) != '<' && !tell(reader, &words, "")) {
		return false;
	}
	if (peek(reader) == '<' && !take_angle(reader))
		return false;
	return reader->at == reader->end || peek(reader) == ',' || (*group && peek(reader) == ';');
}

/* All of a field's value. */
static bool
take_list(struct reader *reader)
{
	bool group = false, blank;

	while (reader->at < reader->end) {
		if (!take_element(reader, &group))
			return false;
		if (peek(reader) == ';') {
			reader->at++;
			group = false;
			if (!skip_blanks(reader, &blank) ||
			    (reader->at < reader->end && peek(reader) != ','))
				return false;
		}
		if (peek(reader) == ',')
			reader->at++;
	}
	return !group;
}

/*
 * -- The header -------------------------------------------------------------------
 */

struct line {
	const char *at;
	size_t length; /* without its line end */
	size_t used;   /* with it */
};

/* The line at AT. */
static enum authors_fault
take_line(const char *at, size_t length, bool whole, struct line *line)
{
	const char *lf = memchr(at, '\n', length);
	size_t text = lf == NULL ? length : (size_t)(lf - at);

	if (lf == NULL && !whole)
		return AUTHORS_CUT;
	*line = (struct line){at, text, lf == NULL ? text : text + 1};
	if (lf != NULL && (text == 0 || at[--line->length] != '\r'))
		return AUTHORS_BAD_HEADER;
	if (memchr(at, '\r', line->length) != NULL || memchr(at, '\0', line->length) != NULL)
		return AUTHORS_BAD_HEADER;
	return AUTHORS_FINE;
}

/* Where its value begins; NULL: it is no field. */
static const char *
value_of(const struct line *line, size_t *name_length)
{
	size_t i = 0;

	while (i < line->length && line->at[i] > ' ' && line->at[i] < 0x7f && line->at[i] != ':')
		i++;
	*name_length = i;
	while (i < line->length && (line->at[i] == ' ' || line->at[i] == '\t'))
		i++;
	if (*name_length == 0 || i == line->length || line->at[i] != ':')
		return NULL;
	return line->at + i + 1;
}

/* A whole field; COUNTS of From and Sender. */
static enum authors_fault
take_field(struct reader *reader, const struct line *line, const char *end, size_t counts[2])
{
	static const char *const names[2] = {"From", "Sender"};
	size_t length;
	const char *value = value_of(line, &length);

	if (value == NULL)
		return AUTHORS_BAD_HEADER;
	for (size_t i = 0; i < 2; i++) {
		size_t before = reader->count;

		if (strlen(names[i]) != length || strncasecmp(names[i], line->at, length) != 0)
			continue;
		if (counts[i]++ > 0)
			return AUTHORS_TWICE;
		reader->at = value;
		reader->end = end;
		if (!take_list(reader))
			return reader->stopped ? AUTHORS_STOPPED : AUTHORS_BAD_FIELD;
		/* Worse than no field: a group's name or a comment may be shown as a name. */
		if (reader->count == before)
			return AUTHORS_BAD_FIELD;
	}
	return AUTHORS_FINE;
}

enum authors_fault
authors_read(const char *bytes, size_t length, bool whole, author_fn *each, void *arg)
{
	struct reader reader = {.each = each, .arg = arg};
	struct line field = {NULL, 0, 0}, line;
	enum authors_fault fault = AUTHORS_FINE;
	size_t at = 0, counts[2] = {0, 0};

	while (fault == AUTHORS_FINE && (at < length || !whole)) {
		fault = take_line(bytes + at, length - at, whole, &line);
		if (fault != AUTHORS_FINE || line.length == 0)
			break;
		at += line.used;
		if (line.at[0] == ' ' || line.at[0] == '\t') {
			if (field.at == NULL)
				return AUTHORS_BAD_HEADER;
			continue;
		}
		if (field.at != NULL)
			fault = take_field(&reader, &field, line.at, counts);
		field = line;
	}
	if (fault == AUTHORS_FINE && field.at != NULL)
		fault = take_field(&reader, &field, bytes + at, counts);
	if (fault == AUTHORS_FINE && counts[0] == 0)
		return AUTHORS_MISSING;
	return fault;
}
