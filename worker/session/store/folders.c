/* SPDX-License-Identifier: ISC */
/* Reading folders. */
#include <string.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define COLUMNS                                                                              \
	"f.id, f.uidvalidity, f.uidnext, f.highestmodseq, f.messages, f.unseen, f.deleted, " \
	"f.size, f.recent_from, f.use, f.append_limit, f.object, s.name IS NOT NULL, "       \
	"f.uid_floor, "

static void
fill(sqlite3_stmt *stmt, struct store_folder *folder)
{
	*folder = (struct store_folder){
	    .id = sqlite3_column_int64(stmt, 0),
	    .uidvalidity = (uint32_t)sqlite3_column_int64(stmt, 1),
	    .uidnext = (uint32_t)sqlite3_column_int64(stmt, 2),
	    .highestmodseq = (uint64_t)sqlite3_column_int64(stmt, 3),
	    .messages = (uint32_t)sqlite3_column_int64(stmt, 4),
	    .unseen = (uint32_t)sqlite3_column_int64(stmt, 5),
	    .deleted = (uint32_t)sqlite3_column_int64(stmt, 6),
	    .size = (uint64_t)sqlite3_column_int64(stmt, 7),
	    .recent_from = (uint32_t)sqlite3_column_int64(stmt, 8),
	    .use = (uint32_t)sqlite3_column_int64(stmt, 9),
	    .append_limit = (uint32_t)sqlite3_column_int64(stmt, 10),
	    .subscribed = sqlite3_column_int(stmt, 12) != 0,
	    .uid_floor = (uint32_t)sqlite3_column_int64(stmt, 13),
	};
	strlcpy(folder->object, sql_column(stmt, 11), sizeof(folder->object));
}

static enum store_result
one(struct store *store, const char *sql, struct sql_value key, struct store_folder *folder,
    char *name, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err, sql, key);
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && row) {
		fill(stmt, folder);
		if (name != NULL)
			strlcpy(name, sql_column(stmt, 14), STORE_NAME_MAX + 1);
	} else if (result == STORE_OK) {
		result = STORE_GONE;
	}
	sql_end(store, stmt);
	return result;
}

enum store_result
store_folder(struct store *store, const char *name, struct store_folder *folder, struct error *err)
{
	static const char sql[] = "SELECT " COLUMNS "f.name FROM folders f"
				  " LEFT JOIN subscriptions s ON s.name = f.name WHERE f.name = ?1";
	enum store_result result = one(store, sql, SQL_TEXT(name), folder, NULL, err);

	if (result == STORE_GONE)
		error_set(err, "no folder %.200s", name);
	return result;
}

enum store_result
store_folder_by_id(struct store *store, int64_t folder, struct store_folder *about, char *name,
		   struct error *err)
{
	static const char sql[] = "SELECT " COLUMNS "f.name FROM folders f"
				  " LEFT JOIN subscriptions s ON s.name = f.name WHERE f.id = ?1";
	enum store_result result = one(store, sql, SQL_INT(folder), about, name, err);

	if (result == STORE_GONE)
		error_set(err, "the folder is gone");
	return result;
}

enum store_result
store_folders(struct store *store, store_folder_fn *each, void *arg, struct error *err)
{
	static const char sql[] =
	    "SELECT " COLUMNS "f.name AS name FROM folders f"
	    " LEFT JOIN subscriptions s ON s.name = f.name"
	    " UNION ALL SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 1, 0, s.name FROM "
	    "subscriptions s"
	    " WHERE NOT EXISTS (SELECT 1 FROM folders f WHERE f.name = s.name)"
	    " ORDER BY name";
	enum store_result result;
	struct store_folder folder;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start_values(store, &stmt, err, sql, NULL, 0);
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row) {
		fill(stmt, &folder);
		each(sql_column(stmt, 14), &folder, arg);
	}
	sql_end(store, stmt);
	return result;
}

enum store_result
store_take_recent(struct store *store, int64_t folder, struct error *err)
{
	enum store_result result = transaction_begin_unsynced(store, err);

	if (result != STORE_OK)
		return result;
	result = sql_run(store, err,
			 "UPDATE folders SET recent_from = uidnext"
			 " WHERE id = ?1 AND recent_from <> uidnext",
			 SQL_INT(folder));
	return transaction_end_unsynced(store, result, err);
}
