/* SPDX-License-Identifier: ISC */
/*
 * store_check(): everything is put right in one transaction, which is rolled back if it was only to
 * look: so what a check finds is what a repair does.
 */
#include "worker/session/store/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/store/folder_change.h"
#include "worker/session/store/keywords.h"
#include "worker/session/store/recover.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/search.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

static void
pass_on(const struct check *check, const char *format, va_list args)
{
	char what[ERROR_MAX];

	vsnprintf(what, sizeof(what), format, args);
	check->tell(what, check->arg);
}

void
check_tell(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pass_on(check, format, args);
	va_end(args);
	check->report->problems++;
}

void
check_tell_strange(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pass_on(check, format, args);
	va_end(args);
	check->report->strange++;
}

/*
 * -- What SQL can tell ----------------------------------------------------------------
 */

/* FIND gives a line for each thing that is wrong; FIXES put all of them right. */
struct rule {
	const char *find;
	const char *fixes[3];
};

#define NO_MESSAGE "message NOT IN (SELECT id FROM messages)"
#define NO_FOLDER "folder NOT IN (SELECT id FROM folders)"

/* What is there, for a folder f. */
#define SUMS                                                                                   \
	"(SELECT count(*), ifnull(sum(p.flags & 1 = 0), 0), ifnull(sum(p.flags & 8 <> 0), 0)," \
	" ifnull(sum(m.size), 0) FROM placements p JOIN messages m ON m.id = p.message"        \
	" WHERE p.folder = f.id)"

static const struct rule first_rules[] = {
    {"SELECT printf('folder %d, UID %d: there is no such message', folder, uid) FROM placements"
     " WHERE " NO_MESSAGE,
     {"UPDATE folders SET highestmodseq = highestmodseq + 1"
      " WHERE id IN (SELECT folder FROM placements WHERE " NO_MESSAGE ")",
      "INSERT OR IGNORE INTO vanished SELECT p.folder, f.highestmodseq, p.uid, p.uid"
      " FROM placements p JOIN folders f ON f.id = p.folder WHERE p." NO_MESSAGE,
      "DELETE FROM placements WHERE " NO_MESSAGE}},
    {"SELECT DISTINCT printf('messages are in folder %d, which is not there', folder)"
     " FROM placements WHERE " NO_FOLDER,
     {"INSERT INTO folders (id, name, uidvalidity, uidnext, object)"
      " SELECT folder, 'Recovered/' || folder, (SELECT uidvalidity + 1 FROM account),"
      " max(uid) + 1, lower(hex(randomblob(16))) FROM placements WHERE " NO_FOLDER
      " GROUP BY folder",
      "UPDATE account SET uidvalidity = uidvalidity + 1"}},
    {"SELECT printf('message %d is to be removed, but is in a folder', message) FROM doomed"
     " WHERE message IN (SELECT message FROM placements)",
     {"DELETE FROM doomed WHERE message IN (SELECT message FROM placements)"}},
    {"SELECT printf('annotations are of folder %d, which is not there', folder) FROM metadata"
     " WHERE folder <> 0 AND " NO_FOLDER,
     {"DELETE FROM metadata WHERE folder <> 0 AND " NO_FOLDER}},
    {"SELECT 'the account''s row is not there' WHERE NOT EXISTS (SELECT 1 FROM account)",
     {"INSERT INTO account (id, uidvalidity, next_folder, next_message, messages, storage)"
      " SELECT 1, ifnull(max(uidvalidity), 1), ifnull(max(id), 1) + 1, 1, 0, 0 FROM folders"}},
    {"SELECT 'INBOX is not there'"
     " WHERE NOT EXISTS (SELECT 1 FROM folders WHERE id = 1 AND name = 'INBOX')",
     {"UPDATE folders SET name = 'Recovered/INBOX ' || id WHERE name = 'INBOX'",
      "INSERT INTO folders (id, name, uidvalidity, object) SELECT 1, 'INBOX',"
      " max(uidvalidity + 1, CAST(strftime('%s', 'now') AS INTEGER)),"
      " lower(hex(randomblob(16))) FROM account WHERE true"
      " ON CONFLICT (id) DO UPDATE SET name = 'INBOX'"}},
};

