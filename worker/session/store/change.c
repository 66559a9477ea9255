/* SPDX-License-Identifier: ISC */
#include "worker/session/store/change.h"

#include <inttypes.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

enum store_result
change_begin(struct store *store, int64_t folder, struct change *change, struct error *err)
{
	static const char sql[] = "SELECT highestmodseq, uidnext, uidvalidity, append_limit,"
				  " uid_floor"
				  " FROM folders WHERE id = ?1";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*change = (struct change){.folder = folder};
	result = sql_start(store, &stmt, err, sql, SQL_INT(folder));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && !row) {
		error_set(err, "the folder is gone");
		result = STORE_GONE;
	} else if (result == STORE_OK) {
		change->modseq = (uint64_t)sqlite3_column_int64(stmt, 0) + 1;
		change->uidnext = (uint32_t)sqlite3_column_int64(stmt, 1);
		change->uidvalidity = (uint32_t)sqlite3_column_int64(stmt, 2);
		change->append_limit = (uint32_t)sqlite3_column_int64(stmt, 3);
		change->uid_floor = (uint32_t)sqlite3_column_int64(stmt, 4);
	}
	sql_end(store, stmt);
	return result;
}

static void
count(struct change *change, uint8_t flags, uint64_t size, int64_t sign)
{
	change->used = true;
	change->messages += sign;
	change->size += sign * (int64_t)size;
	if ((flags & STORE_SEEN) == 0)
		change->unseen += sign;
	if ((flags & STORE_DELETED) != 0)
		change->deleted += sign;
}

void
change_add(struct change *change, uint8_t flags, uint64_t size)
{
	count(change, flags, size, 1);
}

void
change_remove(struct change *change, uint8_t flags, uint64_t size)
{
	count(change, flags, size, -1);
}

enum store_result
change_take_uid(struct change *change, uint32_t *uid, struct error *err)
{
	if (change->uidnext < change->uid_floor)
		change->uidnext = change->uid_floor;
	return change_take_next(change, uid, err);
}

/* UINT32_MAX is never given out: uidnext would not fit behind it. */
enum store_result
change_take_next(struct change *change, uint32_t *uid, struct error *err)
{
	if (change->uidnext == UINT32_MAX) {
		error_set(err, "the folder has used up its UIDs");
		return STORE_LIMIT;
	}
	*uid = change->uidnext++;
	return STORE_OK;
}

enum store_result
change_end(struct store *store, const struct change *change, struct error *err)
{
	enum store_result result;

	if (!change->used)
		return STORE_OK;
	transaction_changed(store, change->folder);
	result = sql_run(store, err,
			 "UPDATE folders SET highestmodseq = ?2, uidnext = ?3,"
			 " messages = messages + ?4, unseen = unseen + ?5,"
			 " deleted = deleted + ?6, size = size + ?7 WHERE id = ?1",
			 SQL_INT(change->folder), SQL_INT(change->modseq), SQL_INT(change->uidnext),
			 SQL_INT(change->messages), SQL_INT(change->unseen),
			 SQL_INT(change->deleted), SQL_INT(change->size));
	if (result == STORE_OK && (change->messages != 0 || change->size != 0))
		result = sql_run(store, err,
				 "UPDATE account SET messages = messages + ?1,"
				 " storage = storage + ?2",
				 SQL_INT(change->messages), SQL_INT(change->size));
	return result;
}

static bool
exceeds(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit != 0 && (used > limit || more > limit - used);
}

enum store_result
change_check_quota(struct store *store, uint64_t messages, uint64_t octets, struct error *err)
{
	struct store_quota quota;
	enum store_result result;

	if (store->storage_limit == 0 && store->messages_limit == 0)
		return STORE_OK;
	result = store_quota(store, &quota, err);
	if (result != STORE_OK)
		return result;
	if (exceeds(quota.storage, octets, quota.storage_limit)) {
		error_set(err,
			  "over quota: %" PRIu64 " of %" PRIu64
			  " octets are used, there is no room for %" PRIu64 " more",
			  quota.storage, quota.storage_limit, octets);
		return STORE_OVERQUOTA;
	}
	if (exceeds(quota.messages, messages, quota.messages_limit)) {
		error_set(err, "over quota: %" PRIu64 " of %" PRIu64 " messages are there",
			  quota.messages, quota.messages_limit);
		return STORE_OVERQUOTA;
	}
	return STORE_OK;
}
