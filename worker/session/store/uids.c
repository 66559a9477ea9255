/* SPDX-License-Identifier: ISC */
/* Which UIDs there are in a folder, and which are not there any more. */
#include <stdlib.h>

#include "worker/session/ranges.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"
#include "worker/session/store/uid_runs.h"

static enum store_result
no_memory(struct error *err)
{
	error_errno(err, "list of UIDs");
	return STORE_TEMPORARY;
}

static enum store_result
read_rows(struct store *store, int64_t folder, uint32_t *uids, size_t room, size_t *count,
	  struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result =
	    sql_start(store, &stmt, err,
		      "SELECT uid FROM placements WHERE folder = ?1 ORDER BY uid", SQL_INT(folder));
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row && *count < room)
		uids[(*count)++] = (uint32_t)sqlite3_column_int64(stmt, 0);
	sql_end(store, stmt);
	return result;
}

enum store_result
store_uids(struct store *store, int64_t folder, uint32_t **uids, size_t *count, struct error *err)
{
	bool large, keep = true;
	enum store_result result;
	struct store_folder about;

	*uids = NULL;
	*count = 0;
	result = store_folder_by_id(store, folder, &about, NULL, err);
	if (result != STORE_OK || about.messages == 0)
		return result;
	/* Not more than that, whatever the count says. */
	*uids = reallocarray(NULL, about.messages, sizeof(**uids));
	if (*uids == NULL)
		return no_memory(err);
	large = about.messages >= UID_RUNS_FROM;
	if (large && uid_runs_read(store, &about, *uids, &keep))
		*count = about.messages;
	else
		result = read_rows(store, folder, *uids, about.messages, count, err);
	if (large && keep && *count == about.messages)
		uid_runs_keep(store, &about, *uids);
	if (result == STORE_OK && *count > 0)
		return STORE_OK;
	free(*uids);
	*uids = NULL;
	*count = 0;
	return result;
}

/*
 * -- What is gone -------------------------------------------------------------------
 */

static enum store_result
recorded(struct store *store, int64_t folder, uint64_t since, struct ranges *ranges,
	 struct error *err)
{
	static const char sql[] = "SELECT first, last FROM vanished"
				  " WHERE folder = ?1 AND modseq > ?2";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err, sql, SQL_INT(folder), SQL_INT(since));
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row)
		if (ranges_append(ranges, (uint32_t)sqlite3_column_int64(stmt, 0),
				  (uint32_t)sqlite3_column_int64(stmt, 1)) == -1) {
			result = no_memory(err);
			break;
		}
	sql_end(store, stmt);
	ranges->count = ranges_normalise(ranges->list, ranges->count);
	return result;
}

/* All UIDs that were given out and are not there. */
static enum store_result
gaps(struct store *store, int64_t folder, uint32_t uidnext, struct ranges *ranges,
     struct error *err)
{
	enum store_result result;
	uint32_t *uids, next = 1;
	size_t count;

	result = store_uids(store, folder, &uids, &count, err);
	for (size_t i = 0; i < count && result == STORE_OK; i++) {
		if (uids[i] > next && ranges_append(ranges, next, uids[i] - 1) == -1)
			result = no_memory(err);
		next = uids[i] + 1;
	}
	if (result == STORE_OK && next < uidnext && ranges_append(ranges, next, uidnext - 1) == -1)
		result = no_memory(err);
	free(uids);
	return result;
}

static enum store_result
reaches_back(struct store *store, int64_t folder, uint64_t since, bool *complete, uint32_t *uidnext,
	     struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result =
	    sql_start(store, &stmt, err, "SELECT vanished_from, uidnext FROM folders WHERE id = ?1",
		      SQL_INT(folder));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && !row) {
		error_set(err, "the folder is gone");
		result = STORE_GONE;
	} else if (result == STORE_OK) {
		*complete = (uint64_t)sqlite3_column_int64(stmt, 0) <= since;
		*uidnext = (uint32_t)sqlite3_column_int64(stmt, 1);
	}
	sql_end(store, stmt);
	return result;
}

enum store_result
store_expunged(struct store *store, int64_t folder, uint64_t since, struct store_range **list,
	       size_t *count, bool *complete, struct error *err)
{
	struct ranges ranges = {0};
	enum store_result result;
	uint32_t uidnext = 0;

	*list = NULL;
	*count = 0;
	*complete = true;
	if (since > INT64_MAX)
		since = INT64_MAX;
	result = reaches_back(store, folder, since, complete, &uidnext, err);
	if (result != STORE_OK)
		return result;
	result = *complete ? recorded(store, folder, since, &ranges, err)
			   : gaps(store, folder, uidnext, &ranges, err);
	if (result != STORE_OK) {
		free(ranges.list);
		return result;
	}
	*list = ranges.list;
	*count = ranges.count;
	return STORE_OK;
}
