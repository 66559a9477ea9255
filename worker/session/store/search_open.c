/* SPDX-License-Identifier: ISC */
#include "worker/session/store/search.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define CACHE_KIB 512

/* What another version of this program made is made again. */
#define VERSION 1
#define TEXT_OF(number) TEXT_OF_IT(number)
#define TEXT_OF_IT(number) #number

/*
 * Texts come folded: the tokenizer has no case to fold. detail=none: no positions; what is found is
 * looked at anyway. large: messages of which not all is indexed.
 */
static const char schema[] =
    "BEGIN;"
    "CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, columnsize=0,"
    " tokenize='trigram case_sensitive 1');"
    "CREATE TABLE large (message INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), indexed INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, file TEXT NOT NULL) STRICT;"
    "INSERT INTO state VALUES (1, 0, 0, '');"
    "PRAGMA user_version=" TEXT_OF(VERSION) ";"
					    "COMMIT";

static int
read_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int number = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

static bool
read_state(struct search *search, char *file, size_t size)
{
	sqlite3_stmt *stmt;
	bool there = false;

	if (sqlite3_prepare_v2(search->db, "SELECT indexed, rows, file FROM state", -1, &stmt,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		search->indexed = sqlite3_column_int64(stmt, 0);
		search->rows = sqlite3_column_int64(stmt, 1);
		strlcpy(file, sql_column(stmt, 2), size);
		there = true;
	}
	sqlite3_finalize(stmt);
	return there;
}

/*
 * Is it this mailbox's? After index.db came back from a backup the same ids may be other messages
 * now: the last one that was indexed tells by its file.
 */
static bool
fits(struct store *store, const struct search *search, const char *file)
{
	sqlite3_stmt *stmt;
	struct error err;
	bool row, yes = false;

	if (sql_start(store, &stmt, &err,
		      "SELECT a.next_message > ?1, m.file FROM account a"
		      " LEFT JOIN messages m ON m.id = ?1",
		      SQL_INT(search->indexed)) != STORE_OK)
		return false;
	if (sql_next(store, stmt, &row, &err) == STORE_OK && row)
		yes = sqlite3_column_int(stmt, 0) != 0 &&
		      (sqlite3_column_type(stmt, 1) == SQLITE_NULL ||
		       strcmp(sql_column(stmt, 1), file) == 0);
	sql_end(store, stmt);
	return yes;
}

/* It need not be durable, but must stay whole: NORMAL in WAL mode. */
static bool
set_up(struct store *store, struct search *search)
{
	struct error err;
	char file[64];
	int version;

	if (sqlite3_db_readonly(search->db, "main") == 1 ||
	    sqlite_dir_exec(search->db, "PRAGMA synchronous=NORMAL", &err) == -1)
		return false;
	version = read_number(search->db, "PRAGMA user_version");
	if (version == 0 && sqlite_dir_exec(search->db, schema, &err) == -1)
		return false;
	return (version == 0 || version == VERSION) && read_state(search, file, sizeof(file)) &&
	       fits(store, search, file);
}

static void
close_it(struct search *search)
{
	sqlite3_close(search->db);
	free(search);
}

static void
remove_files(void)
{
	unlink("search.db");
	unlink("search.db-wal");
	unlink("search.db-journal");
}

static struct search *
try_open(struct store *store)
{
	struct search *search = calloc(1, sizeof(*search));
	struct error err;

	if (search == NULL)
		return NULL;
	if (sqlite_dir_open("search.db", CACHE_KIB, &search->db, NULL, &err) == 0 &&
	    set_up(store, search)) {
		store_watch_work(store, search->db);
		return search;
	}
	close_it(search);
	return NULL;
}

struct search *
search_open(struct store *store, bool create)
{
	if (store->search != NULL)
		return store->search;
	if (!create && access("search.db", F_OK) == -1)
		return NULL;
	store->search = try_open(store);
	if (store->search == NULL && sqlite3_db_readonly(store->db, "main") == 0) {
		remove_files();
		if (create)
			store->search = try_open(store);
	}
	return store->search;
}

void
search_close(struct store *store)
{
	if (store->search != NULL)
		close_it(store->search);
	store->search = NULL;
}

void
search_discard(struct store *store)
{
	search_close(store);
	remove_files();
}
