/* SPDX-License-Identifier: ISC */
/*
 * store_expunge(): rows in one transaction; files of messages that are in no folder any more go
 * after the commit, so that a crash leaves an orphan and never a row without its file.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/store_private.h"

struct file_name {
	char id[MESSAGE_ID_SIZE];
};

enum { FIND, REMOVE_PLACEMENT, REMOVE_MESSAGE, NOTE, ADVANCE, STMT_COUNT };

static const char *const sqls[STMT_COUNT] = {
    [FIND] = ("SELECT p.message, m.file,"
	      " (SELECT count(*) FROM placements WHERE message = p.message)"
	      " FROM placements p JOIN messages m ON m.id = p.message"
	      " WHERE p.folder = ?1 AND p.uid = ?2"),
    [REMOVE_PLACEMENT] = "DELETE FROM placements WHERE folder = ?1 AND uid = ?2",
    [REMOVE_MESSAGE] = "DELETE FROM messages WHERE id = ?1",
    [NOTE] = ("INSERT INTO expunged (folder, uid, modseq)"
	      " SELECT id, ?2, highestmodseq FROM folders WHERE id = ?1"),
    [ADVANCE] = "UPDATE folders SET highestmodseq = highestmodseq + 1 WHERE id = ?1",
};

struct expunge {
	sqlite3 *db;
	int64_t folder;
	sqlite3_stmt *stmts[STMT_COUNT];
	struct file_name *files; /* to be removed after the commit */
	size_t file_count;
	size_t removed;
};

static enum store_result
run(struct expunge *e, int which, int64_t first, int64_t second, struct error *err)
{
	sqlite3_stmt *stmt = e->stmts[which];
	int code;

	sqlite3_bind_int64(stmt, 1, first);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, second);
	code = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? STORE_OK : store_sql_failed(e->db, "index.db: expunge", err);
}

/* STORE_GONE: no such UID. *MESSAGE is 0 if other folders still have it. */
static enum store_result
find(struct expunge *e, uint32_t uid, int64_t *message, struct error *err)
{
	sqlite3_stmt *stmt = e->stmts[FIND];
	enum store_result result = STORE_OK;

	*message = 0;
	sqlite3_bind_int64(stmt, 1, e->folder);
	sqlite3_bind_int64(stmt, 2, uid);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		if (sqlite3_column_int64(stmt, 2) > 1)
			break;
		*message = sqlite3_column_int64(stmt, 0);
		if (sqlite3_column_bytes(stmt, 1) == MESSAGE_ID_SIZE - 1)
			memcpy(e->files[e->file_count++].id, sqlite3_column_text(stmt, 1),
			       MESSAGE_ID_SIZE);
		break;
	case SQLITE_DONE:
		result = STORE_GONE;
		break;
	default:
		result = store_sql_failed(e->db, "index.db: expunge", err);
	}
	sqlite3_reset(stmt);
	return result;
}

static enum store_result
remove_one(struct expunge *e, uint32_t uid, struct error *err)
{
	int64_t message;
	enum store_result result = find(e, uid, &message, err);

	if (result == STORE_GONE)
		return STORE_OK;
	if (result == STORE_OK)
		result = run(e, REMOVE_PLACEMENT, e->folder, uid, err);
	if (result == STORE_OK && message != 0)
		result = run(e, REMOVE_MESSAGE, message, 0, err);
	if (result == STORE_OK)
		result = run(e, NOTE, e->folder, uid, err);
	if (result == STORE_OK)
		e->removed++;
	return result;
}

static enum store_result
transaction(struct expunge *e, const uint32_t *uids, size_t count, struct error *err)
{
	enum store_result result;
	int code;

	if (sqlite3_exec(e->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_sql_failed(e->db, "index.db", err);
	result = run(e, ADVANCE, e->folder, 0, err);
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		result = remove_one(e, uids[i], err);
	if (result == STORE_OK)
		return store_commit(e->db, &code, err);
	sqlite3_exec(e->db, "ROLLBACK", NULL, NULL, NULL);
	return result;
}

static enum store_result
prepare(struct expunge *e, size_t count, struct error *err)
{
	e->files = reallocarray(NULL, count, sizeof(*e->files));
	if (e->files == NULL) {
		error_errno(err, "expunge of %zu messages", count);
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < STMT_COUNT; i++)
		if (sqlite3_prepare_v2(e->db, sqls[i], -1, &e->stmts[i], NULL) != SQLITE_OK)
			return store_sql_failed(e->db, "index.db", err);
	return STORE_OK;
}

enum store_result
store_expunge(struct store *store, int64_t folder, const uint32_t *uids, size_t count,
	      size_t *removed, struct error *err)
{
	struct expunge e = {.db = store->db, .folder = folder};
	enum store_result result;

	if (removed != NULL)
		*removed = 0;
	if (count == 0)
		return STORE_OK;
	result = prepare(&e, count, err);
	if (result == STORE_OK)
		result = transaction(&e, uids, count, err);
	for (size_t i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(e.stmts[i]);
	if (result == STORE_OK) {
		for (size_t i = 0; i < e.file_count; i++)
			message_file_remove(e.files[i].id);
		if (removed != NULL)
			*removed = e.removed;
	}
	free(e.files);
	return result;
}
