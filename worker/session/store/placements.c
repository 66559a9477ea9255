/* SPDX-License-Identifier: ISC */
#include "worker/session/store/placements.h"

#include "worker/session/store/sql.h"

enum store_result
placements_read(struct store *store, int64_t folder, const struct store_range *range, uint8_t flags,
		struct placement chunk[PLACEMENTS_CHUNK], size_t *count, struct error *err)
{
	static const char sql[] = "SELECT p.uid, p.message, p.flags, m.size, p.keywords IS NOT NULL"
				  " FROM placements p JOIN messages m ON m.id = p.message"
				  " WHERE p.folder = ?1 AND p.uid BETWEEN ?2 AND ?3"
				  " AND p.flags & ?4 = ?4 ORDER BY p.uid LIMIT ?5";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*count = 0;
	result = sql_start(store, &stmt, err, sql, SQL_INT(folder), SQL_INT(range->first),
			   SQL_INT(range->last), SQL_INT(flags), SQL_INT(PLACEMENTS_CHUNK));
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row)
		chunk[(*count)++] =
		    (struct placement){.uid = (uint32_t)sqlite3_column_int64(stmt, 0),
				       .message = sqlite3_column_int64(stmt, 1),
				       .flags = (uint8_t)sqlite3_column_int(stmt, 2),
				       .size = (uint64_t)sqlite3_column_int64(stmt, 3),
				       .keywords = sqlite3_column_int(stmt, 4) != 0};
	sql_end(store, stmt);
	return result;
}
