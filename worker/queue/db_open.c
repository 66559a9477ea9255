/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "worker/queue/clock.h"
#include "worker/queue/db_private.h"

#define CACHE_KIB 8192
#define CHECKPOINT_FRAMES 2000
#define REMEMBER_SECONDS 3600
#define OLDEST (INT64_C(3) * 365 * 86400 * CLOCK_SECOND) /* longer than any mail is tried */

/*
 * Step N brings a database of version N to N + 1; an empty one is version 0. Released steps never
 * change: what is new is a step more.
 *
 * A recipient's row is deleted when its delivery is done, a message's with its last recipient.
 * message.run names the process that took the message: its sender may ask a later one whether it
 * did (GQ_CONFIRM), so what an earlier run took is remembered in "finished" for a while.
 */
static const char *const schema[] = {
    "CREATE TABLE message ("
    " id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL,"
    " conn INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " sender TEXT NOT NULL,"
    " submitter TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " body BLOB);" /* NULL: a file of the spool */
    "CREATE TABLE recipient ("
    " message INTEGER NOT NULL,"
    " idx INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " mailbox TEXT NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_attempt INTEGER NOT NULL,"
    " reason TEXT,"
    " PRIMARY KEY (message, idx)) WITHOUT ROWID;"
    "CREATE INDEX recipient_due ON recipient (mailbox, next_attempt, message);"
    "CREATE TABLE finished (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);",
    "CREATE TABLE notice (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;",
    /* What MAIL and RCPT asked for (common/mail_parameters.h); delayed: the sender was told of it.
     */
    "ALTER TABLE message ADD COLUMN type INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN ret INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN envid TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE recipient ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE recipient ADD COLUMN orcpt TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE recipient ADD COLUMN delayed INTEGER NOT NULL DEFAULT 0;",
    /* What was there before is of one flow. */
    "ALTER TABLE recipient ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX recipient_due;"
    "CREATE INDEX recipient_due ON recipient (flow, next_attempt);"
    "CREATE INDEX recipient_lane ON recipient (mailbox, flow, next_attempt);",
    /* Filter says so. */
    "ALTER TABLE message ADD COLUMN junk INTEGER NOT NULL DEFAULT 0;",
    /* By a clock that nobody sets (clock.h); received is by one that may be. */
    "ALTER TABLE message ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
    "UPDATE message SET"
    " since = received * 1000000;",
    /* MTA-STS policies, for relay. */
    "CREATE TABLE policy ("
    " domain TEXT PRIMARY KEY,"
    " id TEXT NOT NULL,"
    " mode INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " mx BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX policy_until ON policy (until, domain);",
    /* How a mail is called where an alias leads it. */
    ("ALTER TABLE recipient ADD COLUMN sender TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE recipient ADD COLUMN alias TEXT NOT NULL DEFAULT '';"),
    /* What waits for a domain to be reached again. */
    ("ALTER TABLE recipient ADD COLUMN unreached INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX recipient_unreached ON recipient (mailbox, next_attempt)"
     " WHERE unreached = 1;"),
};
#define SCHEMA_VERSION ((int)(sizeof(schema) / sizeof(schema[0])))

/*
 * What a mail leaves behind in free pages is no more than what any file leaves on a disk. The WAL
 * is reused in place instead of cut: a sync of a file that doesn't grow needs no journal of the
 * file system, which is half of its cost. With synchronous=NORMAL a commit only
 * writes, and db_sync() is what waits. Checkpoints: on_commit().
 */
static const char settings[] = "PRAGMA secure_delete=OFF;"
			       "PRAGMA synchronous=NORMAL;"
			       "PRAGMA journal_size_limit=33554432;";

static int
read_version(struct db *db, int *version, struct error *err)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db->sqlite, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_dir_error(db->sqlite, DB_NAME, err);
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite_dir_error(db->sqlite, DB_NAME, err);
		sqlite3_finalize(stmt);
		return -1;
	}
	*version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return 0;
}

