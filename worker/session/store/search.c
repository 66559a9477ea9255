/* SPDX-License-Identifier: ISC */
/* store_candidates(): what the full-text index does not rule out. */
#include "worker/session/store/search.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* More of them rule out little more. */
#define TRIGRAMS_MAX 64

struct numbers {
	int64_t *list;
	size_t count, room;
};

static bool
add(struct numbers *numbers, int64_t number)
{
	if (numbers->count == numbers->room) {
		size_t more = numbers->room + numbers->room / 2 + 64;
		int64_t *bigger = reallocarray(numbers->list, more, sizeof(*bigger));

		if (bigger == NULL)
			return false;
		numbers->list = bigger;
		numbers->room = more;
	}
	numbers->list[numbers->count++] = number;
	return true;
}

static int
compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/*
 * -- The expression -------------------------------------------------------------------
 */

/* Behind the character at TEXT. Words are UTF-8; whatever they are, it stops at the NUL. */
static const char *
next_character(const char *text)
{
	if (*text == '\0')
		return text;
	do
		text++;
	while (((unsigned char)*text & 0xc0) == 0x80);
	return text;
}

static size_t
count_trigrams(const char *word)
{
	size_t characters = 0;

	for (; *word != '\0'; word = next_character(word))
		characters++;
	return characters < 3 ? 0 : characters - 2;
}

/* Appends "abc", with a quote in it doubled (FTS5's strings). */
static char *
put_trigram(char *out, const char *from, const char *end, bool first)
{
	if (!first)
		out = stpcpy(out, " AND ");
	*out++ = '"';
	for (; from < end; from++) {
		if (*from == '"')
			*out++ = '"';
		*out++ = *from;
	}
	*out++ = '"';
	*out = '\0';
	return out;
}

char *
search_expression(const char *const *words, size_t word_count, bool *none)
{
	/* A trigram: three characters of at most four octets, or quotes doubled. */
	char *expression = malloc(TRIGRAMS_MAX * (3 * 4 + 2 + sizeof(" AND ")) + 1), *out;
	size_t total = 0, seen = 0, step;

	*none = false;
	if (expression == NULL)
		return NULL;
	out = expression;
	*out = '\0';
	for (size_t i = 0; i < word_count; i++)
		total += count_trigrams(words[i]);
	step = total / TRIGRAMS_MAX + 1;
	for (size_t i = 0; i < word_count; i++) {
		size_t count = count_trigrams(words[i]);
		const char *from = words[i];

		for (size_t j = 0; j < count; j++, from = next_character(from)) {
			const char *end = next_character(next_character(next_character(from)));

			if (seen++ % step == 0 && (size_t)(end - from) <= 12)
				out = put_trigram(out, from, end, out == expression);
		}
	}
	if (out != expression)
		return expression;
	*none = true;
	free(expression);
	return NULL;
}

/*
 * -- Messages -----------------------------------------------------------------------------
 */

/* Ids of messages by SQL, with TEXT (may be NULL) for ?1. */
static enum store_result
collect(struct search *search, const char *sql, const char *text, struct numbers *ids,
	struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	bool memory = true;
	int code;

	code = sqlite3_prepare_v2(search->db, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK && text != NULL)
		code = sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		while (memory && (code = sqlite3_step(stmt)) == SQLITE_ROW)
			memory = add(ids, sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
	if (!memory) {
		error_errno(err, "search");
		return STORE_TEMPORARY;
	}
	if (code == SQLITE_DONE)
		return STORE_OK;
	error_set(err, "search.db: %s", sqlite3_errmsg(search->db));
	return STORE_DAMAGED;
}

static enum store_result
add_rows(struct store *store, sqlite3_stmt *stmt, struct numbers *uids, struct error *err)
{
	enum store_result result;
	bool row;

	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row)
		if (!add(uids, sqlite3_column_int64(stmt, 0))) {
			error_errno(err, "search");
			return STORE_TEMPORARY;
		}
	return result;
}

/* UIDs of messages that came after what is indexed. */
static enum store_result
add_unindexed(struct store *store, int64_t folder, int64_t indexed, struct numbers *uids,
	      struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;

	result = sql_start(store, &stmt, err,
			   "SELECT uid FROM placements INDEXED BY placements_message"
			   " WHERE message > ?1 AND folder = ?2",
			   SQL_INT(indexed), SQL_INT(folder));
	if (result == STORE_OK)
		result = add_rows(store, stmt, uids, err);
	sql_end(store, stmt);
	return result;
}

