/* SPDX-License-Identifier: ISC */
/*
 * sql - statements of index.db, prepared once and kept; and transactions that tell who watches.
 *
 * Statements are known by their text's address: each SQL text is a string constant of one place in
 * the source. One that is still in use when it is wanted again (a callback reads while a scan goes
 * on) is prepared a second time, for that use only.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_SQL_H
#define POSTERN_WORKER_SESSION_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

struct sql_value {
	enum { SQL_IS_INTEGER, SQL_IS_TEXT, SQL_IS_BLOB } type;
	int64_t integer;
	const void *bytes; /* NULL: NULL */
	size_t length;
};

/* Values for ?1, ?2, ...; text and blobs must stay until sql_end(). */
#define SQL_INT(value) ((struct sql_value){SQL_IS_INTEGER, (int64_t)(value), NULL, 0})
#define SQL_TEXT(value) (sql_text(value))
#define SQL_BLOB(value, size) ((struct sql_value){SQL_IS_BLOB, 0, (value), (size)})
#define SQL_NONE ((struct sql_value){SQL_IS_TEXT, 0, NULL, 0})

struct sql_value sql_text(const char *);

/* A statement with its values; *STMT is for sql_next() and sql_end(), NULL on failure. */
#define sql_start(store, stmt, err, sql, ...)                                                    \
	sql_start_values((store), (stmt), (err), (sql), (const struct sql_value[]){__VA_ARGS__}, \
			 sizeof((const struct sql_value[]){__VA_ARGS__}) /                       \
			     sizeof(struct sql_value))
enum store_result sql_start_values(struct store *, sqlite3_stmt **, struct error *, const char *sql,
				   const struct sql_value *, size_t count);
/* The next row; *ROW false: there is none (any more). */
enum store_result sql_next(struct store *, sqlite3_stmt *, bool *row, struct error *);
/* NULL is fine. */
void sql_end(struct store *, sqlite3_stmt *);

/* All of it for a statement that has no rows to give. */
#define sql_run(store, err, sql, ...)                                                  \
	sql_run_values((store), (err), (sql), (const struct sql_value[]){__VA_ARGS__}, \
		       sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
enum store_result sql_run_values(struct store *, struct error *, const char *sql,
				 const struct sql_value *, size_t count);

/* A column as text, "" for NULL; valid until sql_next(). */
const char *sql_column(sqlite3_stmt *, int column);

/* Gives up all statements that are not in use. */
void sql_forget(struct store *);

/*
 * -- Transactions -----------------------------------------------------------------
 */

enum store_result transaction_begin(struct store *, struct error *);
/* FOLDER's messages (or, 0, the tree of folders) are changed by it. */
void transaction_changed(struct store *, int64_t folder);
/* Tells watchers of an annotation, after the commit. */
void transaction_tell_noted(struct store *, int64_t folder, const char *entry);
/*
 * RESULT STORE_OK: commits, and then tells who watches; else, or if that fails, rolls back. Returns
 * RESULT or why the commit failed. *UNDONE (may be NULL): it is certain that nothing of it will be
 * seen, not even after a crash.
 */
enum store_result transaction_end(struct store *, enum store_result, bool *undone, struct error *);

/*
 * The same, but not brought to the disk now: it is after the next one that is. Only for what nobody
 * was told of.
 */
enum store_result transaction_begin_unsynced(struct store *, struct error *);
enum store_result transaction_end_unsynced(struct store *, enum store_result, struct error *);

#endif
