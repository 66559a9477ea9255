/* SPDX-License-Identifier: ISC */
#include "worker/queue/db_private.h"

enum db_status
db_keep_policy(struct db *db, const struct db_policy *policy, size_t max)
{
	enum db_status status;

	db_bind_text(db, DB_STMT_KEEP_POLICY, 1, policy->domain);
	db_bind_text(db, DB_STMT_KEEP_POLICY, 2, policy->id);
	db_bind_number(db, DB_STMT_KEEP_POLICY, 3, policy->mode);
	db_bind_number(db, DB_STMT_KEEP_POLICY, 4, policy->until);
	sqlite3_bind_blob(db->statements[DB_STMT_KEEP_POLICY], 5, policy->mx,
			  (int)policy->mx_length, SQLITE_STATIC);
	status = db_run(db, DB_STMT_KEEP_POLICY);
	if (status != DB_OK)
		return status;
	db_bind_number(db, DB_STMT_OLD_POLICIES, 1, (int64_t)max);
	return db_run(db, DB_STMT_OLD_POLICIES);
}

enum db_status
db_policies(struct db *db, size_t *count)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_POLICIES];
	int code = db_step(db, DB_STMT_POLICIES);

	*count = code == SQLITE_ROW ? (size_t)sqlite3_column_int64(stmt, 0) : 0;
	if (code != SQLITE_ROW)
		db_failed(db, code);
	db_reset(db, DB_STMT_POLICIES);
	return code == SQLITE_ROW ? DB_OK : DB_FAILED;
}

void
db_policy(struct db *db, const char *domain, void (*each)(const struct db_policy *, void *arg),
	  void *arg)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_POLICY];
	struct db_policy policy = {.domain = domain};
	int code;

	db_bind_text(db, DB_STMT_POLICY, 1, domain);
	code = db_step(db, DB_STMT_POLICY);
	if (code == SQLITE_ROW) {
		policy.id = db_column_text(stmt, 0);
		policy.mode = (uint32_t)sqlite3_column_int64(stmt, 1);
		policy.until = sqlite3_column_int64(stmt, 2);
		policy.mx = sqlite3_column_blob(stmt, 3);
		policy.mx_length = (size_t)sqlite3_column_bytes(stmt, 3);
		each(&policy, arg);
	} else if (code != SQLITE_DONE) {
		db_failed(db, code);
	}
	db_reset(db, DB_STMT_POLICY);
}
