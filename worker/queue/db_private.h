/* SPDX-License-Identifier: ISC */
/*
 * What the db_*.c share: the database, its statements, and how one is run.
 *
 *   db_open.c        the schema and its steps; opening and closing
 *   db_statement.c   the SQL of all statements; running one, and what a failure means
 *   db_write.c, db_read.c   the calls of db.h
 */
#ifndef POSTERN_WORKER_QUEUE_DB_PRIVATE_H
#define POSTERN_WORKER_QUEUE_DB_PRIVATE_H

#include "common/sqlite_dir.h"
#include "worker/queue/db.h"

#define DB_NAME "queue.db"

enum db_statement {
	DB_STMT_BEGIN,
	DB_STMT_COMMIT,
	DB_STMT_ROLLBACK,
	DB_STMT_ADD_MESSAGE,
	DB_STMT_ADD_RECIPIENT,
	DB_STMT_ADD_NOTICE,
	DB_STMT_OLD_NOTICES,
	DB_STMT_DONE_RECIPIENT,
	DB_STMT_DONE_MESSAGE,
	DB_STMT_DEFER,
	DB_STMT_REVIVE,
	DB_STMT_HAS_UNREACHED,
	DB_STMT_REMEMBER,
	DB_STMT_FORGET,
	DB_STMT_MEND_SINCE,
	DB_STMT_BRING_BACK,
	DB_STMT_KNOWN,
	DB_STMT_HAS_NOTICE,
	DB_STMT_HAS_FILE,
	DB_STMT_MESSAGE,
	DB_STMT_MESSAGE_HEAD,
	DB_STMT_ADDRESSEE,
	DB_STMT_DELAYED,
	DB_STMT_ENTRIES,
	DB_STMT_ENTRY,
	DB_STMT_MOVE,
	DB_STMT_NEXT_FLOW,
	DB_STMT_DUE,
	DB_STMT_LANE,
	DB_STMT_KEEP_POLICY,
	DB_STMT_OLD_POLICIES,
	DB_STMT_POLICIES,
	DB_STMT_POLICY,
	DB_STMT_COUNT
};

struct db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[DB_STMT_COUNT];
	int64_t run;
	uint64_t commits;
	bool lost; /* a checkpoint could not sync: what is written may be gone */
	struct error error;
};

/* Prepares all statements. 0, or -1 with ERR filled. */
int db_prepare(struct db *, struct error *);

/* As sqlite3_step(), with errno fit to be asked after a failure: SQLite doesn't keep it. */
int db_step(struct db *, enum db_statement);

/* Right after db_step() or a call of the like: keeps the error's text, says what CODE means for who
 * waits. */
enum db_status db_failed(struct db *, int code);

/* Parameters; a text must live until the statement is done. */
void db_bind_number(struct db *, enum db_statement, int at, int64_t value);
void db_bind_text(struct db *, enum db_statement, int at, const char *value);

/* Ends a statement and forgets its parameters. */
void db_reset(struct db *, enum db_statement);

/* Runs one that returns nothing, and resets it. */
enum db_status db_run(struct db *, enum db_statement);

/* Runs one that returns one number, and resets it. */
enum db_status db_run_number(struct db *, enum db_statement, int64_t *value);

/* A column's text, "" for NULL. */
const char *db_column_text(sqlite3_stmt *, int column);

#endif