static int
upgrade(struct db *db, struct error *err)
{
	char sql[64];
	int version = 0;

	if (read_version(db, &version, err) == -1)
		return -1;
	if (version < 0 || version > SCHEMA_VERSION)
		return error_set(err,
				 DB_NAME ": made by a newer Postern (version %d, this one "
					 "knows %d)",
				 version, SCHEMA_VERSION);
	for (; version < SCHEMA_VERSION; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; COMMIT", version + 1);
		if (sqlite_dir_exec(db->sqlite, "BEGIN IMMEDIATE", err) == -1 ||
		    sqlite_dir_exec(db->sqlite, schema[version], err) == -1 ||
		    sqlite_dir_exec(db->sqlite, sql, err) == -1)
			return -1;
	}
	return 0;
}

/* The first writes: they also show that there can be any. */
static int
forget_old(struct db *db, struct error *err)
{
	db_bind_number(db, DB_STMT_FORGET, 1, (int64_t)time(NULL) - REMEMBER_SECONDS);
	if (db_run(db, DB_STMT_FORGET) == DB_OK)
		return 0;
	return error_set(err, "%s", db->error.text);
}

/*
 * What waits longer than anything ever does was put off by a clock that was ahead, and what has
 * waited for years by one that was far behind (hosts without one of their own begin at 1970). Such
 * mail is as old as this start: else it would never be too old, or be so at once.
 */
static int
bring_back(struct db *db, struct error *err)
{
	int64_t now = clock_now();

	db_bind_number(db, DB_STMT_MEND_SINCE, 1, now);
	db_bind_number(db, DB_STMT_MEND_SINCE, 2, now - OLDEST);
	db_bind_number(db, DB_STMT_MEND_SINCE, 3, now + CLOCK_LONGEST);
	if (db_run(db, DB_STMT_MEND_SINCE) != DB_OK)
		return error_set(err, "%s", db->error.text);
	db_bind_number(db, DB_STMT_BRING_BACK, 1, now);
	db_bind_number(db, DB_STMT_BRING_BACK, 2, now + CLOCK_LONGEST);
	db_bind_number(db, DB_STMT_BRING_BACK, 3, DB_HELD);
	if (db_run(db, DB_STMT_BRING_BACK) == DB_OK)
		return 0;
	return error_set(err, "%s", db->error.text);
}

/*
 * In place of SQLite's own checkpoints, which don't say that they failed. The kernel forgets what
 * it could not bring to disk: db_sync() would get a false yes behind that.
 */
static int
on_commit(void *arg, sqlite3 *sqlite, const char *name, int frames)
{
	struct db *db = arg;
	int code;

	if (frames < CHECKPOINT_FRAMES)
		return SQLITE_OK;
	errno = 0;
	code = sqlite3_wal_checkpoint_v2(sqlite, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code == SQLITE_IOERR_FSYNC) {
		(void)db_failed(db, code);
		db->lost = true;
	}
	return SQLITE_OK;
}

static int
set_up(struct db *db, struct error *err)
{
	if (sqlite3_db_readonly(db->sqlite, "main") == 1)
		return error_set(err, DB_NAME ": can only be read");
	(void)sqlite3_wal_hook(db->sqlite, on_commit, db);
	if (sqlite_dir_exec(db->sqlite, settings, err) == -1 || upgrade(db, err) == -1 ||
	    db_prepare(db, err) == -1)
		return -1;
	if (forget_old(db, err) == -1 || bring_back(db, err) == -1)
		return -1;
	/* Also what is in it already: its last process may have had no time. */
	return db_sync(db) == DB_OK ? 0 : error_set(err, "%s", db->error.text);
}

struct db *
db_open(struct error *err)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL) {
		error_errno(err, DB_NAME);
		return NULL;
	}
	arc4random_buf(&db->run, sizeof(db->run));
	if (sqlite_dir_open(DB_NAME, CACHE_KIB, &db->sqlite, NULL, err) == -1 ||
	    set_up(db, err) == -1) {
		db_close(db);
		return NULL;
	}
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (int i = 0; i < DB_STMT_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db);
}
