/* SPDX-License-Identifier: ISC */
#include "worker/session/store/remove.h"

#include <stdlib.h>
#include <unistd.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/placements.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define DOOMED_AT_ONCE 10000
/* Rows wait for others, since each time costs a sync; their files' removal is tried again. */
#define ROWS_AT_ONCE 128

/* Ranges of vanished UIDs a folder remembers; when there are more, half of them are forgotten. */
#define VANISHED_MAX 20000
#define PRUNE_EVERY 1000

enum store_result
remove_if_unplaced(struct store *store, int64_t message, struct error *err)
{
	return sql_run(store, err,
		       "INSERT OR IGNORE INTO doomed SELECT ?1"
		       " WHERE NOT EXISTS (SELECT 1 FROM placements WHERE message = ?1)",
		       SQL_INT(message));
}

static enum store_result
remove_chunk(struct store *store, struct change *change, const struct placement *chunk,
	     size_t count, struct ranges *removed, struct error *err)
{
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < count && result == STORE_OK; i++) {
		change_remove(change, chunk[i].flags, chunk[i].size);
		if (ranges_append(removed, chunk[i].uid, chunk[i].uid) == -1) {
			error_errno(err, "removing messages");
			return STORE_TEMPORARY;
		}
		result =
		    sql_run(store, err, "DELETE FROM placements WHERE folder = ?1 AND uid = ?2",
			    SQL_INT(change->folder), SQL_INT(chunk[i].uid));
		if (result == STORE_OK)
			result = remove_if_unplaced(store, chunk[i].message, err);
	}
	return result;
}

static enum store_result
remove_range(struct store *store, struct change *change, struct store_range range,
	     bool only_deleted, struct placement *chunk, struct ranges *removed, size_t *total,
	     struct error *err)
{
	enum store_result result;
	size_t count;

	do {
		result = placements_read(store, change->folder, &range, only_deleted, chunk, &count,
					 err);
		if (result == STORE_OK)
			result = remove_chunk(store, change, chunk, count, removed, err);
		if (result != STORE_OK)
			return result;
		*total += count;
		if (count > 0)
			range.first = chunk[count - 1].uid + 1;
	} while (count == PLACEMENTS_CHUNK && range.first <= range.last);
	return STORE_OK;
}

enum store_result
remove_note(struct store *store, const struct change *change, const struct ranges *removed,
	    struct error *err)
{
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < removed->count && result == STORE_OK; i++)
		result = sql_run(store, err,
				 "INSERT INTO vanished (folder, modseq, first, last)"
				 " VALUES (?1, ?2, ?3, ?4)",
				 SQL_INT(change->folder), SQL_INT(change->modseq),
				 SQL_INT(removed->list[i].first), SQL_INT(removed->list[i].last));
	store->vanished += (unsigned)removed->count;
	if (result == STORE_OK && store->vanished >= PRUNE_EVERY) {
		result = remove_prune(store, change->folder, err);
		store->vanished = 0;
	}
	return result;
}

enum store_result
remove_placements(struct store *store, struct change *change, const struct store_range *ranges,
		  size_t range_count, bool only_deleted, struct ranges *removed, size_t *count,
		  struct error *err)
{
	struct placement *chunk = reallocarray(NULL, PLACEMENTS_CHUNK, sizeof(*chunk));
	enum store_result result = STORE_OK;
	size_t total = 0;

	if (chunk == NULL) {
		error_errno(err, "removing messages");
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < range_count && result == STORE_OK; i++)
		result = remove_range(store, change, ranges[i], only_deleted, chunk, removed,
				      &total, err);
	free(chunk);
	if (result == STORE_OK)
		result = remove_note(store, change, removed, err);
	if (count != NULL)
		*count = total;
	return result;
}

/*
 * -- What vanished long ago -------------------------------------------------------
 */

/* The MODSEQ up to which it is forgotten; 0: nothing is. */
static enum store_result
prune_up_to(struct store *store, int64_t folder, int64_t *modseq, struct error *err)
{
	static const char sql[] = "SELECT modseq FROM vanished WHERE folder = ?1"
				  " AND (SELECT count(*) FROM vanished WHERE folder = ?1) > ?2"
				  " ORDER BY modseq DESC LIMIT 1 OFFSET ?3";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*modseq = 0;
	result = sql_start(store, &stmt, err, sql, SQL_INT(folder), SQL_INT(VANISHED_MAX),
			   SQL_INT(VANISHED_MAX / 2));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && row)
		*modseq = sqlite3_column_int64(stmt, 0);
	sql_end(store, stmt);
	return result;
}

enum store_result
remove_prune(struct store *store, int64_t folder, struct error *err)
{
	int64_t modseq;
	enum store_result result = prune_up_to(store, folder, &modseq, err);

	if (result != STORE_OK || modseq == 0)
		return result;
	result = sql_run(store, err, "DELETE FROM vanished WHERE folder = ?1 AND modseq <= ?2",
			 SQL_INT(folder), SQL_INT(modseq));
	if (result == STORE_OK)
		result = sql_run(store, err, "UPDATE folders SET vanished_from = ?2 WHERE id = ?1",
				 SQL_INT(folder), SQL_INT(modseq));
	return result;
}

/*
 * -- Files ------------------------------------------------------------------------
 */

/*
 * What is in a folder all the same (a damaged index) is spared. Returns how many were removed;
 * *LAST: the last one's id. -1: trouble; later, then.
 */
static int
remove_files(struct store *store, int64_t *last)
{
	static const char sql[] = "SELECT d.message, m.file"
				  " FROM doomed d LEFT JOIN messages m ON m.id = d.message"
				  " WHERE NOT EXISTS (SELECT 1 FROM placements"
				  "  WHERE message = d.message)"
				  " ORDER BY d.message LIMIT ?1";
	sqlite3_stmt *stmt;
	struct error err;
	int count = 0;
	bool row = false;

	if (sql_start(store, &stmt, &err, sql, SQL_INT(DOOMED_AT_ONCE)) != STORE_OK)
		return -1;
	while (sql_next(store, stmt, &row, &err) == STORE_OK && row) {
		message_file_remove(sql_column(stmt, 1));
		*last = sqlite3_column_int64(stmt, 0);
		count++;
	}
	sql_end(store, stmt);
	return count;
}

/* Rows go when their files surely have: else a power cut could bring back a file without a row. */
static enum store_result
remove_rows(struct store *store, int64_t last)
{
	enum store_result result;
	struct error err;

	if (syncfs(store->root) == -1)
		return STORE_TEMPORARY;
	result = transaction_begin_unsynced(store, &err);
	if (result != STORE_OK)
		return result;
	result = sql_run(store, &err,
			 "DELETE FROM messages WHERE id IN"
			 " (SELECT message FROM doomed WHERE message <= ?1)"
			 " AND NOT EXISTS (SELECT 1 FROM placements WHERE message = id)",
			 SQL_INT(last));
	if (result == STORE_OK)
		result =
		    sql_run(store, &err, "DELETE FROM doomed WHERE message <= ?1", SQL_INT(last));
	return transaction_end_unsynced(store, result, &err);
}

bool
remove_doomed(struct store *store, bool all)
{
	int64_t last = 0;
	int count = remove_files(store, &last);

	store->rows_left = count > 0;
	if (count <= 0 || (count < ROWS_AT_ONCE && !all))
		return false;
	store->rows_left = false;
	return remove_rows(store, last) == STORE_OK && count == DOOMED_AT_ONCE;
}
