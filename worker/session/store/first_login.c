/* SPDX-License-Identifier: ISC */
/* The folders that clients look for, once in a mailbox's life. */
#include <strings.h>
#include <time.h>

#include "worker/session/store/folder_change.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

static const struct {
	const char *name;
	uint32_t use;
} folders[] = {
    {"Archive", STORE_USE_ARCHIVE}, {"Drafts", STORE_USE_DRAFTS}, {"Junk", STORE_USE_JUNK},
    {"Sent", STORE_USE_SENT},       {"Trash", STORE_USE_TRASH},
};

static enum store_result
is_first(struct store *store, bool *first, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;

	result = sql_start_values(store, &stmt, err, "SELECT 1 FROM account WHERE first_login = 0",
				  NULL, 0);
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, first, err);
	sql_end(store, stmt);
	return result;
}

/* One that a client or an import made under that name is taken for it. */
static enum store_result
make(struct store *store, const char *name, uint32_t use, struct error *err)
{
	enum store_result result;
	int64_t id;

	result = folder_make(store, name, use, &id, err);
	if (result == STORE_EXISTS)
		result = sql_run(store, err,
				 "UPDATE folders SET use = ?2 WHERE name = ?1 AND use = 0"
				 " AND NOT EXISTS (SELECT 1 FROM folders WHERE use & ?2 <> 0)",
				 SQL_TEXT(name), SQL_INT(use));
	else if (result == STORE_REFUSED)
		return STORE_OK; /* another folder has that use */
	if (result == STORE_OK)
		result = sql_run(store, err, "INSERT OR IGNORE INTO subscriptions VALUES (?1)",
				 SQL_TEXT(name));
	return result;
}

/* By its use, or by its name. */
static enum store_result
find_junk(struct store *store, int64_t *id, bool *found, struct error *err)
{
	sqlite3_stmt *stmt;
	enum store_result result =
	    sql_start(store, &stmt, err,
		      "SELECT id FROM folders WHERE use & ?1 <> 0 OR name = 'Junk'"
		      " ORDER BY use & ?1 = 0 LIMIT 1",
		      SQL_INT(STORE_USE_JUNK));

	*found = false;
	if (result == STORE_OK)
		result = sql_next(store, stmt, found, err);
	if (result == STORE_OK && *found)
		*id = sqlite3_column_int64(stmt, 0);
	sql_end(store, stmt);
	return result;
}

enum store_result
folder_junk(struct store *store, int64_t *id, struct error *err)
{
	bool found;
	enum store_result result = find_junk(store, id, &found, err);

	if (result != STORE_OK || found)
		return result;
	result = make(store, "Junk", STORE_USE_JUNK, err);
	if (result == STORE_OK)
		result = find_junk(store, id, &found, err);
	if (result == STORE_LIMIT || (result == STORE_OK && !found)) {
		*id = INBOX_ID;
		return STORE_OK;
	}
	return result;
}

/* Names that have a use are no tags' even before the folders have it. */
static bool
has_use(const char *name)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strcasecmp(folders[i].name, name) == 0)
			return true;
	}
	return false;
}

enum store_result
folder_by_tag(struct store *store, const char *tag, int64_t *id, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool found = false;

	*id = INBOX_ID;
	if (has_use(tag))
		return STORE_OK;
	result = sql_start(store, &stmt, err,
			   "SELECT id FROM folders WHERE name = ?1 COLLATE NOCASE AND use = 0"
			   " ORDER BY name <> ?1, id LIMIT 1",
			   SQL_TEXT(tag));
	if (result == STORE_OK)
		result = sql_next(store, stmt, &found, err);
	if (result == STORE_OK && found)
		*id = sqlite3_column_int64(stmt, 0);
	sql_end(store, stmt);
	return result;
}

static enum store_result
make_all(struct store *store, struct error *err)
{
	enum store_result result =
	    sql_run(store, err, "UPDATE account SET first_login = ?1", SQL_INT(time(NULL)));

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && result == STORE_OK; i++)
		result = make(store, folders[i].name, folders[i].use, err);
	return result;
}

enum store_result
store_first_login(struct store *store, struct error *err)
{
	enum store_result result;
	bool first;

	result = is_first(store, &first, err);
	if (result != STORE_OK || !first)
		return result;
	result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result = make_all(store, err);
	return transaction_end(store, result, NULL, err);
}