static const struct rule last_rules[] = {
    {"SELECT printf('folder %s: UID %d is not below UIDNEXT %d', f.name, max(p.uid), f.uidnext)"
     " FROM folders f JOIN placements p ON p.folder = f.id"
     " GROUP BY f.id HAVING max(p.uid) >= f.uidnext",
     {"UPDATE folders AS f SET uidnext ="
      " (SELECT max(p.uid) + 1 FROM placements p WHERE p.folder = f.id)"
      " WHERE uidnext <= (SELECT max(p.uid) FROM placements p WHERE p.folder = f.id)"}},
    {"SELECT printf('folder %s: a MODSEQ is greater than its HIGHESTMODSEQ %d', f.name,"
     " f.highestmodseq) FROM folders f WHERE highestmodseq < max("
     " (SELECT ifnull(max(modseq), 0) FROM placements WHERE folder = f.id),"
     " (SELECT ifnull(max(modseq), 0) FROM vanished WHERE folder = f.id))",
     {"UPDATE folders AS f SET highestmodseq = max(highestmodseq,"
      " (SELECT ifnull(max(modseq), 0) FROM placements WHERE folder = f.id),"
      " (SELECT ifnull(max(modseq), 0) FROM vanished WHERE folder = f.id))"}},
    {"SELECT printf('folder %s: its counts are not what is in it', f.name) FROM folders f"
     " WHERE (messages, unseen, deleted, size) <> " SUMS,
     {"UPDATE folders AS f SET (messages, unseen, deleted, size) = " SUMS}},
    {"SELECT 'the account''s usage is not what is in its folders' FROM account"
     " WHERE (messages, storage) <> (SELECT sum(messages), sum(size) FROM folders)",
     {"UPDATE account SET (messages, storage) = (SELECT sum(messages), sum(size) FROM folders)"}},
    {"SELECT 'a number was given out that the account does not know of' FROM account"
     " WHERE next_message <= (SELECT ifnull(max(id), 0) FROM messages)"
     " OR next_folder <= (SELECT max(id) FROM folders)"
     " OR uidvalidity < (SELECT max(uidvalidity) FROM folders)",
     {"UPDATE account SET"
      " next_message = max(next_message, (SELECT ifnull(max(id), 0) + 1 FROM messages)),"
      " next_folder = max(next_folder, (SELECT max(id) + 1 FROM folders)),"
      " uidvalidity = max(uidvalidity, (SELECT max(uidvalidity) FROM folders))"}},
};

static enum store_result
tell_rows(struct check *check, const char *sql, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start_values(check->store, &stmt, err, sql, NULL, 0);
	while (result == STORE_OK &&
	       (result = sql_next(check->store, stmt, &row, err)) == STORE_OK && row)
		check_tell(check, "%s", sql_column(stmt, 0));
	sql_end(check->store, stmt);
	return result;
}

static enum store_result
apply(struct check *check, const struct rule *rules, size_t count, struct error *err)
{
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < count && result == STORE_OK; i++) {
		uint64_t before = check->report->problems;

		result = tell_rows(check, rules[i].find, err);
		if (check->report->problems == before)
			continue;
		for (size_t j = 0; j < 3 && rules[i].fixes[j] != NULL && result == STORE_OK; j++)
			result = sql_run_values(check->store, err, rules[i].fixes[j], NULL, 0);
	}
	return result;
}

/*
 * -- What it can't --------------------------------------------------------------------
 */

/* The next message, behind *LAST, that is in no folder and was not taken out of one; 0: none. */
static enum store_result
next_unplaced(struct check *check, int64_t *last, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(check->store, &stmt, err,
			   "SELECT id FROM messages WHERE id > ?1"
			   " AND NOT EXISTS (SELECT 1 FROM placements WHERE message = id)"
			   " AND NOT EXISTS (SELECT 1 FROM doomed WHERE message = id)"
			   " ORDER BY id LIMIT 1",
			   SQL_INT(*last));
	if (result != STORE_OK)
		return result;
	result = sql_next(check->store, stmt, &row, err);
	*last = result == STORE_OK && row ? sqlite3_column_int64(stmt, 0) : 0;
	sql_end(check->store, stmt);
	return result;
}

