/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "worker/queue/db_private.h"

enum db_status
db_known(struct db *db, uint64_t id, bool *known)
{
	enum db_status status;
	int64_t value = 0;

	db_bind_number(db, DB_STMT_KNOWN, 1, (int64_t)id);
	status = db_run_number(db, DB_STMT_KNOWN, &value);
	*known = value != 0;
	return status;
}

enum db_status
db_has_notice(struct db *db, const char *name, bool *has)
{
	enum db_status status;
	int64_t value = 0;

	db_bind_text(db, DB_STMT_HAS_NOTICE, 1, name);
	status = db_run_number(db, DB_STMT_HAS_NOTICE, &value);
	*has = value != 0;
	return status;
}

enum db_status
db_has_unreached(struct db *db, const char *mailbox, int64_t position, bool *has)
{
	enum db_status status;
	int64_t value = 0;

	db_bind_text(db, DB_STMT_HAS_UNREACHED, 1, mailbox);
	db_bind_number(db, DB_STMT_HAS_UNREACHED, 2, position);
	db_bind_number(db, DB_STMT_HAS_UNREACHED, 3, DB_HELD);
	status = db_run_number(db, DB_STMT_HAS_UNREACHED, &value);
	*has = value != 0;
	return status;
}

bool
db_has_file(struct db *db, uint64_t id)
{
	int64_t value = 0;

	db_bind_number(db, DB_STMT_HAS_FILE, 1, (int64_t)id);
	return db_run_number(db, DB_STMT_HAS_FILE, &value) != DB_OK || value != 0;
}

/* By one of the two statements. */
static int
read_message(struct db *db, enum db_statement which, uint64_t id, db_read_fn *read, void *arg)
{
	sqlite3_stmt *stmt = db->statements[which];
	struct db_message message = {.id = id};
	int result = -1;
	int code;

	db_bind_number(db, which, 1, (int64_t)id);
	code = db_step(db, which);
	if (code == SQLITE_ROW) {
		bool without = sqlite3_column_type(stmt, 5) == SQLITE_NULL;

		message.conn = (conn_id)sqlite3_column_int64(stmt, 0);
		message.received = sqlite3_column_int64(stmt, 1);
		message.sender = db_column_text(stmt, 2);
		message.submitter = db_column_text(stmt, 3);
		message.size = (uint64_t)sqlite3_column_int64(stmt, 4);
		/* An empty BLOB has no address. */
		message.body = without ? NULL : sqlite3_column_blob(stmt, 5);
		if (!without && message.body == NULL)
			message.body = "";
		message.parameters.body = (uint32_t)sqlite3_column_int64(stmt, 6);
		message.parameters.flags = (uint32_t)sqlite3_column_int64(stmt, 7);
		message.parameters.ret = (uint32_t)sqlite3_column_int64(stmt, 8);
		strlcpy(message.parameters.envid, db_column_text(stmt, 9),
			sizeof(message.parameters.envid));
		message.junk = sqlite3_column_int(stmt, 10) != 0;
		message.since = sqlite3_column_int64(stmt, 11);
		if (without || (uint64_t)sqlite3_column_bytes(stmt, 5) == message.size)
			result = read(&message, arg);
		else
			error_set(&db->error, DB_NAME ": a body of the wrong length");
	} else if (code == SQLITE_DONE) {
		error_set(&db->error, DB_NAME ": no such message");
	} else {
		db_failed(db, code);
	}
	db_reset(db, which);
	return result;
}

int
db_message(struct db *db, uint64_t id, db_read_fn *read, void *arg)
{
	return read_message(db, DB_STMT_MESSAGE, id, read, arg);
}

int
db_message_head(struct db *db, uint64_t id, db_read_fn *read, void *arg)
{
	return read_message(db, DB_STMT_MESSAGE_HEAD, id, read, arg);
}

/* Hands on all rows of one of the two statements. */
static enum db_status
hand_on(struct db *db, enum db_statement which, db_entry_fn *each, void *arg)
{
	sqlite3_stmt *stmt = db->statements[which];
	enum db_status status;
	int code;

	while ((code = db_step(db, which)) == SQLITE_ROW) {
		struct db_entry entry = {
		    .message = (uint64_t)sqlite3_column_int64(stmt, 0),
		    .index = (uint32_t)sqlite3_column_int64(stmt, 1),
		    .attempts = (uint32_t)sqlite3_column_int64(stmt, 2),
		    .next_attempt = sqlite3_column_int64(stmt, 3),
		    .received = sqlite3_column_int64(stmt, 4),
		    .size = (uint64_t)sqlite3_column_int64(stmt, 5),
		    .sender = db_column_text(stmt, 6),
		    .submitter = db_column_text(stmt, 7),
		    .path = db_column_text(stmt, 8),
		    .mailbox = db_column_text(stmt, 9),
		    .reason = db_column_text(stmt, 10),
		    .flow = sqlite3_column_int64(stmt, 11),
		};

		each(&entry, arg);
	}
	status = code == SQLITE_DONE ? DB_OK : db_failed(db, code);
	db_reset(db, which);
	return status;
}

