/* SPDX-License-Identifier: ISC */
#include "worker/queue/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/sqlite_dir.h"

#define DB_NAME "queue.db"
#define CACHE_KIB 8192
#define REMEMBER_SECONDS 3600
#define NOTICE_SECONDS (3 * 365 * INT64_C(86400))

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
};
#define SCHEMA_VERSION ((int)(sizeof(schema) / sizeof(schema[0])))

/*
 * What a mail leaves behind in free pages is no more than what any file leaves on a disk. The WAL
 * is reused in place instead of cut: a sync of a file that doesn't grow needs no journal of the
 * file system, which is half of its cost.
 */
static const char settings[] = "PRAGMA secure_delete=OFF;"
			       "PRAGMA wal_autocheckpoint=2000;"
			       "PRAGMA journal_size_limit=33554432;";

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD_MESSAGE,
	ADD_RECIPIENT,
	ADD_NOTICE,
	OLD_NOTICES,
	DONE_RECIPIENT,
	DONE_MESSAGE,
	DEFER,
	REMEMBER,
	FORGET,
	KNOWN,
	HAS_NOTICE,
	HAS_FILE,
	MESSAGE,
	PATH,
	ENTRIES,
	ENTRY,
	MOVE,
	NEXT_MAILBOX,
	DUE,
	STATEMENT_COUNT
};

#define ENTRY_COLUMNS                                                                          \
	"r.message, r.idx, r.attempts, r.next_attempt, m.received, m.size, m.sender,"          \
	" m.submitter, r.path, r.mailbox, r.reason FROM recipient r JOIN message m ON m.id = " \
	"r.message"

static const char *const statements[] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_MESSAGE] = "INSERT INTO message (id, run, conn, received, sender, submitter, size, body)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [ADD_RECIPIENT] = "INSERT INTO recipient (message, idx, path, mailbox, attempts, next_attempt)"
		      " VALUES (?1, ?2, ?3, ?4, 0, ?5)",
    [ADD_NOTICE] = "INSERT OR REPLACE INTO notice (name, at) VALUES (?1, ?2)",
    [OLD_NOTICES] = "DELETE FROM notice WHERE at < ?1",
    [DONE_RECIPIENT] = "DELETE FROM recipient WHERE message = ?1 AND idx = ?2",
    [DONE_MESSAGE] = "DELETE FROM message WHERE id = ?1"
		     " AND NOT EXISTS (SELECT 1 FROM recipient WHERE message = ?1)"
		     " RETURNING run, body IS NULL",
    [DEFER] = "UPDATE recipient SET attempts = ?3, next_attempt = ?4, reason = ?5"
	      " WHERE message = ?1 AND idx = ?2",
    [REMEMBER] = "INSERT OR REPLACE INTO finished (id, at) VALUES (?1, ?2)",
    [FORGET] = "DELETE FROM finished WHERE at < ?1",
    [KNOWN] = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1)"
	      " OR EXISTS (SELECT 1 FROM finished WHERE id = ?1)",
    [HAS_NOTICE] = "SELECT EXISTS (SELECT 1 FROM notice WHERE name = ?1)",
    [HAS_FILE] = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND body IS NULL)",
    [MESSAGE] = "SELECT conn, received, sender, submitter, size, body FROM message WHERE id = ?1",
    [PATH] = "SELECT path FROM recipient WHERE message = ?1 AND idx = ?2",
    [ENTRIES] = "SELECT " ENTRY_COLUMNS " WHERE (r.message, r.idx) > (?1, ?2)"
		" ORDER BY r.message, r.idx LIMIT ?3",
    [ENTRY] = "SELECT " ENTRY_COLUMNS " WHERE r.message = ?1 AND r.idx = ?2",
    [MOVE] = "UPDATE recipient SET next_attempt = ?3 WHERE message = ?1 AND idx = ?2",
    [NEXT_MAILBOX] = "SELECT mailbox FROM recipient WHERE mailbox > ?1 ORDER BY mailbox LIMIT 1",
    [DUE] = "SELECT next_attempt, message, idx, attempts FROM recipient"
	    " WHERE mailbox = ?1 AND (next_attempt, message, idx) > (?2, ?3, ?5)"
	    " ORDER BY next_attempt, message, idx LIMIT ?4",
};

struct db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	int64_t run;
	uint64_t commits;
	struct error error;
};

/* -- Running statements ---------------------------------------------------------- */

/* As sqlite3_step(), with errno fit to be asked after a failure: SQLite doesn't keep it. */
static int
step(struct db *db, enum statement which)
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

