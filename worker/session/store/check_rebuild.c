/* SPDX-License-Identifier: ISC */
/* A damaged index.db: what can be read of it goes into a new one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/check.h"
#include "worker/session/store/schema.h"
#include "worker/session/store/search.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* In this order: what refers to another comes behind it. Summaries are made again. */
static const char *const tables[] = {
    "folders",  "messages",   "placements", "vanished", "folder_keywords",      "subscriptions",
    "metadata", "deliveries", "account",    "doomed",   "foreign_uidvalidities"};

static int
set_aside(char name[64], struct error *err)
{
	char wal[80];

	snprintf(name, 64, "index.db.damaged-%lld", (long long)time(NULL));
	if (rename("index.db", name) == -1 && errno != ENOENT)
		return error_errno(err, "index.db can't be set aside");
	/* Its WAL belongs to it. */
	snprintf(wal, sizeof(wal), "%s-wal", name);
	if (rename("index.db-wal", wal) == -1 && errno != ENOENT)
		return error_errno(err, "index.db-wal can't be set aside");
	return 0;
}

/* Rows of one table, in one direction, until one can't be read. Returns how many were copied. */
static uint64_t
copy_rows(sqlite3 *from, sqlite3 *to, const char *table, const char *order)
{
	sqlite3_stmt *read = NULL, *write = NULL;
	uint64_t copied = 0;
	char sql[400];
	int columns, used;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", table, order);
	if (sqlite3_prepare_v2(from, sql, -1, &read, NULL) != SQLITE_OK)
		return 0;
	columns = sqlite3_column_count(read);
	used = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s VALUES (?", table);
	for (int i = 1; i < columns && used < (int)sizeof(sql) - 8; i++)
		used += snprintf(sql + used, sizeof(sql) - (size_t)used, ",?");
	snprintf(sql + used, sizeof(sql) - (size_t)used, ")");
	if (sqlite3_prepare_v2(to, sql, -1, &write, NULL) == SQLITE_OK) {
		while (sqlite3_step(read) == SQLITE_ROW) {
			for (int i = 0; i < columns; i++)
				sqlite3_bind_value(write, i + 1, sqlite3_column_value(read, i));
			if (sqlite3_step(write) == SQLITE_DONE)
				copied += (uint64_t)sqlite3_changes(to);
			sqlite3_reset(write);
		}
	}
	sqlite3_finalize(read);
	sqlite3_finalize(write);
	return copied;
}

/* From both ends: damage in the middle costs only the middle. */
static void
copy_table(struct check *check, sqlite3 *from, const char *table)
{
	sqlite3 *to = check->store->db;
	char sql[100];
	uint64_t rows;

	snprintf(sql, sizeof(sql), "DELETE FROM %s", table);
	sqlite3_exec(to, sql, NULL, NULL, NULL);
	rows = copy_rows(from, to, table, "1");
	rows += copy_rows(from, to, table, "1 DESC");
	check_tell(check, "index.db: %llu rows of %s could be read", (unsigned long long)rows,
		   table);
}

static enum store_result
copy_all(struct check *check, sqlite3 *from, struct error *err)
{
	enum store_result result;

	sqlite3_exec(check->store->db, "PRAGMA foreign_keys=OFF", NULL, NULL, NULL);
	result = transaction_begin(check->store, err);
	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		copy_table(check, from, tables[i]);
	/* The rows of the account and INBOX that a mailbox is born with, if none was read. */
	result = sql_run(check->store, err,
			 "INSERT OR IGNORE INTO folders (id, name, uidvalidity, object)"
			 " VALUES (1, 'INBOX', ?1, lower(hex(randomblob(16))))",
			 SQL_INT(time(NULL)));
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "INSERT OR IGNORE INTO account (id, uidvalidity, next_folder,"
				 " next_message, messages, storage) VALUES (1, ?1, 2, 1, 0, 0)",
				 SQL_INT(time(NULL)));
	/* Which UIDs were given out is not certain any more. */
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "UPDATE folders SET uidvalidity = max(?1, 1 + max(uidvalidity,"
				 " (SELECT uidvalidity FROM account), (SELECT max(uidvalidity)"
				 " FROM folders))) + id, vanished_from = highestmodseq",
				 SQL_INT(time(NULL)));
	result = transaction_end(check->store, result, NULL, err);
	sqlite3_exec(check->store->db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL);
	return result;
}

enum store_result
check_rebuild(struct check *check, struct error *err)
{
	enum store_result result;
	sqlite3 *from = NULL;
	bool changed;
	char name[64];

	if (set_aside(name, err) == -1)
		return STORE_TEMPORARY;
	check_tell(check, "index.db was damaged: it is kept as %s, and made again", name);
	unlink("search.db");
	unlink("search.db-wal");
	result = store_open(&check->store, err);
	if (result != STORE_OK)
		return result;
	check->report->rebuilt = true;
	/* Which UIDVALIDITYs were given out is in the old index alone. */
	result =
	    sql_run_values(check->store, err, "UPDATE account SET uidvalidity_first = 0", NULL, 0);
	if (result != STORE_OK)
		return result;
	if (sqlite_dir_open(name, 256, &from, NULL, err) == -1) {
		check_tell(check, "nothing of the old index can be read: %s", err->text);
		return STORE_OK;
	}
	/* An older version's tables are others. */
	if (schema_upgrade(from, &changed, err) == STORE_OK)
		result = copy_all(check, from, err);
	else
		check_tell(check, "nothing of the old index can be read: %s", err->text);
	sqlite3_close(from);
	return result;
}
