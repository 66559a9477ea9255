/* SPDX-License-Identifier: ISC */
/* Lists and bodies. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/store_private.h"

/* Makes room for one more; grows by half. */
static struct store_entry *
grow(struct store_entry **list, size_t count, size_t *room)
{
	if (count == *room) {
		size_t more = *room + *room / 2 + 16;
		struct store_entry *bigger = reallocarray(*list, more, sizeof(**list));

		if (bigger == NULL)
			return NULL;
		*list = bigger;
		*room = more;
	}
	return *list + count;
}

static enum store_result
read_entries(struct store *store, sqlite3_stmt *stmt, struct store_entry **list, size_t *count,
	     struct error *err)
{
	size_t room = 0;
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_entry *entry = grow(list, *count, &room);

		if (entry == NULL) {
			error_errno(err, "list of %zu messages", *count);
			return STORE_TEMPORARY;
		}
		entry->uid = (uint32_t)sqlite3_column_int64(stmt, 0);
		entry->message = sqlite3_column_int64(stmt, 1);
		entry->flags = (uint8_t)sqlite3_column_int(stmt, 2);
		entry->size = (uint64_t)sqlite3_column_int64(stmt, 3);
		entry->unterminated = sqlite3_column_int(stmt, 4) != 0;
		++*count;
	}
	if (code != SQLITE_DONE)
		return store_sql_failed(store->db, "index.db: messages", err);
	return STORE_OK;
}

enum store_result
store_list(struct store *store, int64_t folder, struct store_entry **list, size_t *count,
	   struct error *err)
{
	static const char sql[] = "SELECT p.uid, p.message, p.flags, m.size, m.unterminated"
				  " FROM placements p JOIN messages m ON m.id = p.message"
				  " WHERE p.folder = ?1 ORDER BY p.uid";
	enum store_result result;
	sqlite3_stmt *stmt;

	*list = NULL;
	*count = 0;
	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return store_sql_failed(store->db, "index.db", err);
	sqlite3_bind_int64(stmt, 1, folder);
	result = read_entries(store, stmt, list, count, err);
	sqlite3_finalize(stmt);
	if (result != STORE_OK) {
		free(*list);
		*list = NULL;
		*count = 0;
	}
	return result;
}

/*
 * -- Bodies ---------------------------------------------------------------------
 */

struct store_body {
	int fd;
};

static enum store_result
open_file(struct store *store, sqlite3_stmt *stmt, int *fd, struct error *err)
{
	const char *id;

	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		break;
	case SQLITE_DONE:
		error_set(err, "the message is gone");
		return STORE_GONE;
	default:
		return store_sql_failed(store->db, "index.db: messages", err);
	}
	id = (const char *)sqlite3_column_text(stmt, 0);
	if (id == NULL || sqlite3_column_bytes(stmt, 0) != MESSAGE_ID_SIZE - 1) {
		error_set(err, "index.db: not a message file's name");
		return STORE_DAMAGED;
	}
	*fd = message_file_open(id);
	if (*fd != -1)
		return STORE_OK;
	error_errno(err, "message file %s", id);
	return errno == ENOENT ? STORE_DAMAGED : STORE_TEMPORARY;
}

enum store_result
store_body_open(struct store *store, int64_t message, struct store_body **body, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	int fd = -1;

	*body = NULL;
	if (sqlite3_prepare_v2(store->db, "SELECT file FROM messages WHERE id = ?1", -1, &stmt,
			       NULL) != SQLITE_OK)
		return store_sql_failed(store->db, "index.db", err);
	sqlite3_bind_int64(stmt, 1, message);
	result = open_file(store, stmt, &fd, err);
	sqlite3_finalize(stmt);
	if (result != STORE_OK)
		return result;
	*body = malloc(sizeof(**body));
	if (*body == NULL) {
		error_errno(err, "message");
		close(fd);
		return STORE_TEMPORARY;
	}
	(*body)->fd = fd;
	return STORE_OK;
}

ssize_t
store_body_read(struct store_body *body, uint64_t offset, void *buffer, size_t size,
		struct error *err)
{
	ssize_t n;

	do
		n = pread(body->fd, buffer, size, (off_t)offset);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		error_errno(err, "reading a message");
	return n;
}

void
store_body_close(struct store_body *body)
{
	if (body == NULL)
		return;
	close(body->fd);
	free(body);
}
