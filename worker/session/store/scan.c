/* SPDX-License-Identifier: ISC */
/*
 * store_scan(): along the UIDs; or, where only few messages have changed since, along the MODSEQs,
 * so that its time follows what has changed and not how much mail there is.
 */
#include "worker/session/ranges.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"
#include "worker/session/store/summary.h"

#define COLUMNS                                                                                \
	"SELECT p.uid, p.message, p.flags, p.modseq, m.size, m.internaldate, m.unterminated, " \
	"p.keywords, p.saved, m.file"
#define SUMMARY ", s.data, s.sent, s.sent_day, s.reply"
#define SUMMARY_COLUMN 10
#define SUMMARY_JOIN " LEFT JOIN summaries s ON s.message = p.message AND s.version = ?5"

#define ALONG_UIDS " FROM placements p CROSS JOIN messages m ON m.id = p.message"
#define ALONG_UIDS_WHERE \
	" WHERE p.folder = ?1 AND p.uid BETWEEN ?2 AND ?3 AND +p.modseq > ?4 ORDER BY p.uid"

#define ALONG_MODSEQS                                     \
	" FROM placements p INDEXED BY placements_modseq" \
	" CROSS JOIN messages m ON m.id = p.message"
#define ALONG_MODSEQS_WHERE \
	" WHERE p.folder = ?1 AND p.modseq > ?4 AND p.uid BETWEEN ?2 AND ?3 ORDER BY p.uid"

/* [modseqs][summary] */
static const char *const sqls[2][2] = {
    {COLUMNS ALONG_UIDS ALONG_UIDS_WHERE, COLUMNS SUMMARY ALONG_UIDS SUMMARY_JOIN ALONG_UIDS_WHERE},
    {COLUMNS ALONG_MODSEQS ALONG_MODSEQS_WHERE,
     COLUMNS SUMMARY ALONG_MODSEQS SUMMARY_JOIN ALONG_MODSEQS_WHERE},
};

/* Changed messages that are sorted in memory; beyond a part of the folder a scan is faster. */
#define FEW 1000
#define FEW_PART 16

/* Summaries made by a scan are kept so many at a time. */
#define KEEP_AT_ONCE 500

struct scan {
	struct store *store;
	int64_t folder;
	uint64_t since;
	unsigned want;
	store_message_fn *each;
	void *arg;
	bool enough;
	unsigned made; /* summaries in the transaction that is under way, if not 0 */
	bool no_keeping;
};

/*
 * -- Summaries that are not there yet -------------------------------------------------
 */

static void
end_keeping(struct scan *scan, enum store_result result)
{
	struct error ignored;

	if (scan->made == 0)
		return;
	scan->made = 0;
	if (transaction_end_unsynced(scan->store, result, &ignored) != STORE_OK)
		scan->no_keeping = true;
}

/* They can be made again at any time: failing to keep one, or losing some, does no harm. */
static void
keep(struct scan *scan, int64_t message, const struct mime_summary *summary)
{
	struct error ignored;

	if (scan->no_keeping)
		return;
	if (scan->made == 0 && transaction_begin_unsynced(scan->store, &ignored) != STORE_OK) {
		scan->no_keeping = true;
		return;
	}
	scan->made++;
	if (summary_keep(scan->store, message, summary, &ignored) != STORE_OK) {
		end_keeping(scan, STORE_TEMPORARY);
		scan->no_keeping = true;
	} else if (scan->made == KEEP_AT_ONCE) {
		end_keeping(scan, STORE_OK);
	}
}

/*
 * -- One message ------------------------------------------------------------------------
 */

static enum store_result
give_summarized(struct scan *scan, const struct store_message *plain, const char *id,
		struct error *err)
{
	struct store_message message = *plain;
	struct store_summary presented;
	struct mime_summary summary;
	enum store_result result;
	bool true_one;

	result = summary_make(id, message.size, message.internaldate, &summary, &true_one, err);
	if (result != STORE_OK)
		return result;
	summary_present(&summary, &presented);
	message.summary = &presented;
	scan->enough = !scan->each(&message, scan->arg);
	if (true_one)
		keep(scan, message.message, &summary);
	mime_summary_free(&summary);
	return STORE_OK;
}

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
	struct store_summary summary;

	if ((scan->want & STORE_WANT_KEYWORDS) != 0)
		message.keywords = sql_column(stmt, 7);
	if ((scan->want & STORE_WANT_SAVEDATE) != 0)
		message.savedate = sqlite3_column_int64(stmt, 8);
	if ((scan->want & STORE_WANT_OBJECT) != 0)
		message.object = sql_column(stmt, 9);
	if ((scan->want & STORE_WANT_SUMMARY) != 0) {
		if (!summary_from_row(stmt, SUMMARY_COLUMN, &summary))
			return give_summarized(scan, &message, sql_column(stmt, 9), err);
		message.summary = &summary;
	}
	scan->enough = !scan->each(&message, scan->arg);
	return STORE_OK;
}

/*
 * -- All ----------------------------------------------------------------------------------
 */

static enum store_result
start(struct scan *scan, bool modseqs, uint32_t first, uint32_t last, sqlite3_stmt **stmt,
      struct error *err)
{
	bool summary = (scan->want & STORE_WANT_SUMMARY) != 0;
	const struct sql_value values[] = {SQL_INT(scan->folder), SQL_INT(first), SQL_INT(last),
					   SQL_INT(scan->since), SQL_INT(SUMMARY_VERSION)};

	return sql_start_values(scan->store, stmt, err, sqls[modseqs][summary], values,
				summary ? 5 : 4);
}

static enum store_result
along_uids(struct scan *scan, const struct store_range *range, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = start(scan, false, range->first, range->last, &stmt, err);
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
	enum store_result result;
	sqlite3_stmt *stmt;
	size_t i = 0;
	bool row;

	result = start(scan, true, ranges[0].first, ranges[count - 1].last, &stmt, err);
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
	limit = FEW;
	if ((scan->want & STORE_WANT_SUMMARY) == 0 && folder.messages / FEW_PART > FEW)
		limit = folder.messages / FEW_PART;
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
		result = along_modseqs(&scan, ranges, range_count, err);
	for (size_t i = 0; !few && i < range_count && result == STORE_OK && !scan.enough; i++)
		result = along_uids(&scan, &ranges[i], err);
	end_keeping(&scan, STORE_OK);
	return result;
}
