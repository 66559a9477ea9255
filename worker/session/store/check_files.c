/* SPDX-License-Identifier: ISC */
/* Message files against the rows that point to them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/session/store/account.h"
#include "worker/session/store/check.h"
#include "worker/session/store/message_file.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

struct found {
	struct message_id *ids; /* files in msg/, in the order of their ids */
	bool *known;            /* a row points to it */
	size_t count, room;
};

static void
forget(struct found *found)
{
	free(found->ids);
	free(found->known);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
add(struct found *found, const char *name)
{
	if (found->count == found->room) {
		size_t more = found->room * 2 + 64;
		struct message_id *bigger = reallocarray(found->ids, more, sizeof(*bigger));

		if (bigger == NULL)
			return false;
		found->ids = bigger;
		found->room = more;
	}
	memcpy(found->ids[found->count++].text, name, MESSAGE_ID_SIZE);
	return true;
}

/* One of msg/'s folders. What is no message file there is not ours, and stays. */
static int
walk_folder(struct check *check, const char *folder, struct found *found, struct error *err)
{
	char path[16];
	struct dirent *entry;
	int result = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "msg/%.2s", folder);
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOTDIR ? 0 : error_errno(err, "%s", path);
	/* cppcheck-suppress readdirCalled; nobody else reads this one */
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) == MESSAGE_ID_SIZE - 1 &&
		    strncmp(entry->d_name, folder, 2) == 0) {
			if (!add(found, entry->d_name))
				result = error_errno(err, "msg");
		} else if (entry->d_name[0] != '.') {
			check_tell_strange(check, "%s/%.100s: not a message file", path,
					   entry->d_name);
		}
	}
	closedir(dir);
	return result;
}

static int
walk(struct check *check, struct found *found, struct error *err)
{
	struct dirent *entry;
	DIR *dir = opendir("msg");
	int result = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : error_errno(err, "msg");
	/* cppcheck-suppress readdirCalled; nobody else reads this one */
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.')
			result = walk_folder(check, entry->d_name, found, err);
	closedir(dir);
	if (result == 0 && found->count > 0) {
		qsort(found->ids, found->count, sizeof(*found->ids), compare);
		found->known = calloc(found->count, sizeof(*found->known));
		if (found->known == NULL)
			result = error_errno(err, "msg");
	}
	return result;
}

enum store_result
check_place_left(struct error *err)
{
	struct message_id *ids;
	size_t count;

	if (message_files_prepare(err) == -1 || message_files_left(&ids, &count, err) == -1)
		return STORE_TEMPORARY;
	for (size_t i = 0; i < count; i++)
		message_file_place(ids[i].text);
	free(ids);
	return STORE_OK;
}

/*
 * -- A row --------------------------------------------------------------------------------
 */

/* Does not end with CRLF? */
static bool
is_unterminated(const char *id, uint64_t size)
{
	char end[2] = "";
	int fd = message_file_open(id);

	if (fd == -1)
		return false;
	if (size >= 2)
		(void)!pread(fd, end, 2, (off_t)(size - 2));
	close(fd);
	return memcmp(end, "\r\n", 2) != 0;
}

/* The file is what was received. */
static enum store_result
fix_size(struct check *check, int64_t message, const char *id, uint64_t size, struct error *err)
{
	enum store_result result;

	result = sql_run(check->store, err,
			 "UPDATE messages SET size = ?2, unterminated = ?3 WHERE id = ?1",
			 SQL_INT(message), SQL_INT(size), SQL_INT(is_unterminated(id, size)));
	if (result == STORE_OK)
		result = sql_run(check->store, err, "DELETE FROM summaries WHERE message = ?1",
				 SQL_INT(message));
	return result;
}

/* Out of all its folders; counts are put right at the end. */
static enum store_result
remove_lost(struct check *check, int64_t message, struct error *err)
{
	static const char *const sqls[] = {
	    "UPDATE folders SET highestmodseq = highestmodseq + 1"
	    " WHERE id IN (SELECT folder FROM placements WHERE message = ?1)",
	    "INSERT OR IGNORE INTO vanished SELECT p.folder, f.highestmodseq, p.uid, p.uid"
	    " FROM placements p JOIN folders f ON f.id = p.folder WHERE p.message = ?1",
	    "DELETE FROM placements WHERE message = ?1",
	    "DELETE FROM summaries WHERE message = ?1",
	    "DELETE FROM messages WHERE id = ?1",
	};
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < sizeof(sqls) / sizeof(sqls[0]) && result == STORE_OK; i++)
		result = sql_run(check->store, err, sqls[i], SQL_INT(message));
	return result;
}