enum db_status
db_entries(struct db *db, const struct db_name *after, size_t max, db_entry_fn *each, void *arg)
{
	db_bind_number(db, DB_STMT_ENTRIES, 1, after == NULL ? INT64_MIN : (int64_t)after->message);
	db_bind_number(db, DB_STMT_ENTRIES, 2, after == NULL ? -1 : (int64_t)after->index);
	db_bind_number(db, DB_STMT_ENTRIES, 3, (int64_t)max);
	return hand_on(db, DB_STMT_ENTRIES, each, arg);
}

enum db_status
db_entry(struct db *db, uint64_t message, uint32_t index, db_entry_fn *each, void *arg)
{
	db_bind_number(db, DB_STMT_ENTRY, 1, (int64_t)message);
	db_bind_number(db, DB_STMT_ENTRY, 2, index);
	return hand_on(db, DB_STMT_ENTRY, each, arg);
}

enum db_status
db_addressee(struct db *db, uint64_t message, uint32_t index, struct db_addressee *out)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_ADDRESSEE];
	enum db_status status = DB_OK;
	int code;

	db_bind_number(db, DB_STMT_ADDRESSEE, 1, (int64_t)message);
	db_bind_number(db, DB_STMT_ADDRESSEE, 2, index);
	code = db_step(db, DB_STMT_ADDRESSEE);
	if (code == SQLITE_ROW) {
		strlcpy(out->path, db_column_text(stmt, 0), sizeof(out->path));
		out->notify = (uint32_t)sqlite3_column_int64(stmt, 1);
		strlcpy(out->orcpt, db_column_text(stmt, 2), sizeof(out->orcpt));
		out->delayed = sqlite3_column_int64(stmt, 3) != 0;
		strlcpy(out->sender, db_column_text(stmt, 4), sizeof(out->sender));
		strlcpy(out->alias, db_column_text(stmt, 5), sizeof(out->alias));
	} else {
		status = db_failed(db, code);
	}
	db_reset(db, DB_STMT_ADDRESSEE);
	return status;
}

int
db_next_flow(struct db *db, flow_id after, flow_id *flow)
{
	int result = 0;
	int code;

	db_bind_number(db, DB_STMT_NEXT_FLOW, 1, after);
	code = db_step(db, DB_STMT_NEXT_FLOW);
	if (code == SQLITE_ROW) {
		result = 1;
		*flow = sqlite3_column_int64(db->statements[DB_STMT_NEXT_FLOW], 0);
	} else if (code != SQLITE_DONE) {
		db_failed(db, code);
		result = -1;
	}
	db_reset(db, DB_STMT_NEXT_FLOW);
	return result;
}

/* Parameters FIRST, FIRST + 1 and FIRST + 2. */
static void
bind_position(struct db *db, enum db_statement which, int first, struct db_position position)
{
	db_bind_number(db, which, first, position.next_attempt);
	db_bind_number(db, which, first + 1, (int64_t)position.message);
	db_bind_number(db, which, first + 2, position.index);
}

/* The first columns of both. */
static struct db_delivery
column_delivery(sqlite3_stmt *stmt)
{
	return (struct db_delivery){
	    .position = {.next_attempt = sqlite3_column_int64(stmt, 0),
			 .message = (uint64_t)sqlite3_column_int64(stmt, 1),
			 .index = (uint32_t)sqlite3_column_int64(stmt, 2)},
	    .attempts = (uint32_t)sqlite3_column_int64(stmt, 3),
	    .notify = (uint32_t)sqlite3_column_int64(stmt, 4),
	    .delayed = sqlite3_column_int64(stmt, 5) != 0,
	};
}

int
db_due(struct db *db, flow_id flow, struct db_position after, int64_t now, size_t max,
       db_due_fn *each, void *arg, int64_t *due)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_DUE];
	int result = 1;
	int code;

	*due = DB_HELD;
	db_bind_number(db, DB_STMT_DUE, 1, flow);
	bind_position(db, DB_STMT_DUE, 2, after);
	db_bind_number(db, DB_STMT_DUE, 5, (int64_t)max + 1);
	for (size_t count = 0; (code = db_step(db, DB_STMT_DUE)) == SQLITE_ROW; count++) {
		struct db_delivery row = column_delivery(stmt);

		if (row.position.next_attempt >= now || count == max) {
			*due = row.position.next_attempt;
			code = SQLITE_DONE;
			break;
		}
		if (!each(&row, db_column_text(stmt, 6), arg)) {
			result = 0;
			code = SQLITE_DONE;
			break;
		}
	}
	if (code != SQLITE_DONE)
		db_failed(db, code);
	db_reset(db, DB_STMT_DUE);
	return code == SQLITE_DONE ? result : -1;
}

int
db_lane(struct db *db, const char *mailbox, flow_id flow, struct db_position after,
	struct db_position until, struct db_delivery *found, size_t max)
{
	size_t count = 0;
	int code = SQLITE_DONE;

	db_bind_text(db, DB_STMT_LANE, 1, mailbox);
	db_bind_number(db, DB_STMT_LANE, 2, flow);
	bind_position(db, DB_STMT_LANE, 3, after);
	bind_position(db, DB_STMT_LANE, 6, until);
	db_bind_number(db, DB_STMT_LANE, 9, (int64_t)max);
	while (count < max && (code = db_step(db, DB_STMT_LANE)) == SQLITE_ROW)
		found[count++] = column_delivery(db->statements[DB_STMT_LANE]);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		db_failed(db, code);
	db_reset(db, DB_STMT_LANE);
	return code == SQLITE_DONE || code == SQLITE_ROW ? (int)count : -1;
}
