/* SPDX-License-Identifier: ISC */
#include "worker/filter/results.h"

#include <stdio.h>
#include <string.h>

#include "common/ascii.h"

#define LINE_MAX_WISHED 78 /* RFC 5322 2.1.1 */
#define WORD_SIZE 1024

/* -- Composed ----------------------------------------------------------------------------- */

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
		else if (!ascii_is_token(*c))
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