static enum store_result
check_unplaced(struct check *check, struct error *err)
{
	enum store_result result;
	int64_t message = 0;

	while ((result = next_unplaced(check, &message, err)) == STORE_OK && message != 0) {
		check_tell(check, "message %lld is in no folder", (long long)message);
		result = check_recover(check, message, err);
		if (result != STORE_OK)
			break;
	}
	return result;
}

static enum store_result
recovered_folder(struct check *check, struct error *err)
{
	struct store_folder folder;
	enum store_result result = store_folder(check->store, "Recovered", &folder, err);

	if (result == STORE_GONE)
		return folder_make(check->store, "Recovered", 0, &check->recovered, err);
	check->recovered = folder.id;
	return result;
}

enum store_result
check_recover(struct check *check, int64_t message, struct error *err)
{
	enum store_result result = STORE_OK;
	struct change change;
	uint32_t uid;

	if (check->recovered == 0)
		result = recovered_folder(check, err);
	if (result == STORE_OK)
		result = change_begin(check->store, check->recovered, &change, err);
	if (result == STORE_OK)
		result = change_take_uid(&change, &uid, err);
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "INSERT INTO placements (folder, uid, message, modseq)"
				 " VALUES (?1, ?2, ?3, ?4)",
				 SQL_INT(check->recovered), SQL_INT(uid), SQL_INT(message),
				 SQL_INT(change.modseq));
	/* The counts are put right at the end, with all others. */
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "UPDATE folders SET uidnext = ?2, highestmodseq = ?3,"
				 " messages = messages + 1, unseen = unseen + 1,"
				 " size = size + (SELECT size FROM messages WHERE id = ?4)"
				 " WHERE id = ?1",
				 SQL_INT(check->recovered), SQL_INT(change.uidnext),
				 SQL_INT(change.modseq), SQL_INT(message));
	if (result == STORE_OK)
		result = sql_run(check->store, err,
				 "UPDATE account SET messages = messages + 1, storage = storage +"
				 " (SELECT size FROM messages WHERE id = ?1)",
				 SQL_INT(message));
	if (result == STORE_OK)
		check->report->recovered++;
	return result;
}

/* Each list of keywords that a message has, against its folder's. */
static enum store_result
check_keywords(struct check *check, struct error *err)
{
	static const char sql[] =
	    "SELECT DISTINCT p.folder, p.keywords, (SELECT count(*) FROM folder_keywords)"
	    " FROM placements p WHERE p.keywords IS NOT NULL";
	char list[KEYWORDS_SIZE];
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start_values(check->store, &stmt, err, sql, NULL, 0);
	while (result == STORE_OK &&
	       (result = sql_next(check->store, stmt, &row, err)) == STORE_OK && row) {
		int before = sqlite3_total_changes(check->store->db);
		int64_t folder = sqlite3_column_int64(stmt, 0);
		struct error why;

		if (keywords_spell(check->store, folder, sql_column(stmt, 1), true, list, &why) !=
		    STORE_OK)
			check_tell(check, "folder %lld: keywords: %s", (long long)folder, why.text);
		else if (sqlite3_total_changes(check->store->db) != before)
			check_tell(check, "folder %lld: its list lacks keywords of a message",
				   (long long)folder);
	}
	sql_end(check->store, stmt);
	return result;
}

