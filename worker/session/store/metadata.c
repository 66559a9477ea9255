/* SPDX-License-Identifier: ISC */
/* Annotations of folders and of the server (RFC 5464). */
#include <string.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define ENTRY_MAX 255
#define VALUE_MAX ((size_t)64 << 10)
#define ENTRIES_MAX 1000

static enum store_result
check(const char *entry, size_t length, struct error *err)
{
	size_t entry_length = strnlen(entry, ENTRY_MAX + 1);

	if (entry_length == 0 || entry_length > ENTRY_MAX || entry[0] != '/') {
		error_set(err, "not the name of an annotation");
		return STORE_REFUSED;
	}
	if (length > VALUE_MAX) {
		error_set(err, "an annotation can't be larger than %zu octets", VALUE_MAX);
		return STORE_LIMIT;
	}
	return STORE_OK;
}

/* Is there another one's room? */
static enum store_result
check_room(struct store *store, int64_t folder, const char *entry, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool full;

	result = sql_start(store, &stmt, err,
			   "SELECT 1 FROM metadata INDEXED BY metadata_names"
			   " WHERE folder = ?1 AND entry <> ?2 LIMIT 1 OFFSET ?3",
			   SQL_INT(folder), SQL_TEXT(entry), SQL_INT(ENTRIES_MAX - 1));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &full, err);
	sql_end(store, stmt);
	if (result == STORE_OK && full) {
		error_set(err, "there are %d annotations already", ENTRIES_MAX);
		return STORE_LIMIT;
	}
	return result;
}

static enum store_result
set(struct store *store, int64_t folder, const char *entry, const void *value, size_t length,
    struct error *err)
{
	enum store_result result = STORE_OK;
	struct store_folder about;

	if (folder != 0)
		result = store_folder_by_id(store, folder, &about, NULL, err);
	if (result == STORE_OK && value != NULL)
		result = check_room(store, folder, entry, err);
	if (result != STORE_OK)
		return result;
	if (value == NULL)
		return sql_run(store, err, "DELETE FROM metadata WHERE folder = ?1 AND entry = ?2",
			       SQL_INT(folder), SQL_TEXT(entry));
	return sql_run(store, err, "INSERT OR REPLACE INTO metadata VALUES (?1, ?2, ?3)",
		       SQL_INT(folder), SQL_TEXT(entry), SQL_BLOB(value, length));
}

enum store_result
store_metadata_set(struct store *store, int64_t folder, const struct store_annotation *list,
		   size_t count, struct error *err)
{
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < count && result == STORE_OK; i++)
		result = check(list[i].entry, list[i].length, err);
	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		result = set(store, folder, list[i].entry, list[i].value, list[i].length, err);
	result = transaction_end(store, result, NULL, err);
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		transaction_tell_noted(store, folder, list[i].entry);
	return result;
}

enum store_result
store_metadata(struct store *store, int64_t folder, store_metadata_fn *each, void *arg,
	       struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err,
			   "SELECT entry, value FROM metadata WHERE folder = ?1 ORDER BY entry",
			   SQL_INT(folder));
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row) {
		const void *value = sqlite3_column_blob(stmt, 1);
		size_t length = (size_t)sqlite3_column_bytes(stmt, 1);

		/* An empty blob is NULL in SQLite's hands. */
		each(sql_column(stmt, 0), value != NULL ? value : "", length, arg);
	}
	sql_end(store, stmt);
	return result;
}