/* Right after step(). */
static enum db_status
failed(struct db *db, int code)
{
	int number = errno;

	if (number != 0)
		error_set(&db->error, DB_NAME ": %s (%s)", sqlite3_errmsg(db->sqlite),
			  strerror(number));
	else
		error_set(&db->error, DB_NAME ": %s", sqlite3_errmsg(db->sqlite));
	return classify(code, number);
}

static void
bind_number(struct db *db, enum statement which, int at, int64_t value)
{
	(void)sqlite3_bind_int64(db->statements[which], at, value);
}

/* The text must live until the statement is done. */
static void
bind_text(struct db *db, enum statement which, int at, const char *value)
{
	(void)sqlite3_bind_text(db->statements[which], at, value, -1, SQLITE_STATIC);
}

static void
reset(struct db *db, enum statement which)
{
	(void)sqlite3_reset(db->statements[which]);
	(void)sqlite3_clear_bindings(db->statements[which]);
}

/* Runs one that returns nothing. */
static enum db_status
run(struct db *db, enum statement which)
{
	int code = step(db, which);
	enum db_status status = code == SQLITE_DONE ? DB_OK : failed(db, code);

	reset(db, which);
	return status;
}

/* Runs one that returns one number. */
static enum db_status
run_number(struct db *db, enum statement which, int64_t *value)
{
	int code = step(db, which);
	enum db_status status = DB_OK;

	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(db->statements[which], 0);
	else
		status = failed(db, code);
	reset(db, which);
	return status;
}

/* -- Opening ----------------------------------------------------------------------- */

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

static int
prepare(struct db *db, struct error *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		if (sqlite3_prepare_v3(db->sqlite, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[i], NULL) != SQLITE_OK)
			return sqlite_dir_error(db->sqlite, DB_NAME, err);
	}
	return 0;
}

/* The first write: also shows that there can be one. */
static int
forget_old(struct db *db, struct error *err)
{
	bind_number(db, FORGET, 1, (int64_t)time(NULL) - REMEMBER_SECONDS);
	if (run(db, FORGET) == DB_OK)
		return 0;
	return error_set(err, "%s", db->error.text);
}

static int
set_up(struct db *db, struct error *err)
{
	if (sqlite3_db_readonly(db->sqlite, "main") == 1)
		return error_set(err, DB_NAME ": can only be read");
	if (sqlite_dir_exec(db->sqlite, settings, err) == -1 || upgrade(db, err) == -1 ||
	    prepare(db, err) == -1)
		return -1;
	return forget_old(db, err);
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
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db);
}

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

/* -- Writing ------------------------------------------------------------------------- */

enum db_status
db_begin(struct db *db)
{
	return run(db, BEGIN);
}

enum db_status
db_commit(struct db *db)
{
	enum db_status status = run(db, COMMIT);

	if (status == DB_OK)
		db->commits++;
	return status;
}

void
db_rollback(struct db *db)
{
	struct error kept = db->error;

	/* Some failures have rolled back by themselves. */
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		(void)run(db, ROLLBACK);
	db->error = kept;
}

enum db_status
db_add_message(struct db *db, const struct db_message *message)
{
	bind_number(db, ADD_MESSAGE, 1, (int64_t)message->id);
	bind_number(db, ADD_MESSAGE, 2, db->run);
	bind_number(db, ADD_MESSAGE, 3, (int64_t)message->conn);
	bind_number(db, ADD_MESSAGE, 4, message->received);
	bind_text(db, ADD_MESSAGE, 5, message->sender);
	bind_text(db, ADD_MESSAGE, 6, message->submitter);
	bind_number(db, ADD_MESSAGE, 7, (int64_t)message->size);
	if (message->body != NULL)
		(void)sqlite3_bind_blob64(db->statements[ADD_MESSAGE], 8, message->body,
					  message->size, SQLITE_STATIC);
	return run(db, ADD_MESSAGE);
}

enum db_status
db_add_recipient(struct db *db, const struct db_recipient *recipient)
{
	bind_number(db, ADD_RECIPIENT, 1, (int64_t)recipient->message);
	bind_number(db, ADD_RECIPIENT, 2, recipient->index);
	bind_text(db, ADD_RECIPIENT, 3, recipient->path);
	bind_text(db, ADD_RECIPIENT, 4, recipient->mailbox);
	bind_number(db, ADD_RECIPIENT, 5, recipient->next_attempt);
	return run(db, ADD_RECIPIENT);
}

