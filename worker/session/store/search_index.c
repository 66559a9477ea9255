/* SPDX-License-Identifier: ISC */
/* store_index_some(): messages into the full-text index, a few at a time. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/mime/text.h"
#include "common/monotonic.h"
#include "common/sqlite_dir.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/search.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define SLICE_NS ((int64_t)20 * 1000000)
/* Rows of messages that are gone: from here on, and if they are the greater part, all is remade. */
#define STALE_MIN 1000

struct text {
	char *bytes;
	size_t length;
	size_t room;
	bool too_large;
	bool no_memory;
};

struct indexing {
	struct store *store;
	struct search *search;
	sqlite3_stmt *insert;
	struct text text;
	int64_t end; /* CLOCK_MONOTONIC, ns */
	int64_t last;
	char last_file[64];
	int64_t rows;
};

static bool
make_room(struct text *text, size_t more)
{
	size_t room = text->room == 0 ? 16384 : text->room;
	char *bigger;

	while (room - text->length < more)
		room *= 2;
	if (room == text->room)
		return true;
	bigger = realloc(text->bytes, room);
	if (bigger == NULL) {
		text->no_memory = true;
		return false;
	}
	text->bytes = bigger;
	text->room = room;
	return true;
}

/* A line between texts: what is in two of them is in none. */
static bool
add_piece(const char *folded, size_t length, bool first, void *arg)
{
	struct text *text = arg;

	if (text->length + length + 1 > SEARCH_TEXT_MAX) {
		text->too_large = true;
		return false;
	}
	if (!make_room(text, length + 1))
		return false;
	if (first && text->length > 0)
		text->bytes[text->length++] = '\n';
	memcpy(text->bytes + text->length, folded, length);
	text->length += length;
	return true;
}

/* False: no memory. A file that can't be read has no text. */
static bool
read_text(struct store *store, int64_t id, struct text *text)
{
	struct mime_message message;
	struct store_body *body;
	const char *bytes;
	struct error err;
	size_t length;
	bool done = true;

	text->length = 0;
	text->too_large = text->no_memory = false;
	if (store_body_open(store, id, &body, &err) != STORE_OK)
		return true;
	bytes = store_body_map(body, &length, &err);
	if (bytes != NULL) {
		done = mime_parse(bytes, length, &message) == 0;
		if (done) {
			done = mime_each_text(&message, MIME_WHERE_HEADER | MIME_WHERE_BODY,
					      add_piece, text) == 0 &&
			       !text->no_memory;
			mime_free(&message);
		}
	}
	store_body_close(body);
	return done;
}

/* False: the index does not take it. */
static bool
index_one(struct indexing *indexing, int64_t id)
{
	char sql[80];
	struct error err;
	bool done;

	if (!read_text(indexing->store, id, &indexing->text))
		return false;
	if (indexing->text.too_large) {
		sqlite3_snprintf(sizeof(sql), sql, "INSERT OR IGNORE INTO large VALUES (%lld)",
				 (long long)id);
		return sqlite_dir_exec(indexing->search->db, sql, &err) == 0;
	}
	sqlite3_bind_int64(indexing->insert, 1, id);
	sqlite3_bind_text64(indexing->insert, 2,
			    indexing->text.bytes != NULL ? indexing->text.bytes : "",
			    indexing->text.length, SQLITE_STATIC, SQLITE_UTF8);
	done = sqlite3_step(indexing->insert) == SQLITE_DONE;
	sqlite3_reset(indexing->insert);
	indexing->rows++;
	return done;
}

/* *MORE: the time is over before the messages. */
static bool
index_slice(struct indexing *indexing, bool *more)
{
	sqlite3_stmt *stmt;
	struct error err;
	bool row = false, done;

	if (sql_start(indexing->store, &stmt, &err,
		      "SELECT id, file FROM messages WHERE id > ?1 ORDER BY id",
		      SQL_INT(indexing->search->indexed)) != STORE_OK)
		return false;
	*more = false;
	while ((done = sql_next(indexing->store, stmt, &row, &err) == STORE_OK) && row) {
		int64_t id = sqlite3_column_int64(stmt, 0);

		if (indexing->last != 0 && monotonic_nanoseconds() >= indexing->end) {
			*more = true;
			break;
		}
		done = index_one(indexing, id);
		if (!done)
			break;
		indexing->last = id;
		strlcpy(indexing->last_file, sql_column(stmt, 1), sizeof(indexing->last_file));
	}
	sql_end(indexing->store, stmt);
	return done;
}

static bool
note_state(const struct indexing *indexing)
{
	sqlite3_stmt *stmt;
	bool done = false;

	if (indexing->last == 0)
		return true;
	if (sqlite3_prepare_v2(indexing->search->db,
			       "UPDATE state SET indexed = ?1, rows = rows + ?2, file = ?3", -1,
			       &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, indexing->last);
		sqlite3_bind_int64(stmt, 2, indexing->rows);
		sqlite3_bind_text(stmt, 3, indexing->last_file, -1, SQLITE_STATIC);
		done = sqlite3_step(stmt) == SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	return done;
}

static bool
transact(struct indexing *indexing, bool *more, struct error *err)
{
	sqlite3 *db = indexing->search->db;
	bool done;

	if (sqlite3_prepare_v2(db, "INSERT INTO words (rowid, text) VALUES (?1, ?2)", -1,
			       &indexing->insert, NULL) != SQLITE_OK ||
	    sqlite_dir_exec(db, "BEGIN IMMEDIATE", err) == -1) {
		sqlite_dir_error(db, "search.db", err);
		sqlite3_finalize(indexing->insert);
		return false;
	}
	done = index_slice(indexing, more) && note_state(indexing);
	if (!done)
		sqlite_dir_error(db, "search.db", err);
	sqlite3_finalize(indexing->insert);
	if (done && sqlite_dir_exec(db, "COMMIT", err) == 0)
		return true;
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool
mostly_stale(struct store *store, const struct search *search)
{
	struct store_quota quota;
	struct error err;

	return search->rows > STALE_MIN && store_quota(store, &quota, &err) == STORE_OK &&
	       (uint64_t)search->rows > 2 * quota.messages;
}

enum store_result
store_index_some(struct store *store, bool *more, struct error *err)
{
	struct indexing indexing = {.store = store, .end = monotonic_nanoseconds() + SLICE_NS};
	enum store_result result = STORE_OK;

	*more = remove_doomed(store, true);
	indexing.search = search_open(store, true);
	if (indexing.search != NULL && mostly_stale(store, indexing.search)) {
		search_discard(store);
		indexing.search = search_open(store, true);
	}
	if (indexing.search == NULL) {
		error_set(err, "search.db can't be made");
		return STORE_TEMPORARY;
	}
	if (!transact(&indexing, more, err)) {
		result = store_sql_result(sqlite3_errcode(indexing.search->db));
		*more = false;
		/* A damaged one is made again; a full disk has its time. */
		if (result == STORE_DAMAGED)
			search_discard(store);
		result = STORE_TEMPORARY;
	} else if (indexing.last != 0) {
		indexing.search->indexed = indexing.last;
		indexing.search->rows += indexing.rows;
	}
	free(indexing.text.bytes);
	return result;
}
