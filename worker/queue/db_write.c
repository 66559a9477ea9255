/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <time.h>

#include "worker/queue/db_private.h"

#define NOTICE_SECONDS (3 * 365 * INT64_C(86400))

const char *
db_error(const struct db *db)
{
	return db->error.text;
}

uint64_t
db_commits(const struct db *db)
{
	return db->commits;
}

enum db_status
db_begin(struct db *db)
{
	return db_run(db, DB_STMT_BEGIN);
}

enum db_status
db_commit_unsynced(struct db *db)
{
	enum db_status status = db_run(db, DB_STMT_COMMIT);

	if (status == DB_OK)
		db->commits++;
	return status;
}

enum db_status
db_commit(struct db *db)
{
	enum db_status status = db_commit_unsynced(db);

	return status == DB_OK ? db_sync(db) : status;
}

/* What is committed can't be taken back, whatever the disk lacks. */
enum db_status
db_sync(struct db *db)
{
	int code;

	if (db->lost)
		return DB_LOST;
	errno = 0;
	code = sqlite_dir_sync(db->sqlite);
	if (code == SQLITE_OK)
		return DB_OK;
	(void)db_failed(db, code);
	return DB_LOST;
}

void
db_rollback(struct db *db)
{
	struct error kept = db->error;

	/* Some failures have rolled back by themselves. */
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		(void)db_run(db, DB_STMT_ROLLBACK);
	db->error = kept;
}

enum db_status
db_add_message(struct db *db, const struct db_message *message)
{
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 1, (int64_t)message->id);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 2, db->run);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 3, (int64_t)message->conn);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 4, message->received);
	db_bind_text(db, DB_STMT_ADD_MESSAGE, 5, message->sender);
	db_bind_text(db, DB_STMT_ADD_MESSAGE, 6, message->submitter);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 7, (int64_t)message->size);
	if (message->body != NULL)
		(void)sqlite3_bind_blob64(db->statements[DB_STMT_ADD_MESSAGE], 8, message->body,
					  message->size, SQLITE_STATIC);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 9, message->parameters.body);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 10, message->parameters.flags);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 11, message->parameters.ret);
	db_bind_text(db, DB_STMT_ADD_MESSAGE, 12, message->parameters.envid);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 13, message->junk ? 1 : 0);
	db_bind_number(db, DB_STMT_ADD_MESSAGE, 14, message->since);
	return db_run(db, DB_STMT_ADD_MESSAGE);
}

enum db_status
db_add_recipient(struct db *db, const struct db_recipient *recipient)
{
	db_bind_number(db, DB_STMT_ADD_RECIPIENT, 1, (int64_t)recipient->message);
	db_bind_number(db, DB_STMT_ADD_RECIPIENT, 2, recipient->index);
	db_bind_text(db, DB_STMT_ADD_RECIPIENT, 3, recipient->path);
	db_bind_text(db, DB_STMT_ADD_RECIPIENT, 4, recipient->mailbox);
	db_bind_number(db, DB_STMT_ADD_RECIPIENT, 5, recipient->next_attempt);
	db_bind_number(db, DB_STMT_ADD_RECIPIENT, 6, recipient->notify);
	db_bind_text(db, DB_STMT_ADD_RECIPIENT, 7,
		     recipient->orcpt == NULL ? "" : recipient->orcpt);
	db_bind_number(db, DB_STMT_ADD_RECIPIENT, 8, recipient->flow);
	db_bind_text(db, DB_STMT_ADD_RECIPIENT, 9,
		     recipient->sender == NULL ? "" : recipient->sender);
	db_bind_text(db, DB_STMT_ADD_RECIPIENT, 10,
		     recipient->alias == NULL ? "" : recipient->alias);
	return db_run(db, DB_STMT_ADD_RECIPIENT);
}

enum db_status
db_add_notice(struct db *db, const char *name)
{
	int64_t now = (int64_t)time(NULL);
	enum db_status status;

	db_bind_number(db, DB_STMT_OLD_NOTICES, 1, now - NOTICE_SECONDS);
	status = db_run(db, DB_STMT_OLD_NOTICES);
	if (status != DB_OK)
		return status;
	db_bind_text(db, DB_STMT_ADD_NOTICE, 1, name);
	db_bind_number(db, DB_STMT_ADD_NOTICE, 2, now);
	return db_run(db, DB_STMT_ADD_NOTICE);
}

