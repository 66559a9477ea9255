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

/*
 * What IMAP needs. Counts and keywords are kept where they are read: with the folder, with the
 * placement. Ids that may never come again are counted in the account's one row.
 */
static const char version_3[] =
    "ALTER TABLE folders ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE folders ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE folders ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE folders ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE folders ADD COLUMN recent_from INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE folders ADD COLUMN use INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE folders ADD COLUMN append_limit INTEGER NOT NULL DEFAULT 0;"
    /* The record of what vanished is whole for MODSEQs greater than this one. */
    "ALTER TABLE folders ADD COLUMN vanished_from INTEGER NOT NULL DEFAULT 0;"
    /* Atoms with a space between; NULL: none. saved: SAVEDATE (RFC 8514), 0: not known. */
    "ALTER TABLE placements ADD COLUMN keywords TEXT;"
    "ALTER TABLE placements ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX placements_modseq ON placements (folder, modseq);"
    /* All that were ever used in a folder, in the spelling they were used in first. */
    "CREATE TABLE folder_keywords ("
    " folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,"
    " name TEXT NOT NULL COLLATE NOCASE,"
    " PRIMARY KEY (folder, name)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT OR IGNORE INTO folder_keywords SELECT p.folder, k.name"
    " FROM placement_keywords p JOIN keywords k ON k.id = p.keyword;"
    "UPDATE placements SET keywords = (SELECT group_concat(k.name, ' ')"
    "  FROM placement_keywords p JOIN keywords k ON k.id = p.keyword"
    "  WHERE p.folder = placements.folder AND p.uid = placements.uid);"
    "DROP TABLE placement_keywords;"
    "DROP TABLE keywords;"
    "UPDATE folders SET (messages, unseen, deleted, size) ="
    " (SELECT count(*), ifnull(sum(p.flags & 1 = 0), 0), ifnull(sum(p.flags & 8 <> 0), 0),"
    "  ifnull(sum(m.size), 0)"
    "  FROM placements p JOIN messages m ON m.id = p.message WHERE p.folder = folders.id);"
    /* UIDs first to last went away at modseq. Instead of a row each: table expunged. */
    "CREATE TABLE vanished ("
    " folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,"
    " modseq INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " last INTEGER NOT NULL,"
    " PRIMARY KEY (folder, modseq, first)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO vanished SELECT folder, modseq, uid, uid FROM expunged;"
    /* Version 1 recorded none. */
    "UPDATE folders SET vanished_from = highestmodseq WHERE uidnext - 1 <> messages +"
    " (SELECT count(DISTINCT uid) FROM expunged e WHERE e.folder = folders.id);"
    "DROP TABLE expunged;"
    "CREATE TABLE subscriptions (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "INSERT INTO subscriptions SELECT name FROM folders;"
    /* RFC 5464; folder 0 is the server. */
    "CREATE TABLE metadata ("
    " folder INTEGER NOT NULL,"
    " entry TEXT NOT NULL,"
    " value BLOB NOT NULL,"
    " PRIMARY KEY (folder, entry)"
    ") STRICT, WITHOUT ROWID;"
    /* Messages in no folder, whose files are to be removed. */
    "CREATE TABLE doomed (message INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE account ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " uidvalidity INTEGER NOT NULL," /* the greatest one given out */
    " next_folder INTEGER NOT NULL,"
    " next_message INTEGER NOT NULL,"
    " messages INTEGER NOT NULL," /* all folders' */
    " storage INTEGER NOT NULL,"
    " first_login INTEGER NOT NULL DEFAULT 0" /* when it was; 0: not yet */
    ") STRICT;"
    "INSERT INTO account (id, uidvalidity, next_folder, next_message, messages, storage)"
    " SELECT 1, max(f.uidvalidity), max(f.id) + 1,"
    "  (SELECT ifnull(max(id), 0) + 1 FROM messages), sum(f.messages), sum(f.size)"
    " FROM folders f;";

/* What summary.h keeps; data: texts with a NUL behind each. */
static const char version_4[] =
    "CREATE TABLE summaries ("
    " message INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,"
    " version INTEGER NOT NULL,"
    " sent INTEGER NOT NULL,"
    " sent_day INTEGER NOT NULL,"
    " reply INTEGER NOT NULL,"
    " data BLOB NOT NULL"
    ") STRICT;";

/* UIDs and UIDVALIDITYs of another server (adopt.c). INBOX has the first that was given out. */
static const char version_5[] =
    "ALTER TABLE folders ADD COLUMN uid_floor INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE account ADD COLUMN uidvalidity_first INTEGER NOT NULL DEFAULT 0;"
    "UPDATE account SET uidvalidity_first = (SELECT min(uidvalidity) FROM folders);"
    "CREATE TABLE foreign_uidvalidities (uidvalidity INTEGER PRIMARY KEY) STRICT;";

/* What EXPUNGE and opening a large folder need: not to read each message's row. */
static const char version_6[] =
    "CREATE INDEX placements_deleted ON placements (folder, uid) WHERE flags & 8 <> 0;"
    /* uid_runs.c; as of modseq and uidnext. */
    "CREATE TABLE uid_runs ("
    " folder INTEGER PRIMARY KEY REFERENCES folders ON DELETE CASCADE,"
    " modseq INTEGER NOT NULL,"
    " uidnext INTEGER NOT NULL,"
    " data BLOB NOT NULL"
    ") STRICT;";

/* What counting annotations needs: not to read their values, which the table's own keys go with. */
static const char version_7[] = "CREATE INDEX metadata_names ON metadata (folder, entry);";

const char *const schema_steps[SCHEMA_VERSION] = {version_1, version_2, version_3, version_4,
						  version_5, version_6, version_7};

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
		return version < 0 ? STORE_DAMAGED : STORE_REFUSED; /* no repair helps */
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
