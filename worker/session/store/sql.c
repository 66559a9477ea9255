/* SPDX-License-Identifier: ISC */
#include "worker/session/store/sql.h"

#include <stdlib.h>
#include <string.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/store_private.h"

struct sql_value
sql_text(const char *text)
{
	return (struct sql_value){SQL_IS_TEXT, 0, text, text == NULL ? 0 : strlen(text)};
}

/* NULL: not kept yet. *BUSY: it is, but in use. */
static struct sql_kept *
find(struct store *store, const char *sql, bool *busy)
{
	*busy = false;
	for (size_t i = 0; i < store->kept_count; i++)
		if (store->kept[i].sql == sql) {
			*busy = store->kept[i].used;
			return &store->kept[i];
		}
	return NULL;
}

/* NULL: no room; then the statement is not kept. */
static struct sql_kept *
keep(struct store *store, const char *sql, sqlite3_stmt *stmt)
{
	struct sql_kept *kept;

	if (store->kept_count == SQL_KEPT_MAX)
		return NULL;
	kept = &store->kept[store->kept_count++];
	kept->sql = sql;
	kept->stmt = stmt;
	kept->used = true;
	return kept;
}

static enum store_result
get(struct store *store, const char *sql, sqlite3_stmt **stmt, struct error *err)
{
	bool busy;
	struct sql_kept *kept = find(store, sql, &busy);

	if (kept != NULL && !busy) {
		kept->used = true;
		*stmt = kept->stmt;
		return STORE_OK;
	}
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) !=
	    SQLITE_OK) {
		*stmt = NULL;
		return store_sql_failed(store->db, "index.db", err);
	}
	if (!busy)
		(void)keep(store, sql, *stmt);
	return STORE_OK;
}

void
sql_end(struct store *store, sqlite3_stmt *stmt)
{
	if (stmt == NULL)
		return;
	for (size_t i = 0; i < store->kept_count; i++)
		if (store->kept[i].stmt == stmt) {
			sqlite3_reset(stmt);
			sqlite3_clear_bindings(stmt);
			store->kept[i].used = false;
			return;
		}
	sqlite3_finalize(stmt);
}

static int
bind_value(sqlite3_stmt *stmt, int index, const struct sql_value *value)
{
	if (value->type == SQL_IS_INTEGER)
		return sqlite3_bind_int64(stmt, index, value->integer);
	if (value->bytes == NULL)
		return sqlite3_bind_null(stmt, index);
	if (value->type == SQL_IS_TEXT)
		return sqlite3_bind_text64(stmt, index, value->bytes, value->length, SQLITE_STATIC,
					   SQLITE_UTF8);
	return sqlite3_bind_blob64(stmt, index, value->bytes, value->length, SQLITE_STATIC);
}

enum store_result
sql_start_values(struct store *store, sqlite3_stmt **stmt, struct error *err, const char *sql,
		 const struct sql_value *values, size_t count)
{
	enum store_result result = get(store, sql, stmt, err);

	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < count; i++)
		if (bind_value(*stmt, (int)i + 1, &values[i]) != SQLITE_OK) {
			result = store_sql_failed(store->db, "index.db", err);
			sql_end(store, *stmt);
			*stmt = NULL;
			return result;
		}
	return STORE_OK;
}

enum store_result
sql_next(struct store *store, sqlite3_stmt *stmt, bool *row, struct error *err)
{
	int code = sqlite3_step(stmt);

	*row = code == SQLITE_ROW;
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return STORE_OK;
	return store_sql_failed(store->db, "index.db", err);
}

enum store_result
sql_run_values(struct store *store, struct error *err, const char *sql,
	       const struct sql_value *values, size_t count)
{
	sqlite3_stmt *stmt;
	enum store_result result = sql_start_values(store, &stmt, err, sql, values, count);
	bool row;

	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	sql_end(store, stmt);
	return result;
}

const char *
sql_column(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

void
sql_forget(struct store *store)
{
	size_t left = 0;

	for (size_t i = 0; i < store->kept_count; i++) {
		if (store->kept[i].used)
			store->kept[left++] = store->kept[i];
		else
			sqlite3_finalize(store->kept[i].stmt);
	}
	store->kept_count = left;
}
