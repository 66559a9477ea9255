/* SPDX-License-Identifier: ISC */
/*
 * A folder that moves in from another server keeps its UIDVALIDITY, so that clients need not fetch
 * all again. Each value that the account gave out itself is at least account.uidvalidity_first and
 * at most account.uidvalidity; those that were adopted are in foreign_uidvalidities: so none is
 * ever used twice, also after its folder is gone.
 */
#include <inttypes.h>
#include <time.h>

#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* A list of UIDs is a user's: one that lies must not use up the folder's. */
#define ADOPTED_UIDNEXT_MAX INT32_MAX

/* Who makes many folders in a second gives out numbers of the next ones. */
#define AHEAD_SECONDS 86400

/*
 * A client that knows the UIDVALIDITY may know MODSEQs too, and would take ours for older ones (RFC
 * 7162 3.1.2.2). Other servers count changes: none has come to the seconds since 1970 times this.
 */
#define MODSEQ_SHIFT 16

/* STORE_REFUSED if it is, or may be, another folder's. */
static enum store_result
check_unused(struct store *store, uint32_t uidvalidity, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result =
	    sql_start(store, &stmt, err,
		      "SELECT 1 FROM account WHERE ?1 BETWEEN uidvalidity_first AND uidvalidity"
		      " UNION ALL SELECT 1 FROM foreign_uidvalidities WHERE uidvalidity = ?1"
		      " UNION ALL SELECT 1 FROM folders WHERE uidvalidity = ?1",
		      SQL_INT(uidvalidity));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	sql_end(store, stmt);
	if (result != STORE_OK || !row)
		return result;
	error_set(err, "UIDVALIDITY %" PRIu32 " is or was another folder's here", uidvalidity);
	return STORE_REFUSED;
}

static enum store_result
take_uidvalidity(struct store *store, const struct store_folder *folder, uint32_t uidvalidity,
		 struct error *err)
{
	enum store_result result;

	if (folder->uidnext != 1) {
		error_set(err, "the folder has given out UIDs of its own already");
		return STORE_REFUSED;
	}
	/* What is given out next must not be near the end. */
	if ((int64_t)uidvalidity > (int64_t)time(NULL) + AHEAD_SECONDS) {
		error_set(err, "UIDVALIDITY %" PRIu32 " lies in the future", uidvalidity);
		return STORE_REFUSED;
	}
	result = check_unused(store, uidvalidity, err);
	if (result == STORE_OK)
		result = sql_run(store, err, "INSERT INTO foreign_uidvalidities VALUES (?1)",
				 SQL_INT(uidvalidity));
	if (result == STORE_OK)
		result =
		    sql_run(store, err, "UPDATE account SET uidvalidity = max(uidvalidity, ?1)",
			    SQL_INT(uidvalidity));
	if (result == STORE_OK)
		result = sql_run(store, err,
				 "UPDATE folders SET uidvalidity = ?2,"
				 " highestmodseq = max(highestmodseq, ?3),"
				 " vanished_from = max(highestmodseq, ?3) WHERE id = ?1",
				 SQL_INT(folder->id), SQL_INT(uidvalidity),
				 SQL_INT((int64_t)time(NULL) << MODSEQ_SHIFT));
	return result;
}

static enum store_result
adopt(struct store *store, const struct store_folder *folder, uint32_t uidvalidity,
      uint32_t uidnext, bool done, struct error *err)
{
	enum store_result result = STORE_OK;

	if (uidnext > ADOPTED_UIDNEXT_MAX) {
		error_set(err, "UIDNEXT %" PRIu32 " leaves too few UIDs", uidnext);
		return STORE_REFUSED;
	}
	if (folder->uidvalidity != uidvalidity)
		result = take_uidvalidity(store, folder, uidvalidity, err);
	if (result == STORE_OK)
		result = sql_run(store, err,
				 "UPDATE folders SET uid_floor = max(uid_floor, ?2) WHERE id = ?1",
				 SQL_INT(folder->id), SQL_INT(uidnext));
	/* So that clients hear of what went away there just before (RFC 7162 3.2.5.1). */
	if (result == STORE_OK && done)
		result = sql_run(store, err,
				 "UPDATE folders SET uidnext = max(uidnext, uid_floor)"
				 " WHERE id = ?1",
				 SQL_INT(folder->id));
	if (result == STORE_OK)
		transaction_changed(store, folder->id);
	return result;
}

enum store_result
store_folder_adopt(struct store *store, const char *name, uint32_t uidvalidity, uint32_t uidnext,
		   bool done, struct error *err)
{
	struct store_folder folder;
	enum store_result result = store_folder(store, name, &folder, err);

	if (result == STORE_OK)
		result = transaction_begin(store, err);
	if (result != STORE_OK)
		return result;
	result = adopt(store, &folder, uidvalidity, uidnext, done, err);
	return transaction_end(store, result, NULL, err);
}