static enum store_result
add_each(struct store *store, int64_t folder, const struct numbers *ids, struct numbers *uids,
	 struct error *err)
{
	enum store_result result = STORE_OK;
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < ids->count && result == STORE_OK; i++) {
		result = sql_start(store, &stmt, err,
				   "SELECT uid FROM placements INDEXED BY placements_message"
				   " WHERE message = ?1 AND folder = ?2",
				   SQL_INT(ids->list[i]), SQL_INT(folder));
		if (result == STORE_OK)
			result = add_rows(store, stmt, uids, err);
		sql_end(store, stmt);
	}
	return result;
}

/* Where much was found, one walk through the folder is faster than a look-up each. */
static enum store_result
add_by_walk(struct store *store, int64_t folder, const struct numbers *ids, struct numbers *uids,
	    struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result =
	    sql_start(store, &stmt, err, "SELECT uid, message FROM placements WHERE folder = ?1",
		      SQL_INT(folder));
	while (result == STORE_OK && (result = sql_next(store, stmt, &row, err)) == STORE_OK &&
	       row) {
		int64_t message = sqlite3_column_int64(stmt, 1);

		if (bsearch(&message, ids->list, ids->count, sizeof(message), compare) != NULL &&
		    !add(uids, sqlite3_column_int64(stmt, 0))) {
			error_errno(err, "search");
			result = STORE_TEMPORARY;
		}
	}
	sql_end(store, stmt);
	return result;
}

static enum store_result
to_uids(struct store *store, int64_t folder, struct numbers *ids, struct numbers *uids,
	struct error *err)
{
	struct store_folder about;
	enum store_result result = store_folder_by_id(store, folder, &about, NULL, err);

	if (result != STORE_OK || ids->count == 0)
		return result;
	if (ids->count < about.messages / 4)
		return add_each(store, folder, ids, uids, err);
	qsort(ids->list, ids->count, sizeof(*ids->list), compare);
	return add_by_walk(store, folder, ids, uids, err);
}

static enum store_result
give_uids(struct numbers *numbers, uint32_t **uids, size_t *count, struct error *err)
{
	if (numbers->count == 0)
		return STORE_OK;
	qsort(numbers->list, numbers->count, sizeof(*numbers->list), compare);
	*uids = reallocarray(NULL, numbers->count, sizeof(**uids));
	if (*uids == NULL) {
		error_errno(err, "search");
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < numbers->count; i++)
		if (i == 0 || numbers->list[i] != numbers->list[i - 1])
			(*uids)[(*count)++] = (uint32_t)numbers->list[i];
	return STORE_OK;
}

/* *ALL: the index could not be asked. */
static enum store_result
ask(struct store *store, struct search *search, int64_t folder, const char *expression, bool *all,
    struct numbers *uids, struct error *err)
{
	struct numbers ids = {NULL, 0, 0};
	enum store_result result;

	result =
	    collect(search, "SELECT rowid FROM words WHERE words MATCH ?1", expression, &ids, err);
	if (result == STORE_OK)
		result = collect(search, "SELECT message FROM large", NULL, &ids, err);
	if (result == STORE_DAMAGED) {
		search_discard(store);
		*all = true;
		result = STORE_OK;
	} else if (result == STORE_OK) {
		result = to_uids(store, folder, &ids, uids, err);
		if (result == STORE_OK)
			result = add_unindexed(store, folder, search->indexed, uids, err);
	}
	free(ids.list);
	return result;
}

enum store_result
store_candidates(struct store *store, int64_t folder, const char *const *words, size_t word_count,
		 uint32_t **uids, size_t *count, bool *all, struct error *err)
{
	struct search *search = search_open(store, false);
	struct numbers numbers = {NULL, 0, 0};
	enum store_result result = STORE_OK;
	char *expression;

	*uids = NULL;
	*count = 0;
	*all = true;
	if (search == NULL || search->indexed == 0)
		return STORE_OK;
	expression = search_expression(words, word_count, all);
	if (expression == NULL) {
		*all = true;
		return STORE_OK;
	}
	result = ask(store, search, folder, expression, all, &numbers, err);
	if (result == STORE_OK && !*all)
		result = give_uids(&numbers, uids, count, err);
	free(numbers.list);
	free(expression);
	return result;
}
