/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "worker/queue/db_private.h"

#define ENTRY_COLUMNS                                                                           \
	"r.message, r.idx, r.attempts, r.next_attempt, m.received, m.size, m.sender,"           \
	" m.submitter, r.path, r.mailbox, r.reason, r.flow FROM recipient r JOIN message m ON " \
	"m.id = "                                                                               \
	"r.message"

static const char *const statements[] = {
    [DB_STMT_BEGIN] = "BEGIN IMMEDIATE",
    [DB_STMT_COMMIT] = "COMMIT",
    [DB_STMT_ROLLBACK] = "ROLLBACK",
    [DB_STMT_ADD_MESSAGE] =
	"INSERT INTO message (id, run, conn, received, sender, submitter, size, body, type,"
	" flags, ret, envid, junk, since)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [DB_STMT_ADD_RECIPIENT] =
	"INSERT INTO recipient (message, idx, path, mailbox, attempts, next_attempt, notify,"
	" orcpt, flow, sender, alias) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10)",
    [DB_STMT_ADD_NOTICE] = "INSERT OR REPLACE INTO notice (name, at) VALUES (?1, ?2)",
    [DB_STMT_OLD_NOTICES] = "DELETE FROM notice WHERE at < ?1",
    [DB_STMT_DONE_RECIPIENT] = "DELETE FROM recipient WHERE message = ?1 AND idx = ?2",
    [DB_STMT_DONE_MESSAGE] = "DELETE FROM message WHERE id = ?1"
			     " AND NOT EXISTS (SELECT 1 FROM recipient WHERE message = ?1)"
			     " RETURNING run, body IS NULL",
    [DB_STMT_DEFER] = "UPDATE recipient SET attempts = ?3, next_attempt = ?4, reason = ?5,"
		      " unreached = ?6 WHERE message = ?1 AND idx = ?2 RETURNING flow",
    /* What is before ?2 the schedule may have in memory; what is at ?3 is held. */
    [DB_STMT_REVIVE] = "UPDATE recipient SET next_attempt = ?2, unreached = 0"
		       " WHERE (message, idx) IN (SELECT message, idx FROM recipient"
		       " WHERE mailbox = ?1 AND unreached = 1 AND next_attempt > ?2"
		       " AND next_attempt < ?3 ORDER BY next_attempt LIMIT ?4) RETURNING flow",
    [DB_STMT_HAS_UNREACHED] = "SELECT EXISTS (SELECT 1 FROM recipient WHERE mailbox = ?1"
			      " AND unreached = 1 AND next_attempt > ?2 AND next_attempt < ?3)",
    [DB_STMT_REMEMBER] = "INSERT OR REPLACE INTO finished (id, at) VALUES (?1, ?2)",
    [DB_STMT_FORGET] = "DELETE FROM finished WHERE at < ?1",
    /* By its recipients: to look at each message would be to read each body. */
    [DB_STMT_MEND_SINCE] = "UPDATE message SET since = ?1 WHERE (since > ?1 OR since < ?2)"
			   " AND id IN (SELECT message FROM recipient"
			   " WHERE next_attempt > ?3 OR next_attempt < ?2)",
    /* Ids are random: they spread over 36 minutes. */
    [DB_STMT_BRING_BACK] = "UPDATE recipient SET next_attempt = ?1 + (message & 2147483647)"
			   " WHERE next_attempt > ?2 AND next_attempt < ?3",
    [DB_STMT_KNOWN] = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1)"
		      " OR EXISTS (SELECT 1 FROM finished WHERE id = ?1)",
    [DB_STMT_HAS_NOTICE] = "SELECT EXISTS (SELECT 1 FROM notice WHERE name = ?1)",
    [DB_STMT_HAS_FILE] = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND body IS NULL)",
    [DB_STMT_MESSAGE] =
	"SELECT conn, received, sender, submitter, size, body, type, flags, ret, envid, junk,"
	" since FROM message WHERE id = ?1",
    [DB_STMT_MESSAGE_HEAD] = "SELECT conn, received, sender, submitter, size, NULL, type, flags,"
			     " ret, envid, junk, since FROM message WHERE id = ?1",
    [DB_STMT_ADDRESSEE] = "SELECT path, notify, orcpt, delayed, sender, alias FROM recipient"
			  " WHERE message = ?1 AND idx = ?2",
    [DB_STMT_DELAYED] = "UPDATE recipient SET delayed = 1 WHERE message = ?1 AND idx = ?2",
    [DB_STMT_ENTRIES] = "SELECT " ENTRY_COLUMNS " WHERE (r.message, r.idx) > (?1, ?2)"
			" ORDER BY r.message, r.idx LIMIT ?3",
    [DB_STMT_ENTRY] = "SELECT " ENTRY_COLUMNS " WHERE r.message = ?1 AND r.idx = ?2",
    [DB_STMT_MOVE] = "UPDATE recipient SET next_attempt = ?3 WHERE message = ?1 AND idx = ?2",
    [DB_STMT_NEXT_FLOW] = "SELECT flow FROM recipient WHERE flow > ?1 ORDER BY flow LIMIT 1",
    [DB_STMT_DUE] =
	"SELECT next_attempt, message, idx, attempts, notify, delayed, mailbox FROM recipient"
	" WHERE flow = ?1 AND (next_attempt, message, idx) > (?2, ?3, ?4)"
	" ORDER BY next_attempt, message, idx LIMIT ?5",
    [DB_STMT_LANE] = "SELECT next_attempt, message, idx, attempts, notify, delayed FROM recipient"
		     " WHERE mailbox = ?1 AND flow = ?2"
		     " AND (next_attempt, message, idx) > (?3, ?4, ?5)"
		     " AND (next_attempt, message, idx) <= (?6, ?7, ?8)"
		     " ORDER BY next_attempt, message, idx LIMIT ?9",
    [DB_STMT_KEEP_POLICY] = "INSERT OR REPLACE INTO policy (domain, id, mode, until, mx)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)",
    [DB_STMT_OLD_POLICIES] =
	"DELETE FROM policy WHERE domain IN"
	" (SELECT domain FROM policy WHERE until > 0 ORDER BY until DESC, domain DESC"
	" LIMIT -1 OFFSET ?1)",
    [DB_STMT_POLICIES] = "SELECT count(*) FROM policy WHERE until > 0",
    [DB_STMT_POLICY] = "SELECT id, mode, until, mx FROM policy WHERE domain = ?1",
};

