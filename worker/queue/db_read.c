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

bool
db_has_file(struct db *db, uint64_t id)
{
	int64_t value = 0;

	db_bind_number(db, DB_STMT_HAS_FILE, 1, (int64_t)id);
	return db_run_number(db, DB_STMT_HAS_FILE, &value) != DB_OK || value != 0;
}

int
db_message(struct db *db, uint64_t id, db_read_fn *read, void *arg)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_MESSAGE];
	struct db_message message = {.id = id};
	int result = -1;
	int code;

	db_bind_number(db, DB_STMT_MESSAGE, 1, (int64_t)id);
	code = db_step(db, DB_STMT_MESSAGE);
	if (code == SQLITE_ROW) {
		bool in_file = sqlite3_column_type(stmt, 5) == SQLITE_NULL;

		message.conn = (conn_id)sqlite3_column_int64(stmt, 0);
		message.received = sqlite3_column_int64(stmt, 1);
		message.sender = db_column_text(stmt, 2);
		message.submitter = db_column_text(stmt, 3);
		message.size = (uint64_t)sqlite3_column_int64(stmt, 4);
		/* An empty BLOB has no address. */
		message.body = in_file ? NULL : sqlite3_column_blob(stmt, 5);
		if (!in_file && message.body == NULL)
			message.body = "";
		message.parameters.body = (uint32_t)sqlite3_column_int64(stmt, 6);
		message.parameters.flags = (uint32_t)sqlite3_column_int64(stmt, 7);
		message.parameters.ret = (uint32_t)sqlite3_column_int64(stmt, 8);
		strlcpy(message.parameters.envid, db_column_text(stmt, 9),
			sizeof(message.parameters.envid));
		if (in_file || (uint64_t)sqlite3_column_bytes(stmt, 5) == message.size)
			result = read(&message, arg);
		else
			error_set(&db->error, DB_NAME ": a body of the wrong length");
	} else if (code == SQLITE_DONE) {
		error_set(&db->error, DB_NAME ": no such message");
	} else {
		db_failed(db, code);
	}
	db_reset(db, DB_STMT_MESSAGE);
	return result;
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
	} else {
		status = db_failed(db, code);
	}
	db_reset(db, DB_STMT_ADDRESSEE);
	return status;
}

int
db_next_mailbox(struct db *db, const char *after, char name[ADDRESS_SIZE])
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_NEXT_MAILBOX];
	int result = 0;
	int code;

	db_bind_text(db, DB_STMT_NEXT_MAILBOX, 1, after);
	code = db_step(db, DB_STMT_NEXT_MAILBOX);
	if (code == SQLITE_ROW) {
		result = 1;
		strlcpy(name, db_column_text(stmt, 0), ADDRESS_SIZE);
	} else if (code != SQLITE_DONE) {
		db_failed(db, code);
		result = -1;
	}
	db_reset(db, DB_STMT_NEXT_MAILBOX);
	return result;
}

int
db_due(struct db *db, const char *mailbox, struct db_position after, int64_t now,
       struct db_delivery *found, size_t max, int64_t *due)
{
	sqlite3_stmt *stmt = db->statements[DB_STMT_DUE];
	size_t count = 0;
	int code;

	*due = DB_HELD;
	db_bind_text(db, DB_STMT_DUE, 1, mailbox);
	db_bind_number(db, DB_STMT_DUE, 2, after.next_attempt);
	db_bind_number(db, DB_STMT_DUE, 3, (int64_t)after.message);
	db_bind_number(db, DB_STMT_DUE, 4, (int64_t)max + 1);
	db_bind_number(db, DB_STMT_DUE, 5, after.index);
	while ((code = db_step(db, DB_STMT_DUE)) == SQLITE_ROW) {
		int64_t next = sqlite3_column_int64(stmt, 0);

		if (next > now || count == max) {
			*due = next;
			code = SQLITE_DONE;
			break;
		}
		found[count].position.next_attempt = next;
		found[count].position.message = (uint64_t)sqlite3_column_int64(stmt, 1);
		found[count].position.index = (uint32_t)sqlite3_column_int64(stmt, 2);
		found[count].attempts = (uint32_t)sqlite3_column_int64(stmt, 3);
		found[count].notify = (uint32_t)sqlite3_column_int64(stmt, 4);
		found[count].delayed = sqlite3_column_int64(stmt, 5) != 0;
		count++;
	}
	if (code != SQLITE_DONE)
		db_failed(db, code);
	db_reset(db, DB_STMT_DUE);
	return code == SQLITE_DONE ? (int)count : -1;
}
