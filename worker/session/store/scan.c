/* SPDX-License-Identifier: ISC */
/*
 * store_scan(): along the UIDs; or, where only few messages have changed since, along the MODSEQs,
 * so that its time follows what has changed and not how much mail there is.
 */
#include "worker/session/store/ranges.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define COLUMNS                                                                                \
	"SELECT p.uid, p.message, p.flags, p.modseq, m.size, m.internaldate, m.unterminated, " \
	"p.keywords, p.saved, m.file "

/* Changed messages that are sorted in memory; beyond a part of the folder a scan is faster. */
#define FEW 1000
#define FEW_PART 16

struct scan {
	struct store *store;
	int64_t folder;
	uint64_t since;
	unsigned want;
	store_message_fn *each;
	void *arg;
	bool enough;
};

static enum store_result
give(struct scan *scan, sqlite3_stmt *stmt, struct error *err)
{
	struct store_message message = {
	    .uid = (uint32_t)sqlite3_column_int64(stmt, 0),
	    .message = sqlite3_column_int64(stmt, 1),
	    .flags = (uint8_t)sqlite3_column_int(stmt, 2),
	    .modseq = (uint64_t)sqlite3_column_int64(stmt, 3),
	    .size = (uint64_t)sqlite3_column_int64(stmt, 4),
	    .internaldate = sqlite3_column_int64(stmt, 5),
	    .unterminated = sqlite3_column_int(stmt, 6) != 0,
	};

	(void)err;
	if ((scan->want & STORE_WANT_KEYWORDS) != 0)
		message.keywords = sql_column(stmt, 7);
	if ((scan->want & STORE_WANT_SAVEDATE) != 0)
		message.savedate = sqlite3_column_int64(stmt, 8);
	if ((scan->want & STORE_WANT_OBJECT) != 0)
		message.object = sql_column(stmt, 9);
	scan->enough = !scan->each(&message, scan->arg);
	return STORE_OK;
}

static enum store_result
along_uids(struct scan *scan, const struct store_range *range, struct error *err)
{
	static const char sql[] = COLUMNS
	    "FROM placements p CROSS JOIN messages m ON m.id = p.message"
	    " WHERE p.folder = ?1 AND p.uid BETWEEN ?2 AND ?3 AND +p.modseq > ?4 ORDER BY p.uid";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(scan->store, &stmt, err, sql, SQL_INT(scan->folder),
			   SQL_INT(range->first), SQL_INT(range->last), SQL_INT(scan->since));
	if (result != STORE_OK)
		return result;
	while (!scan->enough && (result = sql_next(scan->store, stmt, &row, err)) == STORE_OK &&
	       row) {
		result = give(scan, stmt, err);
		if (result != STORE_OK)
			break;
	}
	sql_end(scan->store, stmt);
	return result;
}

static enum store_result
along_modseqs(struct scan *scan, const struct store_range *ranges, size_t count, struct error *err)
{
	static const char sql[] = COLUMNS
	    "FROM placements p INDEXED BY placements_modseq"
	    " CROSS JOIN messages m ON m.id = p.message"
	    " WHERE p.folder = ?1 AND p.modseq > ?4 AND p.uid BETWEEN ?2 AND ?3 ORDER BY p.uid";
	enum store_result result;
	sqlite3_stmt *stmt;
	size_t i = 0;
	bool row;

	result =
	    sql_start(scan->store, &stmt, err, sql, SQL_INT(scan->folder), SQL_INT(ranges[0].first),
		      SQL_INT(ranges[count - 1].last), SQL_INT(scan->since));
	if (result != STORE_OK)
		return result;
	while (!scan->enough && (result = sql_next(scan->store, stmt, &row, err)) == STORE_OK &&
	       row) {
		uint32_t uid = (uint32_t)sqlite3_column_int64(stmt, 0);

		while (i < count && ranges[i].last < uid)
			i++;
		if (i == count || uid < ranges[i].first)
			continue;
		result = give(scan, stmt, err);
		if (result != STORE_OK)
			break;
	}
	sql_end(scan->store, stmt);
	return result;
}

/* Have only few messages changed? */
static enum store_result
few_changed(struct scan *scan, bool *few, struct error *err)
{
	static const char sql[] = "SELECT count(*) FROM (SELECT 1 FROM placements"
				  " INDEXED BY placements_modseq"
				  " WHERE folder = ?1 AND modseq > ?2 LIMIT ?3)";
	struct store_folder folder;
	enum store_result result;
	sqlite3_stmt *stmt = NULL;
	int64_t limit;
	bool row;

	*few = false;
	if (scan->since == 0)
		return STORE_OK;
	result = store_folder_by_id(scan->store, scan->folder, &folder, NULL, err);
	if (result != STORE_OK)
		return result;
	limit = folder.messages / FEW_PART > FEW ? folder.messages / FEW_PART : FEW;
	result = sql_start(scan->store, &stmt, err, sql, SQL_INT(scan->folder),
			   SQL_INT(scan->since), SQL_INT(limit + 1));
	if (result == STORE_OK)
		result = sql_next(scan->store, stmt, &row, err);
	if (result == STORE_OK)
		*few = sqlite3_column_int64(stmt, 0) <= limit;
	sql_end(scan->store, stmt);
	return result;
}

enum store_result
store_scan(struct store *store, int64_t folder, const struct store_range *ranges,
	   size_t range_count, uint64_t since, unsigned want, store_message_fn *each, void *arg,
	   struct error *err)
{
	struct scan scan = {.store = store,
			    .folder = folder,
			    .since = since,
			    .want = want,
			    .each = each,
			    .arg = arg};
	enum store_result result;
	bool few;

	if (ranges == NULL) {
		ranges = &ranges_all;
		range_count = 1;
	}
	if (range_count == 0 || since > INT64_MAX)
		return STORE_OK;
	result = few_changed(&scan, &few, err);
	if (result != STORE_OK)
		return result;
	if (few)
		return along_modseqs(&scan, ranges, range_count, err);
	for (size_t i = 0; i < range_count && result == STORE_OK && !scan.enough; i++)
		result = along_uids(&scan, &ranges[i], err);
	return result;
}
