/* SPDX-License-Identifier: ISC */
/* Lists and bodies. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/sql.h"
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
	enum store_result result;
	size_t room = 0;
	bool row;

	while ((result = sql_next(store, stmt, &row, err)) == STORE_OK && row) {
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
	return result;
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
	result = sql_start(store, &stmt, err, sql, SQL_INT(folder));
	if (result == STORE_OK)
		result = read_entries(store, stmt, list, count, err);
	sql_end(store, stmt);
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
	uint64_t size; /* as the index says */
	void *map;     /* NULL: not mapped */
};

static enum store_result
open_file(sqlite3_stmt *stmt, struct store_body *body, struct error *err)
{
	const char *id = sql_column(stmt, 0);

	body->size = (uint64_t)sqlite3_column_int64(stmt, 1);
	body->fd = message_file_open(id);
	if (body->fd != -1)
		return STORE_OK;
	error_errno(err, "message file %s", id);
	return errno == ENOENT || errno == EINVAL ? STORE_DAMAGED : STORE_TEMPORARY;
}

static enum store_result
find_file(struct store *store, int64_t message, struct store_body *body, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(store, &stmt, err, "SELECT file, size FROM messages WHERE id = ?1",
			   SQL_INT(message));
	if (result != STORE_OK)
		return result;
	result = sql_next(store, stmt, &row, err);
	if (result == STORE_OK && !row) {
		error_set(err, "the message is gone");
		result = STORE_GONE;
	} else if (result == STORE_OK) {
		result = open_file(stmt, body, err);
	}
	sql_end(store, stmt);
	return result;
}

enum store_result
store_body_open(struct store *store, int64_t message, struct store_body **out, struct error *err)
{
	struct store_body *body = calloc(1, sizeof(*body));
	enum store_result result;

	*out = NULL;
	if (body == NULL) {
		error_errno(err, "message");
		return STORE_TEMPORARY;
	}
	result = find_file(store, message, body, err);
	if (result == STORE_OK)
		*out = body;
	else
		free(body);
	return result;
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

/* Nobody else writes to it: it does not get shorter while it is mapped. */
const char *
store_body_map(struct store_body *body, size_t *length, struct error *err)
{
	struct stat st;
	void *map;

	*length = (size_t)body->size;
	if (body->map != NULL)
		return body->map;
	if (body->size == 0)
		return "";
	if (fstat(body->fd, &st) == -1) {
		error_errno(err, "message file");
		return NULL;
	}
	if (body->size > SIZE_MAX || (uint64_t)st.st_size < body->size) {
		error_set(err, "the message file is shorter than the index says");
		return NULL;
	}
	map = mmap(NULL, (size_t)body->size, PROT_READ, MAP_PRIVATE, body->fd, 0);
	if (map == MAP_FAILED) {
		error_errno(err, "mapping a message");
		return NULL;
	}
	body->map = map;
	return map;
}

void
store_body_close(struct store_body *body)
{
	if (body == NULL)
		return;
	if (body->map != NULL)
		munmap(body->map, (size_t)body->size);
	close(body->fd);
	free(body);
}
