/* SPDX-License-Identifier: ISC */
#include "worker/queue/greylist_db.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sqlite_dir.h"

#define NAME "greylist.db"
#define CACHE_KIB 8192

/*
 * Entries of a kind that are changed at a time: nothing else is done meanwhile. There may be more
 * when the bound is lower than it was, or the clock was ahead.
 */
#define EVICT_PUT 16
#define EVICT_TIDY 200
#define EXPIRE_TIDY 200
#define AHEAD_TIDY 500

static const char settings[] = "PRAGMA synchronous=NORMAL;" /* no commit waits for the disk */
			       "PRAGMA secure_delete=OFF;"
			       "PRAGMA wal_autocheckpoint=1000;";

static const char schema[] = "CREATE TABLE IF NOT EXISTS entry (key INTEGER PRIMARY KEY,"
			     " kind INTEGER NOT NULL, at INTEGER NOT NULL,"
			     " passes INTEGER NOT NULL);"
			     "CREATE INDEX IF NOT EXISTS entry_age ON entry (kind, at)";

enum statement { BEGIN, COMMIT, ROLLBACK, GET, PUT, EVICT, EXPIRE, COUNT, NOT_AHEAD, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [GET] = "SELECT kind, at, passes FROM entry WHERE key = ?1",
    [PUT] = "INSERT OR REPLACE INTO entry (key, kind, at, passes) VALUES (?1, ?2, ?3, ?4)",
    [EVICT] = "DELETE FROM entry WHERE key IN"
	      " (SELECT key FROM entry WHERE kind = ?1 ORDER BY at LIMIT ?2)",
    [EXPIRE] = "DELETE FROM entry WHERE key IN"
	       " (SELECT key FROM entry WHERE kind = ?1 AND at < ?2 ORDER BY at LIMIT ?3)",
    [COUNT] = "SELECT count(*) FROM entry WHERE kind = ?1",
    [NOT_AHEAD] = "UPDATE entry SET at = ?2 WHERE key IN"
		  " (SELECT key FROM entry WHERE kind = ?1 AND at > ?2 ORDER BY at LIMIT ?3)",
};

struct greylist_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENTS];
	uint32_t max;
	uint32_t counts[GREY_KINDS];
	bool dirty;
	struct error error;
};

/* -- Statements ------------------------------------------------------------------------ */

static sqlite3_stmt *
with3(struct greylist_db *db, enum statement which, int64_t first, int64_t second, int64_t third)
{
	sqlite3_stmt *stmt = db->statements[which];
	int parameters = sqlite3_bind_parameter_count(stmt);

	if (parameters > 0)
		(void)sqlite3_bind_int64(stmt, 1, first);
	if (parameters > 1)
		(void)sqlite3_bind_int64(stmt, 2, second);
	if (parameters > 2)
		(void)sqlite3_bind_int64(stmt, 3, third);
	return stmt;
}

static sqlite3_stmt *
with(struct greylist_db *db, enum statement which, int64_t first, int64_t second)
{
	return with3(db, which, first, second, 0);
}

/* Runs one that with() has readied. 0, or -1. */
static int
run(struct greylist_db *db, sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	if (code != SQLITE_DONE)
		sqlite_dir_error(db->sqlite, NAME, &db->error);
	(void)sqlite3_reset(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

static int
count_all(struct greylist_db *db)
{
	for (int kind = 0; kind < GREY_KINDS; kind++) {
		sqlite3_stmt *stmt = with(db, COUNT, kind, 0);
		int code = sqlite3_step(stmt);

		if (code == SQLITE_ROW)
			db->counts[kind] = (uint32_t)sqlite3_column_int64(stmt, 0);
		else
			sqlite_dir_error(db->sqlite, NAME, &db->error);
		(void)sqlite3_reset(stmt);
		if (code != SQLITE_ROW)
			return -1;
	}
	return 0;
}

/* Gives up what was written since the last commit. -1, with the error as it was. */
static int
fail(struct greylist_db *db)
{
	struct error why = db->error;

	if (db->dirty && sqlite3_get_autocommit(db->sqlite) == 0)
		(void)run(db, db->statements[ROLLBACK]);
	db->dirty = false;
	(void)count_all(db);
	db->error = why;
	return -1;
}

/* -- Opening ------------------------------------------------------------------------------ */

static void
db_free(struct greylist_db *db)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db);
}

static int
set_up(struct greylist_db *db, int64_t now, struct error *err)
{
	if (sqlite3_db_readonly(db->sqlite, "main") == 1)
		return error_set(err, NAME ": can only be read");
	if (sqlite_dir_exec(db->sqlite, settings, err) == -1 ||
	    sqlite_dir_exec(db->sqlite, schema, err) == -1)
		return -1;
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(db->sqlite, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[i], NULL) != SQLITE_OK)
			return sqlite_dir_error(db->sqlite, NAME, err);
	}
	for (int kind = 0; kind < GREY_KINDS; kind++) {
		if (run(db, with3(db, NOT_AHEAD, kind, now, AHEAD_TIDY)) == -1)
			return error_set(err, "%s", db->error.text);
	}
	return count_all(db) == 0 ? 0 : error_set(err, "%s", db->error.text);
}

