/* SPDX-License-Identifier: ISC */
#include "worker/session/store/uid_runs.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/ranges.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* A run: its first UID and its last, 32 bits each, the lowest octet first. */
#define RUN_OCTETS 8
/* With fewer UIDs a run on average, the rows are not much longer. */
#define UIDS_A_RUN 4
#define MANY_CHANGES 500

struct filling {
	uint32_t *uids;
	size_t count, room;
	const struct store_range *gone; /* ascending */
	size_t gone_count;
};

static uint32_t
read_uid(const unsigned char *octets)
{
	uint32_t uid;

	memcpy(&uid, octets, sizeof(uid));
	return le32toh(uid);
}

/* What of FIRST..LAST is not gone. False: it is more than there is room for. */
static bool
fill(struct filling *filling, uint32_t first, uint32_t last)
{
	for (uint32_t uid = first;; uid++) {
		while (filling->gone_count > 0 && filling->gone->last < uid) {
			filling->gone++;
			filling->gone_count--;
		}
		if (filling->gone_count > 0 && filling->gone->first <= uid) {
			if (filling->gone->last >= last)
				return true;
			uid = filling->gone->last;
			continue;
		}
		if (filling->count == filling->room)
			return false;
		filling->uids[filling->count++] = uid;
		if (uid == last)
			return true;
	}
}

/* False: it is not what uid_runs_keep() writes. */
static bool
fill_kept(struct filling *filling, const unsigned char *data, size_t size, uint32_t uidnext)
{
	uint32_t next = 1;

	for (; size >= RUN_OCTETS; data += RUN_OCTETS, size -= RUN_OCTETS) {
		uint32_t first = read_uid(data), last = read_uid(data + 4);

		if (first < next || last < first || last >= uidnext || !fill(filling, first, last))
			return false;
		next = last + 1;
	}
	return size == 0;
}

/* Messages that came since. */
static bool
fill_new(struct store *store, int64_t folder, struct filling *filling, uint32_t uidnext)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	struct error err;
	bool row;

	result = sql_start(store, &stmt, &err,
			   "SELECT uid FROM placements WHERE folder = ?1 AND uid >= ?2"
			   " ORDER BY uid",
			   SQL_INT(folder), SQL_INT(uidnext));
	while (result == STORE_OK && (result = sql_next(store, stmt, &row, &err)) == STORE_OK &&
	       row) {
		if (filling->count == filling->room)
			result = STORE_DAMAGED;
		else
			filling->uids[filling->count++] = (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	sql_end(store, stmt);
	return result == STORE_OK;
}

/* From a row of uid_runs: modseq, uidnext, data. */
static bool
fill_all(struct store *store, const struct store_folder *folder, sqlite3_stmt *row,
	 struct filling *filling, bool *keep_again)
{
	uint64_t modseq = (uint64_t)sqlite3_column_int64(row, 0);
	uint32_t uidnext = (uint32_t)sqlite3_column_int64(row, 1);
	const unsigned char *data = sqlite3_column_blob(row, 2);
	struct store_range *gone = NULL;
	size_t gone_count = 0, kept;
	bool complete, done;
	struct error err;

	if (uidnext > folder->uidnext || modseq > folder->highestmodseq ||
	    store_expunged(store, folder->id, modseq, &gone, &gone_count, &complete, &err) !=
		STORE_OK)
		return false;
	filling->gone = gone;
	filling->gone_count = gone_count;
	done = complete && fill_kept(filling, data, (size_t)sqlite3_column_bytes(row, 2), uidnext);
	free(gone);
	kept = filling->count;
	done = done && fill_new(store, folder->id, filling, uidnext);
	*keep_again = gone_count + (filling->count - kept) > MANY_CHANGES;
	return done && filling->count == filling->room;
}

bool
uid_runs_read(struct store *store, const struct store_folder *folder, uint32_t *uids,
	      bool *keep_again)
{
	struct filling filling = {.uids = uids, .room = folder->messages};
	sqlite3_stmt *stmt;
	struct error err;
	bool row, done = false;

	/* What vanished must be on record since then. */
	if (sql_start(store, &stmt, &err,
		      "SELECT r.modseq, r.uidnext, r.data FROM uid_runs r"
		      " JOIN folders f ON f.id = r.folder"
		      " WHERE r.folder = ?1 AND f.vanished_from <= r.modseq",
		      SQL_INT(folder->id)) != STORE_OK)
		return false;
	if (sql_next(store, stmt, &row, &err) == STORE_OK && row)
		done = fill_all(store, folder, stmt, &filling, keep_again);
	sql_end(store, stmt);
	return done;
}

static size_t
count_runs(const uint32_t *uids, size_t count)
{
	size_t runs = count > 0;

	for (size_t i = 1; i < count; i++)
		runs += uids[i] != uids[i - 1] + 1;
	return runs;
}

static void
write_runs(unsigned char *data, const uint32_t *uids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t uid = htole32(uids[i]);

		if (i == 0 || uids[i] != uids[i - 1] + 1) {
			memcpy(data, &uid, sizeof(uid));
			data += RUN_OCTETS;
		}
		memcpy(data - sizeof(uid), &uid, sizeof(uid));
	}
}

void
uid_runs_keep(struct store *store, const struct store_folder *folder, const uint32_t *uids)
{
	size_t count = folder->messages, runs = count_runs(uids, count);
	enum store_result result;
	unsigned char *data;
	struct error err;

	if (runs == 0 || runs > count / UIDS_A_RUN || !sqlite3_get_autocommit(store->db) ||
	    (data = malloc(runs * RUN_OCTETS)) == NULL)
		return;
	write_runs(data, uids, count);
	if (transaction_begin_unsynced(store, &err) == STORE_OK) {
		result =
		    sql_run(store, &err, "INSERT OR REPLACE INTO uid_runs VALUES (?1, ?2, ?3, ?4)",
			    SQL_INT(folder->id), SQL_INT(folder->highestmodseq),
			    SQL_INT(folder->uidnext), SQL_BLOB(data, runs * RUN_OCTETS));
		(void)transaction_end_unsynced(store, result, &err);
	}
	free(data);
}
