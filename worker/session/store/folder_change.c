/* SPDX-License-Identifier: ISC */
/* Making, removing and renaming folders; subscriptions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/store/account.h"
#include "worker/session/store/folder_change.h"
#include "worker/session/store/folder_name.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define FOLDERS_MAX 20000
#define SUBSCRIPTIONS_MAX 20000

/* Is there a row? */
static enum store_result
exists(struct store *store, bool *yes, struct error *err, const char *sql,
       const struct sql_value *values, size_t count)
{
	enum store_result result;
	sqlite3_stmt *stmt;

	result = sql_start_values(store, &stmt, err, sql, values, count);
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, yes, err);
	sql_end(store, stmt);
	return result;
}

static enum store_result
check_name(const char *name, struct error *err)
{
	return folder_name_check(name, err) == 0 ? STORE_OK : STORE_REFUSED;
}

/*
 * -- Making -----------------------------------------------------------------------
 */

static enum store_result
check_new(struct store *store, const char *name, uint32_t use, struct error *err)
{
	const struct sql_value name_value = SQL_TEXT(name), use_value = SQL_INT(use),
			       max_value = SQL_INT(FOLDERS_MAX - 1);
	enum store_result result;
	bool yes;

	result = exists(store, &yes, err, "SELECT 1 FROM folders WHERE name = ?1", &name_value, 1);
	if (result == STORE_OK && yes) {
		error_set(err, "there is a folder %.200s already", name);
		return STORE_EXISTS;
	}
	if (result == STORE_OK && use != 0)
		result = exists(store, &yes, err, "SELECT 1 FROM folders WHERE use & ?1 <> 0",
				&use_value, 1);
	if (result == STORE_OK && yes) {
		error_set(err, "another folder has that use");
		return STORE_REFUSED;
	}
	if (result == STORE_OK)
		result = exists(store, &yes, err, "SELECT 1 FROM folders LIMIT 1 OFFSET ?1",
				&max_value, 1);
	if (result == STORE_OK && yes) {
		error_set(err, "there are %d folders already", FOLDERS_MAX);
		return STORE_LIMIT;
	}
	return result;
}

enum store_result
folder_make(struct store *store, const char *name, uint32_t use, int64_t *id, struct error *err)
{
	enum store_result result = check_new(store, name, use, err);
	uint32_t uidvalidity;

	if (result == STORE_OK)
		result = account_take_folder(store, id, &uidvalidity, err);
	if (result == STORE_OK)
		result = sql_run(store, err,
				 "INSERT INTO folders (id, name, uidvalidity, use, object)"
				 " VALUES (?1, ?2, ?3, ?4, lower(hex(randomblob(16))))",
				 SQL_INT(*id), SQL_TEXT(name), SQL_INT(uidvalidity), SQL_INT(use));
	if (result == STORE_OK)
		transaction_changed(store, 0);
	return result;
}

enum store_result
store_folder_create(struct store *store, const char *name, uint32_t use,
		    struct store_folder *folder, struct error *err)
{
	enum store_result result = check_name(name, err);
	int64_t id = 0;

	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result = folder_make(store, name, use, &id, err);
	result = transaction_end(store, result, NULL, err);
	if (result == STORE_OK && folder != NULL)
		result = store_folder_by_id(store, id, folder, NULL, err);
	return result;
}

/*
 * -- Removing ---------------------------------------------------------------------
 */

static enum store_result
empty(struct store *store, int64_t folder, struct error *err)
{
	struct ranges removed = {0};
	struct change change;
	enum store_result result = change_begin(store, folder, &change, err);

	if (result == STORE_OK)
		result =
		    remove_placements(store, &change, &ranges_all, 1, false, &removed, NULL, err);
	if (result == STORE_OK)
		result = change_end(store, &change, err);
	free(removed.list);
	return result;
}

enum store_result
store_folder_delete(struct store *store, const char *name, struct error *err)
{
	struct store_folder folder;
	enum store_result result;

	if (strcmp(name, "INBOX") == 0) {
		error_set(err, "INBOX can't be deleted");
		return STORE_REFUSED;
	}
	result = store_folder(store, name, &folder, err);
	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result = empty(store, folder.id, err);
	if (result == STORE_OK)
		result = sql_run(store, err, "DELETE FROM metadata WHERE folder = ?1",
				 SQL_INT(folder.id));
	if (result == STORE_OK)
		result =
		    sql_run(store, err, "DELETE FROM folders WHERE id = ?1", SQL_INT(folder.id));
	if (result == STORE_OK) {
		transaction_changed(store, folder.id);
		transaction_changed(store, 0);
	}
	result = transaction_end(store, result, NULL, err);
	if (result == STORE_OK)
		(void)remove_doomed(store, false);
	return result;
}

/*
 * -- Renaming ---------------------------------------------------------------------
 */

struct below {
	char from[STORE_NAME_MAX + 2]; /* NAME and "/" */
	char to[STORE_NAME_MAX + 2];   /* what sorts behind all that begins so: NAME and "0" */
};

static void
below(struct below *range, const char *name)
{
	snprintf(range->from, sizeof(range->from), "%s/", name);
	snprintf(range->to, sizeof(range->to), "%s0", name);
}

