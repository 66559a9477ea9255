/* SPDX-License-Identifier: ISC */
#include "worker/filter/results.h"

#include <stdio.h>
#include <string.h>

#include "common/ascii.h"
#include "common/idn.h"

#define LINE_MAX_WISHED 78 /* RFC 5322 2.1.1 */
#define WORD_SIZE 1024

/* -- Composed ----------------------------------------------------------------------------- */

/* RFC 2045 5.1: a token may have it. */
static bool
is_token_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A token, or an address (RFC 8601 2.2: pvalue) whose local part is one or empty. */
static bool
is_plain(const char *value)
{
	bool at = false;

	if (value[0] == '\0')
		return false;
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '@' && !at && c[1] != '\0')
			at = true;
		else if (!is_token_char(*c))
			return false;
	}
	return true;
}

/* VALUE as it may stand, behind what is in WORD; false if there is no room. */
static bool
add_value(char *word, size_t *used, const char *value)
{
	bool plain = is_plain(value);

	if (*used + 2 * strlen(value) + 3 > WORD_SIZE)
		return false;
	if (!plain)
		word[(*used)++] = '"';
	for (; *value != '\0'; value++) {
		char c = *value;

		if (c == '"' || c == '\\')
			word[(*used)++] = '\\';
		word[(*used)++] = (char)(c < ' ' || c > '~' ? '?' : c);
	}
	if (!plain)
		word[(*used)++] = '"';
	word[*used] = '\0';
	return true;
}

/* Puts WORD behind a blank, or on a line of its own. */
static bool
add_word(struct results *results, const char *word, bool fold)
{
	size_t length = strlen(word);

	fold = fold || results->column + 1 + length > LINE_MAX_WISHED;
	if (results->length + length + 4 > RESULTS_SIZE)
		return false;
	memcpy(results->text + results->length, fold ? "\r\n\t" : " ", fold ? 3 : 1);
	results->length += fold ? 3 : 1;
	memcpy(results->text + results->length, word, length + 1);
	results->length += length;
	results->column = (fold ? 8 : results->column + 1) + length;
	return true;
}

void
results_begin(struct results *results, const char *id)
{
	*results = (struct results){.count = 0};
	(void)snprintf(results->text, sizeof(results->text), "%.255s", id);
	results->length = strlen(results->text);
	results->column = sizeof("Authentication-Results: ") - 1 + results->length;
}

static bool
add_property(struct results *results, const char *const *property)
{
	char word[WORD_SIZE];
	size_t used;

	(void)snprintf(word, sizeof(word), "%.32s.%.64s=", property[0], property[1]);
	used = strlen(word);
	return add_value(word, &used, property[2]) && add_word(results, word, false);
}

static bool
add_reason(struct results *results, const char *reason)
{
	char word[WORD_SIZE] = "reason=";
	size_t used = strlen(word);

	return add_value(word, &used, reason) && add_word(results, word, false);
}

bool
results_add(struct results *results, const char *method, const char *result, const char *reason,
	    const char *const *properties, size_t count)
{
	struct results before = {.length = results->length, .column = results->column};
	char word[128];
	bool fits = results->length + 2 < RESULTS_SIZE;

	if (fits) {
		results->text[results->length++] = ';';
		results->text[results->length] = '\0';
	}
	(void)snprintf(word, sizeof(word), "%.32s=%.32s", method, result);
	fits = fits && add_word(results, word, true);
	if (fits && reason != NULL && reason[0] != '\0')
		fits = add_reason(results, reason);
	for (size_t i = 0; i < count && fits; i++)
		fits = add_property(results, properties + 3 * i);
	if (fits) {
		results->count++;
		return true;
	}
	results->length = before.length;
	results->column = before.column;
	results->text[results->length] = '\0';
	return false;
}

const char *
results_end(struct results *results)
{
	if (results->count == 0 && results->length + sizeof("; none") <= RESULTS_SIZE) {
		memcpy(results->text + results->length, "; none", sizeof("; none"));
		results->length += strlen("; none");
		results->count = 1;
	}
	return results->text;
}

/* -- Read --------------------------------------------------------------------------------- */

/* Behind blanks, folds and comments (RFC 5322 3.2.2: CFWS); -1 at a comment without an end. */
static int
skip_cfws(struct mime_text value, size_t *at)
{
	unsigned depth = 0;

	for (; *at < value.length; (*at)++) {
		char c = value.at[*at];

		if (depth > 0 && c == '\\')
			(*at)++;
		else if (c == '(')
			depth++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth == 0 && !ascii_is_fws(c))
			return 0;
	}
	return depth == 0 ? 0 : -1;
}

/* RFC 8601 5: the id may have U-labels. */
static bool
is_id_char(char c)
{
	return is_token_char(c) || (unsigned char)c > 127;
}

/*
 * A token or a quoted string; blanks in its quotes are left out, since who compares may strip them.
 * False if it is too long or has no end.
 */
static bool
take_id(struct mime_text value, size_t *at, char *out, size_t size)
{
	bool quoted = value.at[*at] == '"';
	size_t used = 0;

	for (*at += quoted ? 1 : 0; *at < value.length; (*at)++) {
		char c = value.at[*at];

		if (quoted ? c == '"' : !is_id_char(c))
			break;
		if (quoted && c == '\\' && *at + 1 < value.length)
			c = value.at[++*at];
		if (ascii_is_fws(c))
			continue;
		if (c == '\0' || used + 1 >= size)
			return false;
		out[used++] = c;
	}
	out[used] = '\0';
	if (!quoted)
		return true;
	return (*at)++ < value.length;
}

/*
 * Behind the id: a version, ";", or nothing. Who writes none begins with "method=result", as
 * Exchange does.
 */
static bool
is_id_end(struct mime_text value, size_t at)
{
	if (skip_cfws(value, &at) == -1)
		return false;
	return at >= value.length || value.at[at] == ';' || value.at[at] == '=' ||
	       ascii_is_digit(value.at[at]);
}

bool
results_id(struct mime_text value, char *out, size_t size)
{
	char text[2 * HOST_NAME_SIZE], ascii[HOST_NAME_SIZE];
	struct error err;
	size_t at = 0, used = 0;

	if (skip_cfws(value, &at) == -1 || at >= value.length ||
	    !take_id(value, &at, text, sizeof(text)) || !is_id_end(value, at) ||
	    idn_to_ascii(text, ascii, &err) == -1)
		return false;
	/* A blank that is none of ASCII's has become one. */
	for (const char *c = ascii; *c != '\0'; c++) {
		if (ascii_is_fws(*c))
			continue;
		if (used + 1 >= size)
			return false;
		out[used++] = ascii_lower(*c);
	}
	if (used > 0 && out[used - 1] == '.')
		used--;
	out[used] = '\0';
	return used > 0;
}
