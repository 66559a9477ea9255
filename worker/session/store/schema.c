/* SPDX-License-Identifier: ISC */
#include "worker/session/store/schema.h"

#include <stdio.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/store_private.h"

/* INBOX has id 1. UIDVALIDITY is the time of making (RFC 9051 2.3.1.1); object ids: RFC 8474. */
static const char version_1[] =
    "CREATE TABLE folders ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " uidvalidity INTEGER NOT NULL,"
    " uidnext INTEGER NOT NULL DEFAULT 1,"
    " highestmodseq INTEGER NOT NULL DEFAULT 1,"
    " object TEXT NOT NULL UNIQUE"
    ") STRICT;"
    /* One row a message file; file: its name below msg/. */
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY,"
    " file TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " unterminated INTEGER NOT NULL,"
    " internaldate INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE placements ("
    " folder INTEGER NOT NULL REFERENCES folders,"
    " uid INTEGER NOT NULL,"
    " message INTEGER NOT NULL REFERENCES messages,"
    " flags INTEGER NOT NULL DEFAULT 0,"
    " modseq INTEGER NOT NULL,"
    " PRIMARY KEY (folder, uid)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX placements_message ON placements (message);"
    "CREATE TABLE keywords ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE"
    ") STRICT;"
    "CREATE TABLE placement_keywords ("
    " folder INTEGER NOT NULL,"
    " uid INTEGER NOT NULL,"
    " keyword INTEGER NOT NULL REFERENCES keywords,"
    " PRIMARY KEY (folder, uid, keyword),"
    " FOREIGN KEY (folder, uid) REFERENCES placements ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;"
    /* Which deliveries were stored: exactly once. */
    "CREATE TABLE deliveries ("
    " id TEXT PRIMARY KEY,"
    " stored INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO folders (id, name, uidvalidity, object)"
    " VALUES (1, 'INBOX', CAST(strftime('%s', 'now') AS INTEGER), lower(hex(randomblob(16))));";

/* What QRESYNC's VANISHED tells (RFC 7162 3.2): which UIDs went away, and when. */
static const char version_2[] = "CREATE TABLE expunged ("
				" folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,"
				" modseq INTEGER NOT NULL,"
				" uid INTEGER NOT NULL,"
				" PRIMARY KEY (folder, modseq, uid)"
				") STRICT, WITHOUT ROWID;";

const char *const schema_steps[SCHEMA_VERSION] = {version_1, version_2};

static enum store_result
read_version(sqlite3 *db, int *version, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		enum store_result result = store_sql_failed(db, "schema version", err);

		sqlite3_finalize(stmt);
		return result;
	}
	*version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return STORE_OK;
}

static enum store_result
make_step(sqlite3 *db, int version, struct error *err)
{
	char pragma[64];
	enum store_result result;

	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d", version);
	if (sqlite_dir_exec(db, "BEGIN IMMEDIATE", err) == 0 &&
	    sqlite_dir_exec(db, schema_steps[version - 1], err) == 0 &&
	    sqlite_dir_exec(db, pragma, err) == 0 && sqlite_dir_exec(db, "COMMIT", err) == 0)
		return STORE_OK;
	result = store_sql_result(sqlite3_errcode(db));
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	error_prefix(err, "schema version %d", version);
	return result;
}

enum store_result
schema_upgrade(sqlite3 *db, bool *changed, struct error *err)
{
	enum store_result result;
	int version = 0;

	*changed = false;
	result = read_version(db, &version, err);
	if (result != STORE_OK)
		return result;
	if (version < 0 || version > SCHEMA_VERSION) {
		error_set(err,
			  "the mailbox has version %d, this program knows up to %d: it was "
			  "used with a newer one",
			  version, SCHEMA_VERSION);
		return STORE_DAMAGED;
	}
	if (version < SCHEMA_VERSION && sqlite3_db_readonly(db, "main") == 1) {
		error_set(err,
			  "the mailbox has version %d and can't be brought to version %d: "
			  "read-only",
			  version, SCHEMA_VERSION);
		return STORE_TEMPORARY;
	}
	for (; version < SCHEMA_VERSION; version++) {
		result = make_step(db, version + 1, err);
		if (result != STORE_OK)
			return result;
		*changed = true;
	}
	return STORE_OK;
}