int
db_prepare(struct db *db, struct error *err)
{
	for (int i = 0; i < DB_STMT_COUNT; i++) {
		if (sqlite3_prepare_v3(db->sqlite, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[i], NULL) != SQLITE_OK)
			return sqlite_dir_error(db->sqlite, DB_NAME, err);
	}
	return 0;
}

int
db_step(struct db *db, enum db_statement which)
{
	errno = 0;
	return sqlite3_step(db->statements[which]);
}

/* What a result code means for who waits. */
static enum db_status
classify(int code, int number)
{
	if ((code & 0xff) == SQLITE_FULL)
		return DB_NO_SPACE;
	if ((code & 0xff) != SQLITE_IOERR)
		return DB_FAILED;
	if (number == ENOSPC || number == EDQUOT || number == EFBIG)
		return DB_NO_SPACE;
	/* The kernel forgets what it could not write: asking again would get a false yes. */
	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ? DB_LOST : DB_FAILED;
}

enum db_status
db_failed(struct db *db, int code)
{
	/* Of what was asked of the file itself SQLite keeps no message. */
	const char *why = sqlite3_errcode(db->sqlite) == SQLITE_OK ? sqlite3_errstr(code)
								   : sqlite3_errmsg(db->sqlite);
	int number = errno;

	if (number != 0)
		error_set(&db->error, DB_NAME ": %s (%s)", why, strerror(number));
	else
		error_set(&db->error, DB_NAME ": %s", why);
	return classify(code, number);
}

void
db_bind_number(struct db *db, enum db_statement which, int at, int64_t value)
{
	(void)sqlite3_bind_int64(db->statements[which], at, value);
}

void
db_bind_text(struct db *db, enum db_statement which, int at, const char *value)
{
	(void)sqlite3_bind_text(db->statements[which], at, value, -1, SQLITE_STATIC);
}

void
db_reset(struct db *db, enum db_statement which)
{
	(void)sqlite3_reset(db->statements[which]);
	(void)sqlite3_clear_bindings(db->statements[which]);
}

enum db_status
db_run(struct db *db, enum db_statement which)
{
	int code = db_step(db, which);
	enum db_status status = code == SQLITE_DONE ? DB_OK : db_failed(db, code);

	db_reset(db, which);
	return status;
}

enum db_status
db_run_number(struct db *db, enum db_statement which, int64_t *value)
{
	int code = db_step(db, which);
	enum db_status status = DB_OK;

	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(db->statements[which], 0);
	else
		status = db_failed(db, code);
	db_reset(db, which);
	return status;
}

const char *
db_column_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text == NULL ? "" : (const char *)text;
}
