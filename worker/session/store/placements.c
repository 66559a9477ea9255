/* SPDX-License-Identifier: ISC */
#include "worker/session/store/placements.h"

#include "worker/session/store/sql.h"

#define COLUMNS "SELECT p.uid, p.message, p.flags, m.size, p.keywords IS NOT NULL FROM placements p"
#define JOIN " CROSS JOIN messages m ON m.id = p.message"
#define RANGE " WHERE p.folder = ?1 AND p.uid BETWEEN ?2 AND ?3"
#define ORDER " ORDER BY p.uid LIMIT ?4"

/* [only deleted] */
static const char *const sqls[2] = {
    COLUMNS JOIN RANGE ORDER,
    COLUMNS " INDEXED BY placements_deleted" JOIN RANGE " AND p.flags & 8 <> 0" ORDER,
};

enum store_result
placements_read(struct store *store, int64_t folder, const struct store_range *range,
		bool only_deleted, struct placement chunk[PLACEMENTS_CHUNK], size_t *count,
		struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*count = 0;
	result = sql_start(store, &stmt, err, sqls[only_deleted], SQL_INT(folder),
			   SQL_INT(range->first), SQL_INT(range->last), SQL_INT(PLACEMENTS_CHUNK));
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