static bool
is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* *DAMAGED: the file is there, and no database, or a broken one. */
static struct greylist_db *
open_once(uint32_t max, int64_t now, bool *damaged, struct error *err)
{
	struct greylist_db *db = calloc(1, sizeof(*db));
	int code = SQLITE_OK;

	if (db == NULL) {
		error_errno(err, NAME);
		return NULL;
	}
	db->max = max;
	if (sqlite_dir_open(NAME, CACHE_KIB, &db->sqlite, &code, err) == 0) {
		if (set_up(db, now, err) == 0)
			return db;
		code = sqlite3_errcode(db->sqlite);
	}
	*damaged = is_damage(code);
	db_free(db);
	return NULL;
}

struct greylist_db *
greylist_db_open(uint32_t max, int64_t now, struct error *err)
{
	bool damaged = false;
	struct greylist_db *db = open_once(max, now, &damaged, err);

	if (db != NULL || !damaged)
		return db;
	log_event(LOG_WARNING, "queue.greylist_lost", KV_STR("why", err->text),
		  KV_STR("so", "an empty one is begun"));
	(void)unlink(NAME);
	(void)unlink(NAME "-wal");
	return open_once(max, now, &damaged, err);
}

void
greylist_db_close(struct greylist_db *db)
{
	if (db == NULL)
		return;
	(void)greylist_db_commit(db);
	db_free(db);
}

/* -- Entries -------------------------------------------------------------------------------- */

int
greylist_db_get(struct greylist_db *db, int64_t key, struct grey_entry *entry)
{
	sqlite3_stmt *stmt = with(db, GET, key, 0);
	int code = sqlite3_step(stmt), found = -1;

	if (code == SQLITE_ROW) {
		int64_t kind = sqlite3_column_int64(stmt, 0);

		*entry = (struct grey_entry){.key = key,
					     .kind = (uint32_t)kind,
					     .at = sqlite3_column_int64(stmt, 1),
					     .passes = (uint32_t)sqlite3_column_int64(stmt, 2)};
		found = kind >= 0 && kind < GREY_KINDS;
	} else if (code == SQLITE_DONE) {
		found = 0;
	} else {
		sqlite_dir_error(db->sqlite, NAME, &db->error);
	}
	(void)sqlite3_reset(stmt);
	return found == -1 ? fail(db) : found;
}

static int
begin(struct greylist_db *db)
{
	if (db->dirty)
		return 0;
	if (run(db, db->statements[BEGIN]) == -1)
		return -1;
	db->dirty = true;
	return 0;
}

/* Runs one that takes entries of KIND away. */
static int
take_away(struct greylist_db *db, enum grey_kind kind, sqlite3_stmt *stmt)
{
	uint32_t gone;

	if (run(db, stmt) == -1)
		return -1;
	gone = (uint32_t)sqlite3_changes(db->sqlite);
	db->counts[kind] -= gone < db->counts[kind] ? gone : db->counts[kind];
	return 0;
}

/* The oldest of what is above BOUND goes, but MOST at a time. */
static int
evict(struct greylist_db *db, enum grey_kind kind, uint32_t bound, uint32_t most)
{
	uint32_t above = db->counts[kind] > bound ? db->counts[kind] - bound : 0;

	if (above == 0)
		return 0;
	return take_away(db, kind, with(db, EVICT, kind, above < most ? above : most));
}

int
greylist_db_put(struct greylist_db *db, const struct grey_entry *entry,
		const struct grey_entry *old)
{
	bool another = old == NULL || old->kind != entry->kind;
	sqlite3_stmt *stmt;

	if (begin(db) == -1 || (another && evict(db, entry->kind, db->max - 1, EVICT_PUT) == -1))
		return fail(db);
	stmt = with3(db, PUT, entry->key, entry->kind, entry->at);
	(void)sqlite3_bind_int64(stmt, 4, entry->passes);
	if (run(db, stmt) == -1)
		return fail(db);
	if (!another)
		return 0;
	db->counts[entry->kind]++;
	if (old != NULL && db->counts[old->kind] > 0)
		db->counts[old->kind]--;
	return 0;
}

bool
greylist_db_is_dirty(const struct greylist_db *db)
{
	return db->dirty;
}

int
greylist_db_tidy(struct greylist_db *db, enum grey_kind kind, int64_t before, int64_t now)
{
	if (begin(db) == -1 || run(db, with3(db, NOT_AHEAD, kind, now, AHEAD_TIDY)) == -1 ||
	    take_away(db, kind, with3(db, EXPIRE, kind, before, EXPIRE_TIDY)) == -1 ||
	    evict(db, kind, db->max, EVICT_TIDY) == -1)
		return fail(db);
	return 0;
}

int
greylist_db_commit(struct greylist_db *db)
{
	if (!db->dirty)
		return 0;
	if (run(db, db->statements[COMMIT]) == -1)
		return fail(db);
	db->dirty = false;
	return 0;
}

uint32_t
greylist_db_count(const struct greylist_db *db, enum grey_kind kind)
{
	return db->counts[kind];
}

const char *
greylist_db_error(const struct greylist_db *db)
{
	return db->error.text;
}