/* SQLite tells more than one thing in a row, behind "*** in database main ***". */
static void
tell_lines(struct check *check, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		if (length > 0 && *text != '*')
			check_tell(check, "index.db: %.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static enum store_result
check_integrity(struct check *check, bool *sound, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	*sound = false;
	result = sql_start_values(check->store, &stmt, err, "PRAGMA integrity_check(20)", NULL, 0);
	while (result == STORE_OK &&
	       (result = sql_next(check->store, stmt, &row, err)) == STORE_OK && row) {
		*sound = sql_column(stmt, 0)[0] == 'o' && sql_column(stmt, 0)[1] == 'k';
		if (!*sound)
			tell_lines(check, sql_column(stmt, 0));
	}
	sql_end(check->store, stmt);
	return result;
}

static enum store_result
count_messages(struct check *check, struct error *err)
{
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start_values(check->store, &stmt, err,
				  "SELECT count(*) FROM messages"
				  " WHERE id NOT IN (SELECT message FROM doomed)",
				  NULL, 0);
	if (result != STORE_OK)
		return result;
	result = sql_next(check->store, stmt, &row, err);
	if (result == STORE_OK && row)
		check->report->messages = (uint64_t)sqlite3_column_int64(stmt, 0);
	sql_end(check->store, stmt);
	return result;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum store_result
check_all(struct check *check, struct error *err)
{
	enum store_result result = count_messages(check, err);

	/* What saves reading rows is made again. */
	if (result == STORE_OK)
		result = sql_run_values(check->store, err, "DELETE FROM uid_runs", NULL, 0);
	if (result == STORE_OK)
		result = apply(check, first_rules, COUNT(first_rules), err);
	if (result == STORE_OK)
		result = check_files(check, err);
	if (result == STORE_OK)
		result = check_unplaced(check, err);
	if (result == STORE_OK)
		result = check_keywords(check, err);
	if (result == STORE_OK)
		result = apply(check, last_rules, COUNT(last_rules), err);
	return result;
}

/* Foreign keys would refuse what is to be put right. They can be switched off outside only. */
static enum store_result
run(struct check *check, bool repair, struct error *err)
{
	sqlite3 *db = check->store->db;
	enum store_result result = STORE_OK;

	if (check->report->rebuilt)
		result = check_place_left(err);
	if (repair && result == STORE_OK)
		result = recover(check->store, err);
	sqlite3_exec(db, "PRAGMA foreign_keys=OFF", NULL, NULL, NULL);
	if (result == STORE_OK)
		result = transaction_begin(check->store, err);
	if (result == STORE_OK) {
		result = check_all(check, err);
		if (repair || result != STORE_OK)
			result = transaction_end(check->store, result, NULL, err);
		else
			(void)transaction_end(check->store, STORE_TEMPORARY, NULL, err);
	}
	sqlite3_exec(db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL);
	if (repair && result == STORE_OK)
		(void)remove_doomed(check->store, true);
	return result;
}

/* The index itself, before anything is believed of it. */
static enum store_result
check_index(struct check *check, struct error *err)
{
	enum store_result result;
	bool sound = false;

	result = check_integrity(check, &sound, err);
	if (result == STORE_OK && !sound) {
		error_set(err, "index.db is damaged");
		result = STORE_DAMAGED;
	}
	return result;
}

enum store_result
store_check(bool repair, store_problem_fn *tell, void *arg, struct store_check *report,
	    struct error *err)
{
	struct check check = {.report = report, .tell = tell, .arg = arg};
	enum store_result result;

	*report = (struct store_check){.messages = 0};
	result = store_open(&check.store, err);
	if (result == STORE_OK)
		result = check_index(&check, err);
	if (result == STORE_DAMAGED && repair) {
		if (report->problems == 0)
			check_tell(&check, "index.db: %s", err->text);
		store_close(check.store);
		check.store = NULL;
		result = check_rebuild(&check, err);
	}
	if (result == STORE_OK)
		result = run(&check, repair, err);
	store_close(check.store);
	return result;
}

enum store_result
store_check_open(struct store *store, store_problem_fn *tell, void *arg, struct store_check *report,
		 struct error *err)
{
	struct check check = {.store = store, .report = report, .tell = tell, .arg = arg};
	enum store_result result;

	*report = (struct store_check){.messages = 0};
	store_rest(store);
	result = check_index(&check, err);
	if (result == STORE_OK)
		result = run(&check, false, err);
	store_rest(store);
	return result;
}