enum db_status
db_add_notice(struct db *db, const char *name)
{
	int64_t now = (int64_t)time(NULL);
	enum db_status status;

	bind_number(db, OLD_NOTICES, 1, now - NOTICE_SECONDS);
	status = run(db, OLD_NOTICES);
	if (status != DB_OK)
		return status;
	bind_text(db, ADD_NOTICE, 1, name);
	bind_number(db, ADD_NOTICE, 2, now);
	return run(db, ADD_NOTICE);
}

enum db_status
db_done(struct db *db, uint64_t message, uint32_t index, bool *left_file)
{
	sqlite3_stmt *stmt = db->statements[DONE_MESSAGE];
	enum db_status status;
	bool last = false, others = false;
	int code;

	*left_file = false;
	bind_number(db, DONE_RECIPIENT, 1, (int64_t)message);
	bind_number(db, DONE_RECIPIENT, 2, index);
	status = run(db, DONE_RECIPIENT);
	if (status != DB_OK)
		return status;
	bind_number(db, DONE_MESSAGE, 1, (int64_t)message);
	code = step(db, DONE_MESSAGE);
	if (code == SQLITE_ROW) {
		last = true;
		others = sqlite3_column_int64(stmt, 0) != db->run;
		*left_file = sqlite3_column_int(stmt, 1) != 0;
		code = step(db, DONE_MESSAGE);
	}
	status = code == SQLITE_DONE ? DB_OK : failed(db, code);
	reset(db, DONE_MESSAGE);
	return status == DB_OK && last && others ? db_remember(db, message) : status;
}

enum db_status
db_defer(struct db *db, uint64_t message, uint32_t index, uint32_t attempts, int64_t next_attempt,
	 const char *reason)
{
	bind_number(db, DEFER, 1, (int64_t)message);
	bind_number(db, DEFER, 2, index);
	bind_number(db, DEFER, 3, attempts);
	bind_number(db, DEFER, 4, next_attempt);
	bind_text(db, DEFER, 5, reason);
	return run(db, DEFER);
}

enum db_status
db_move(struct db *db, uint64_t message, uint32_t index, int64_t next_attempt)
{
	bind_number(db, MOVE, 1, (int64_t)message);
	bind_number(db, MOVE, 2, index);
	bind_number(db, MOVE, 3, next_attempt);
	return run(db, MOVE);
}

enum db_status
db_remember(struct db *db, uint64_t id)
{
	bind_number(db, REMEMBER, 1, (int64_t)id);
	bind_number(db, REMEMBER, 2, (int64_t)time(NULL));
	return run(db, REMEMBER);
}

/* -- Reading --------------------------------------------------------------------------- */

enum db_status
db_known(struct db *db, uint64_t id, bool *known)
{
	enum db_status status;
	int64_t value = 0;

	bind_number(db, KNOWN, 1, (int64_t)id);
	status = run_number(db, KNOWN, &value);
	*known = value != 0;
	return status;
}

enum db_status
db_has_notice(struct db *db, const char *name, bool *has)
{
	enum db_status status;
	int64_t value = 0;

	bind_text(db, HAS_NOTICE, 1, name);
	status = run_number(db, HAS_NOTICE, &value);
	*has = value != 0;
	return status;
}

bool
db_has_file(struct db *db, uint64_t id)
{
	int64_t value = 0;

	bind_number(db, HAS_FILE, 1, (int64_t)id);
	return run_number(db, HAS_FILE, &value) != DB_OK || value != 0;
}

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text == NULL ? "" : (const char *)text;
}

int
db_message(struct db *db, uint64_t id, db_read_fn *read, void *arg)
{
	sqlite3_stmt *stmt = db->statements[MESSAGE];
	struct db_message message = {.id = id};
	int result = -1;
	int code;

	bind_number(db, MESSAGE, 1, (int64_t)id);
	code = step(db, MESSAGE);
	if (code == SQLITE_ROW) {
		bool in_file = sqlite3_column_type(stmt, 5) == SQLITE_NULL;

		message.conn = (conn_id)sqlite3_column_int64(stmt, 0);
		message.received = sqlite3_column_int64(stmt, 1);
		message.sender = column_text(stmt, 2);
		message.submitter = column_text(stmt, 3);
		message.size = (uint64_t)sqlite3_column_int64(stmt, 4);
		/* An empty BLOB has no address. */
		message.body = in_file ? NULL : sqlite3_column_blob(stmt, 5);
		if (!in_file && message.body == NULL)
			message.body = "";
		if (in_file || (uint64_t)sqlite3_column_bytes(stmt, 5) == message.size)
			result = read(&message, arg);
		else
			error_set(&db->error, DB_NAME ": a body of the wrong length");
	} else if (code == SQLITE_DONE) {
		error_set(&db->error, DB_NAME ": no such message");
	} else {
		failed(db, code);
	}
	reset(db, MESSAGE);
	return result;
}

