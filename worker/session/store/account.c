/* SPDX-License-Identifier: ISC */
/* What belongs to the account as a whole: its one row, its quota. */
#include "worker/session/store/account.h"

#include <time.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

void
store_set_limits(struct store *store, uint64_t storage, uint64_t messages)
{
	store->storage_limit = storage;
	store->messages_limit = messages;
}

enum store_result
store_quota(struct store *store, struct store_quota *quota, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*quota = (struct store_quota){.storage_limit = store->storage_limit,
				      .messages_limit = store->messages_limit};
	result =
	    sql_start_values(store, &stmt, err, "SELECT storage, messages FROM account", NULL, 0);
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && row) {
		quota->storage = (uint64_t)sqlite3_column_int64(stmt, 0);
		quota->messages = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	sql_end(store, stmt);
	return result;
}

/* SQL gives back one number. */
static enum store_result
number(struct store *store, const char *sql, const struct sql_value *values, size_t count,
       int64_t *value, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start_values(store, &stmt, err, sql, values, count);
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && !row) {
		error_set(err, "index.db: the account's row is gone");
		result = STORE_DAMAGED;
	} else if (result == STORE_OK) {
		*value = sqlite3_column_int64(stmt, 0);
	}
	sql_end(store, stmt);
	return result;
}

enum store_result
account_take_messages(struct store *store, size_t count, int64_t *first, struct error *err)
{
	const struct sql_value values[] = {SQL_INT(count)};

	return number(store,
		      "UPDATE account SET next_message = next_message + ?1"
		      " RETURNING next_message - ?1",
		      values, 1, first, err);
}

enum store_result
account_take_folder(struct store *store, int64_t *folder, uint32_t *uidvalidity, struct error *err)
{
	const struct sql_value values[] = {SQL_INT(time(NULL))};
	enum store_result result;
	int64_t value = 0;

	result = number(store,
			"UPDATE account SET next_folder = next_folder + 1"
			" RETURNING next_folder - 1",
			NULL, 0, folder, err);
	if (result == STORE_OK)
		result = number(store,
				"UPDATE account SET uidvalidity = max(uidvalidity + 1, ?1)"
				" RETURNING uidvalidity",
				values, 1, &value, err);
	if (result != STORE_OK)
		return result;
	if (value < 1 || value > UINT32_MAX) {
		error_set(err, "no UIDVALIDITY is left to give out");
		return STORE_LIMIT;
	}
	*uidvalidity = (uint32_t)value;
	return STORE_OK;
}