static enum store_result
check_row(struct check *check, sqlite3_stmt *stmt, const struct found *found, struct error *err)
{
	int64_t message = sqlite3_column_int64(stmt, 0);
	const char *id = sql_column(stmt, 1);
	uint64_t expected = (uint64_t)sqlite3_column_int64(stmt, 2), size;
	const struct message_id *file =
	    found->count == 0 ? NULL
			      : bsearch(id, found->ids, found->count, sizeof(*found->ids), compare);

	if (file != NULL)
		found->known[file - found->ids] = true;
	if (sqlite3_column_int(stmt, 3) != 0)
		return STORE_OK; /* doomed: its file may be gone already */
	if (message_file_size(id, &size) == -1) {
		if (errno != ENOENT && errno != EINVAL) {
			error_errno(err, "message file %s", id);
			return STORE_TEMPORARY;
		}
		check_tell(check, "message %lld: its file %.40s is lost", (long long)message, id);
		check->report->lost++;
		return remove_lost(check, message, err);
	}
	if (size == expected)
		return STORE_OK;
	check_tell(check, "message %lld: %llu octets, the index says %llu", (long long)message,
		   (unsigned long long)size, (unsigned long long)expected);
	return fix_size(check, message, id, size, err);
}

/* By steps of ids: a row is removed while nothing reads. */
static enum store_result
check_rows(struct check *check, const struct found *found, struct error *err)
{
	enum store_result result = STORE_OK;
	int64_t last = INT64_MIN;
	sqlite3_stmt *stmt;
	bool row = true;

	while (result == STORE_OK && row) {
		result = sql_start(check->store, &stmt, err,
				   "SELECT id, file, size,"
				   " EXISTS (SELECT 1 FROM doomed WHERE message = id)"
				   " FROM messages WHERE id > ?1 ORDER BY id LIMIT 1",
				   SQL_INT(last));
		if (result == STORE_OK)
			result = sql_next(check->store, stmt, &row, err);
		if (result == STORE_OK && row) {
			last = sqlite3_column_int64(stmt, 0);
			result = check_row(check, stmt, found, err);
		}
		sql_end(check->store, stmt);
	}
	return result;
}

/*
 * -- Files that no row has ------------------------------------------------------------------
 */

static enum store_result
recover_file(struct check *check, const char *id, struct error *err)
{
	enum store_result result;
	struct stat st = {.st_size = 0};
	int fd = message_file_open(id);
	int64_t message;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		check_tell_strange(check, "msg/%.2s/%s: not a message file", id, id);
		if (fd != -1)
			close(fd);
		return STORE_OK;
	}
	close(fd);
	check_tell(check, "message file %s is in no folder", id);
	result = account_take_messages(check->store, 1, &message, err);
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "INSERT INTO messages (id, file, size, unterminated, internaldate)"
				 " VALUES (?1, ?2, ?3, ?4, ?5)",
				 SQL_INT(message), SQL_TEXT(id), SQL_INT(st.st_size),
				 SQL_INT(is_unterminated(id, (uint64_t)st.st_size)),
				 SQL_INT(st.st_mtime));
	if (result == STORE_OK)
		result = check_recover(check, message, err);
	return result;
}

/* What message ids the account gives out next must be free: its rule comes later. */
static enum store_result
free_numbers(struct check *check, struct error *err)
{
	return sql_run_values(check->store, err,
			      "UPDATE account SET next_message = max(next_message,"
			      " (SELECT ifnull(max(id), 0) + 1 FROM messages)),"
			      " next_folder = max(next_folder, (SELECT max(id) + 1 FROM folders)),"
			      " uidvalidity = max(uidvalidity, (SELECT max(uidvalidity) FROM"
			      " folders))",
			      NULL, 0);
}

enum store_result
check_files(struct check *check, struct error *err)
{
	struct found found = {NULL, NULL, 0, 0};
	enum store_result result = STORE_OK;

	if (walk(check, &found, err) == -1)
		result = STORE_TEMPORARY;
	check->report->files = found.count;
	if (result == STORE_OK)
		result = check_rows(check, &found, err);
	for (size_t i = 0; i < found.count && result == STORE_OK; i++) {
		if (found.known[i])
			continue;
		if (check->report->recovered == 0)
			result = free_numbers(check, err);
		if (result == STORE_OK)
			result = recover_file(check, found.ids[i].text, err);
	}
	forget(&found);
	return result;
}