/* Hands on all rows of one of the two statements. */
static enum db_status
hand_on(struct db *db, enum statement which, db_entry_fn *each, void *arg)
{
	sqlite3_stmt *stmt = db->statements[which];
	enum db_status status;
	int code;

	while ((code = step(db, which)) == SQLITE_ROW) {
		struct db_entry entry = {
		    .message = (uint64_t)sqlite3_column_int64(stmt, 0),
		    .index = (uint32_t)sqlite3_column_int64(stmt, 1),
		    .attempts = (uint32_t)sqlite3_column_int64(stmt, 2),
		    .next_attempt = sqlite3_column_int64(stmt, 3),
		    .received = sqlite3_column_int64(stmt, 4),
		    .size = (uint64_t)sqlite3_column_int64(stmt, 5),
		    .sender = column_text(stmt, 6),
		    .submitter = column_text(stmt, 7),
		    .path = column_text(stmt, 8),
		    .mailbox = column_text(stmt, 9),
		    .reason = column_text(stmt, 10),
		};

		each(&entry, arg);
	}
	status = code == SQLITE_DONE ? DB_OK : failed(db, code);
	reset(db, which);
	return status;
}

enum db_status
db_entries(struct db *db, const struct db_name *after, size_t max, db_entry_fn *each, void *arg)
{
	bind_number(db, ENTRIES, 1, after == NULL ? INT64_MIN : (int64_t)after->message);
	bind_number(db, ENTRIES, 2, after == NULL ? -1 : (int64_t)after->index);
	bind_number(db, ENTRIES, 3, (int64_t)max);
	return hand_on(db, ENTRIES, each, arg);
}

enum db_status
db_entry(struct db *db, uint64_t message, uint32_t index, db_entry_fn *each, void *arg)
{
	bind_number(db, ENTRY, 1, (int64_t)message);
	bind_number(db, ENTRY, 2, index);
	return hand_on(db, ENTRY, each, arg);
}

enum db_status
db_path(struct db *db, uint64_t message, uint32_t index, char path[PATH_SIZE])
{
	enum db_status status = DB_OK;
	int code;

	bind_number(db, PATH, 1, (int64_t)message);
	bind_number(db, PATH, 2, index);
	code = step(db, PATH);
	if (code == SQLITE_ROW)
		strlcpy(path, column_text(db->statements[PATH], 0), PATH_SIZE);
	else
		status = failed(db, code);
	reset(db, PATH);
	return status;
}

int
db_next_mailbox(struct db *db, const char *after, char name[ADDRESS_SIZE])
{
	sqlite3_stmt *stmt = db->statements[NEXT_MAILBOX];
	int result = 0;
	int code;

	bind_text(db, NEXT_MAILBOX, 1, after);
	code = step(db, NEXT_MAILBOX);
	if (code == SQLITE_ROW) {
		result = 1;
		strlcpy(name, column_text(stmt, 0), ADDRESS_SIZE);
	} else if (code != SQLITE_DONE) {
		failed(db, code);
		result = -1;
	}
	reset(db, NEXT_MAILBOX);
	return result;
}

int
db_due(struct db *db, const char *mailbox, struct db_position after, int64_t now,
       struct db_delivery *found, size_t max, int64_t *due)
{
	sqlite3_stmt *stmt = db->statements[DUE];
	size_t count = 0;
	int code;

	*due = DB_HELD;
	bind_text(db, DUE, 1, mailbox);
	bind_number(db, DUE, 2, after.next_attempt);
	bind_number(db, DUE, 3, (int64_t)after.message);
	bind_number(db, DUE, 4, (int64_t)max + 1);
	bind_number(db, DUE, 5, after.index);
	while ((code = step(db, DUE)) == SQLITE_ROW) {
		int64_t next = sqlite3_column_int64(stmt, 0);

		if (next > now || count == max) {
			*due = next;
			code = SQLITE_DONE;
			break;
		}
		found[count].position.next_attempt = next;
		found[count].position.message = (uint64_t)sqlite3_column_int64(stmt, 1);
		found[count].position.index = (uint32_t)sqlite3_column_int64(stmt, 2);
		found[count].attempts = (uint32_t)sqlite3_column_int64(stmt, 3);
		count++;
	}
	if (code != SQLITE_DONE)
		failed(db, code);
	reset(db, DUE);
	return code == SQLITE_DONE ? (int)count : -1;
}