enum db_status
db_done(struct db *db, uint64_t message, uint32_t index, bool *left_file)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_DONE_MESSAGE];
	enum db_status status;
	bool last = false, others = false;
	int code;

	*left_file = false;
	db_bind_number(db, DB_STMT_DONE_RECIPIENT, 1, (int64_t)message);
	db_bind_number(db, DB_STMT_DONE_RECIPIENT, 2, index);
	status = db_run(db, DB_STMT_DONE_RECIPIENT);
	if (status != DB_OK)
		return status;
	db_bind_number(db, DB_STMT_DONE_MESSAGE, 1, (int64_t)message);
	code = db_step(db, DB_STMT_DONE_MESSAGE);
	if (code == SQLITE_ROW) {
		last = true;
		others = sqlite3_column_int64(stmt, 0) != db->run;
		*left_file = sqlite3_column_int(stmt, 1) != 0;
		code = db_step(db, DB_STMT_DONE_MESSAGE);
	}
	status = code == SQLITE_DONE ? DB_OK : db_failed(db, code);
	db_reset(db, DB_STMT_DONE_MESSAGE);
	return status == DB_OK && last && others ? db_remember(db, message) : status;
}

enum db_status
db_defer(struct db *db, const struct db_deferral *deferral, flow_id *flow)
{
	enum db_status status;
	int code;

	*flow = -1;
	db_bind_number(db, DB_STMT_DEFER, 1, (int64_t)deferral->message);
	db_bind_number(db, DB_STMT_DEFER, 2, deferral->index);
	db_bind_number(db, DB_STMT_DEFER, 3, deferral->attempts);
	db_bind_number(db, DB_STMT_DEFER, 4, deferral->next_attempt);
	db_bind_text(db, DB_STMT_DEFER, 5, deferral->reason);
	db_bind_number(db, DB_STMT_DEFER, 6, deferral->unreached ? 1 : 0);
	code = db_step(db, DB_STMT_DEFER);
	if (code == SQLITE_ROW) {
		*flow = sqlite3_column_int64(db->statements[DB_STMT_DEFER], 0);
		code = db_step(db, DB_STMT_DEFER);
	}
	status = code == SQLITE_DONE ? DB_OK : db_failed(db, code);
	db_reset(db, DB_STMT_DEFER);
	return status;
}

enum db_status
db_revive(struct db *db, const char *mailbox, int64_t position, size_t max, flow_id *flows,
	  size_t *count)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_REVIVE];
	enum db_status status;
	int code;

	*count = 0;
	db_bind_text(db, DB_STMT_REVIVE, 1, mailbox);
	db_bind_number(db, DB_STMT_REVIVE, 2, position);
	db_bind_number(db, DB_STMT_REVIVE, 3, DB_HELD);
	db_bind_number(db, DB_STMT_REVIVE, 4, (int64_t)max);
	while ((code = db_step(db, DB_STMT_REVIVE)) == SQLITE_ROW && *count < max)
		flows[(*count)++] = sqlite3_column_int64(stmt, 0);
	status = code == SQLITE_DONE ? DB_OK : db_failed(db, code);
	db_reset(db, DB_STMT_REVIVE);
	return status;
}

enum db_status
db_set_delayed(struct db *db, uint64_t message, uint32_t index)
{
	db_bind_number(db, DB_STMT_DELAYED, 1, (int64_t)message);
	db_bind_number(db, DB_STMT_DELAYED, 2, index);
	return db_run(db, DB_STMT_DELAYED);
}

enum db_status
db_move(struct db *db, uint64_t message, uint32_t index, int64_t next_attempt)
{
	db_bind_number(db, DB_STMT_MOVE, 1, (int64_t)message);
	db_bind_number(db, DB_STMT_MOVE, 2, index);
	db_bind_number(db, DB_STMT_MOVE, 3, next_attempt);
	return db_run(db, DB_STMT_MOVE);
}

enum db_status
db_remember(struct db *db, uint64_t id)
{
	db_bind_number(db, DB_STMT_REMEMBER, 1, (int64_t)id);
	db_bind_number(db, DB_STMT_REMEMBER, 2, (int64_t)time(NULL));
	return db_run(db, DB_STMT_REMEMBER);
}
