/* SPDX-License-Identifier: ISC */
#include "worker/session/store/keywords.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* The next word of *LIST, which goes behind it; NULL: there is none. */
static const char *
next_word(const char **list, size_t *length)
{
	const char *word = *list + strspn(*list, " ");

	*length = strcspn(word, " ");
	*list = word + *length;
	return *length > 0 ? word : NULL;
}

int
keywords_check(const char *list, struct error *err)
{
	const char *rest = list;
	size_t length;

	for (const char *p = list; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e || strchr("(){%*\"\\]", *p) != NULL)
			return error_set(err, "a keyword is an atom of ASCII characters");
	while (next_word(&rest, &length) != NULL)
		if (length > KEYWORD_MAX)
			return error_set(err, "a keyword can't be longer than %d octets",
					 KEYWORD_MAX);
	return 0;
}

bool
keywords_has(const char *list, const char *word, size_t length)
{
	const char *other;
	size_t other_length;

	while ((other = next_word(&list, &other_length)) != NULL)
		if (other_length == length && strncasecmp(other, word, length) == 0)
			return true;
	return false;
}

static int
append(char out[KEYWORDS_SIZE], size_t *used, const char *word, size_t length)
{
	if (length + 2 > KEYWORDS_SIZE - *used)
		return -1;
	if (*used > 0)
		out[(*used)++] = ' ';
	memcpy(out + *used, word, length);
	*used += length;
	out[*used] = '\0';
	return 0;
}

/* Those of LIST that are (not) in FILTER, behind what OUT has. Returns how many, or -1. */
static int
append_some(char out[KEYWORDS_SIZE], size_t *used, const char *list, const char *filter, bool in)
{
	const char *word;
	size_t length;
	int count = 0;

	while ((word = next_word(&list, &length)) != NULL) {
		if (keywords_has(filter, word, length) != in)
			continue;
		if (append(out, used, word, length) == -1)
			return -1;
		count++;
	}
	return count;
}

int
keywords_apply(enum store_flags_how how, const char *old, const char *change,
	       char out[KEYWORDS_SIZE], bool *changed)
{
	size_t used = 0, before = strlen(old);
	int added = 0;

	out[0] = '\0';
	switch (how) {
	case STORE_FLAGS_ADD:
	case STORE_FLAGS_REPLACE:
		/* Kept ones first: the order of an unchanged set stays. */
		if (append_some(out, &used, old, how == STORE_FLAGS_ADD ? "" : change,
				how == STORE_FLAGS_REPLACE) == -1)
			return -1;
		added = append_some(out, &used, change, old, false);
		break;
	case STORE_FLAGS_REMOVE:
		added = append_some(out, &used, old, change, false) == -1 ? -1 : 0;
		break;
	}
	if (added == -1)
		return -1;
	*changed = added > 0 || used != before;
	return 0;
}

/*
 * -- A folder's list ----------------------------------------------------------------
 */

static enum store_result
check_room(struct store *store, int64_t folder, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool full;

	result = sql_start(store, &stmt, err,
			   "SELECT 1 FROM folder_keywords WHERE folder = ?1 LIMIT 1 OFFSET ?2",
			   SQL_INT(folder), SQL_INT(KEYWORDS_FOLDER - 1));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &full, err);
	sql_end(store, stmt);
	if (result == STORE_OK && full) {
		error_set(err, "there are %d different keywords in the folder already",
			  KEYWORDS_FOLDER);
		return STORE_LIMIT;
	}
	return result;
}

/* In the folder's spelling; what is not in its list as it is, or put there. */
static enum store_result
spell(struct store *store, int64_t folder, bool new_ones, char word[KEYWORD_MAX + 1],
      struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err,
			   "SELECT name FROM folder_keywords WHERE folder = ?1 AND name = ?2",
			   SQL_INT(folder), SQL_TEXT(word));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && row)
		strlcpy(word, sql_column(stmt, 0), KEYWORD_MAX + 1);
	sql_end(store, stmt);
	if (result != STORE_OK || row || !new_ones)
		return result;
	result = check_room(store, folder, err);
	if (result == STORE_OK)
		result = sql_run(store, err, "INSERT INTO folder_keywords VALUES (?1, ?2)",
				 SQL_INT(folder), SQL_TEXT(word));
	return result;
}

enum store_result
keywords_spell(struct store *store, int64_t folder, const char *list, bool new_ones,
	       char out[KEYWORDS_SIZE], struct error *err)
{
	enum store_result result = STORE_OK;
	char spelt[KEYWORD_MAX + 1];
	const char *word;
	size_t length, used = 0;

	out[0] = '\0';
	if (list == NULL)
		return STORE_OK;
	if (keywords_check(list, err) == -1)
		return STORE_REFUSED;
	while ((word = next_word(&list, &length)) != NULL) {
		if (keywords_has(out, word, length))
			continue;
		memcpy(spelt, word, length);
		spelt[length] = '\0';
		result = spell(store, folder, new_ones, spelt, err);
		if (result != STORE_OK)
			return result;
		if (append(out, &used, spelt, length) == -1) {
			error_set(err, "more than %d octets of keywords", KEYWORDS_SIZE - 1);
			return STORE_LIMIT;
		}
	}
	return STORE_OK;
}

enum store_result
keywords_copied(struct store *store, int64_t folder, uint32_t uid, struct error *err)
{
	char list[KEYWORDS_SIZE] = "", unused[KEYWORDS_SIZE];
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err,
			   "SELECT keywords FROM placements WHERE folder = ?1 AND uid = ?2",
			   SQL_INT(folder), SQL_INT(uid));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && row)
		strlcpy(list, sql_column(stmt, 0), sizeof(list));
	sql_end(store, stmt);
	if (result == STORE_OK)
		result = keywords_spell(store, folder, list, true, unused, err);
	return result;
}

enum store_result
store_keywords(struct store *store, int64_t folder, char **text, struct error *err)
{
	static const char sql[] = "SELECT ifnull(group_concat(name, ' '), '') FROM"
				  " (SELECT name FROM folder_keywords WHERE folder = ?1"
				  "  ORDER BY name)";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*text = NULL;
	result = sql_start(store, &stmt, err, sql, SQL_INT(folder));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK) {
		*text = strdup(sql_column(stmt, 0));
		if (*text == NULL) {
			error_errno(err, "keywords");
			result = STORE_TEMPORARY;
		}
	}
	sql_end(store, stmt);
	return result;
}