/* How long and deep the longest of the new names gets. */
static enum store_result
check_growth(struct store *store, const char *from, const struct below *old, const char *to,
	     struct error *err)
{
	static const char sql[] = "SELECT max(length(CAST(name AS BLOB))),"
				  " max(length(name) - length(replace(name, '/', ''))) FROM folders"
				  " WHERE name = ?1 OR (name > ?2 AND name < ?3)";
	enum store_result result;
	sqlite3_stmt *stmt;
	size_t length, levels;
	bool row;

	result = sql_start(store, &stmt, err, sql, SQL_TEXT(from), SQL_TEXT(old->from),
			   SQL_TEXT(old->to));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && sqlite3_column_type(stmt, 0) == SQLITE_NULL) {
		error_set(err, "no folder %.200s", from);
		result = STORE_GONE;
	} else if (result == STORE_OK) {
		length = (size_t)sqlite3_column_int64(stmt, 0) + strlen(to) - strlen(from);
		levels = (size_t)sqlite3_column_int64(stmt, 1) + 1 + folder_name_levels(to) -
			 folder_name_levels(from);
		if (length > STORE_NAME_MAX || levels > STORE_LEVELS_MAX) {
			error_set(err, "a folder below it would have too long or too deep a name");
			result = STORE_REFUSED;
		}
	}
	sql_end(store, stmt);
	return result;
}

/* By a name that no folder can have (it begins with octet 1), since old and new names may overlap
 * (a/b, with a/b/b in it, to a). */
static enum store_result
move_names(struct store *store, const char *from, const struct below *old, const char *to,
	   struct error *err)
{
	const struct sql_value values[] = {SQL_TEXT(to), SQL_TEXT(from)};
	enum store_result result;
	bool taken;

	result = sql_run(store, err,
			 "UPDATE folders SET name = char(1) || name"
			 " WHERE name = ?1 OR (name > ?2 AND name < ?3)",
			 SQL_TEXT(from), SQL_TEXT(old->from), SQL_TEXT(old->to));
	if (result == STORE_OK)
		result = exists(store, &taken, err,
				"SELECT 1 FROM folders f JOIN folders o"
				" ON o.name = ?1 || substr(f.name, length(?2) + 2)"
				" WHERE f.name > char(1) AND f.name < char(2)",
				values, 2);
	if (result != STORE_OK)
		return result;
	if (taken) {
		error_set(err, "there is a folder of that name already");
		return STORE_EXISTS;
	}
	return sql_run(store, err,
		       "UPDATE folders SET name = ?1 || substr(name, length(?2) + 2)"
		       " WHERE name > char(1) AND name < char(2)",
		       values[0], values[1]);
}

/* Its messages get new UIDs elsewhere; the folder stays, and its children too. */
static enum store_result
rename_inbox(struct store *store, const char *to, struct error *err)
{
	enum store_result result;
	int64_t target;

	result = folder_make(store, to, 0, &target, err);
	if (result == STORE_OK)
		result = copy_placements(store, INBOX_ID, &ranges_all, 1, target, true, NULL, err);
	return result;
}

static enum store_result
rename_tree(struct store *store, const char *from, const char *to, struct error *err)
{
	enum store_result result;
	struct below old;

	below(&old, from);
	if (strncmp(to, old.from, strlen(old.from)) == 0) {
		error_set(err, "a folder can't be moved into itself");
		return STORE_REFUSED;
	}
	result = check_growth(store, from, &old, to, err);
	if (result == STORE_OK)
		result = move_names(store, from, &old, to, err);
	if (result == STORE_OK)
		transaction_changed(store, 0);
	return result;
}

enum store_result
store_folder_rename(struct store *store, const char *from, const char *to, struct error *err)
{
	enum store_result result = check_name(to, err);

	if (result == STORE_OK)
		result = check_name(from, err);
	if (result == STORE_OK && strcmp(from, to) == 0) {
		error_set(err, "the old name and the new one are the same");
		result = STORE_EXISTS;
	}
	if (result == STORE_OK && strcmp(to, "INBOX") == 0) {
		error_set(err, "INBOX is there already");
		result = STORE_EXISTS;
	}
	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	if (strcmp(from, "INBOX") == 0)
		result = rename_inbox(store, to, err);
	else
		result = rename_tree(store, from, to, err);
	return transaction_end(store, result, NULL, err);
}

/*
 * -- Subscriptions ------------------------------------------------------------------
 */

static enum store_result
subscribe(struct store *store, const char *name, struct error *err)
{
	const struct sql_value max_value = SQL_INT(SUBSCRIPTIONS_MAX - 1);
	enum store_result result;
	bool full;

	result = exists(store, &full, err, "SELECT 1 FROM subscriptions LIMIT 1 OFFSET ?1",
			&max_value, 1);
	if (result == STORE_OK && full) {
		error_set(err, "there are %d subscriptions already", SUBSCRIPTIONS_MAX);
		return STORE_LIMIT;
	}
	if (result == STORE_OK)
		result = sql_run(store, err, "INSERT OR IGNORE INTO subscriptions VALUES (?1)",
				 SQL_TEXT(name));
	return result;
}

enum store_result
store_subscribe(struct store *store, const char *name, bool on, struct error *err)
{
	enum store_result result = on ? check_name(name, err) : STORE_OK;

	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result =
	    on ? subscribe(store, name, err)
	       : sql_run(store, err, "DELETE FROM subscriptions WHERE name = ?1", SQL_TEXT(name));
	if (result == STORE_OK)
		transaction_changed(store, 0);
	return transaction_end(store, result, NULL, err);
}
