/* SPDX-License-Identifier: ISC */
/* The UIDs of a large folder: what is kept of them is what its rows say, whatever happened since.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/sqlite_dir.h"
#include "tests/unit/store_house.h"
#include "worker/session/store_check.h"

#define DELIVERED 160
#define DOUBLED 6 /* times: 10240 messages */

struct rows {
	uint32_t *uids;
	size_t count;
};

static bool
note_uid(const struct store_message *message, void *arg)
{
	struct rows *rows = arg;

	rows->uids[rows->count++] = message->uid;
	return true;
}

static size_t
check_folder(struct store *store, int64_t folder)
{
	struct rows rows = {calloc(house_about(store, folder).messages + 1, sizeof(uint32_t)), 0};
	struct error err;
	uint32_t *uids;
	size_t count;

	house_ok(store_uids(store, folder, &uids, &count, &err), &err);
	house_ok(store_scan(store, folder, NULL, 0, 0, 0, note_uid, &rows, &err), &err);
	assert_int_equal(count, rows.count);
	if (count > 0)
		assert_memory_equal(uids, rows.uids, count * sizeof(*uids));
	free(rows.uids);
	free(uids);
	return count;
}

static size_t
check_uids(struct store *store)
{
	return check_folder(store, INBOX);
}

static void
copy_all(struct store *store, const struct store_range *range)
{
	struct store_copied copied;
	struct error err;

	house_ok(store_copy(store, INBOX, range, range != NULL, INBOX, false, &copied, &err), &err);
	store_copied_free(&copied);
}

static struct store *
make_large(void)
{
	struct store *store = house_open();

	house_deliver(store, DELIVERED);
	for (int i = 0; i < DOUBLED; i++)
		copy_all(store, NULL);
	return store;
}

static void
run_sql(const char *sql)
{
	struct error err;
	sqlite3 *db;

	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	if (sqlite_dir_exec(db, sql, &err) == -1)
		fail_msg("%s", err.text);
	sqlite3_close(db);
}

static int
kept_octets(void)
{
	sqlite3_stmt *stmt;
	struct error err;
	sqlite3 *db;
	int octets = -1;

	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT length(data) FROM uid_runs", -1, &stmt, NULL),
	    SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		octets = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return octets;
}

/* Removes some here and there, or what follows on FIRST. */
static void
expunge_some(struct store *store, unsigned step)
{
	uint32_t *uids, some[300];
	size_t count, taken = 0;
	struct error err;

	house_ok(store_uids(store, INBOX, &uids, &count, &err), &err);
	for (size_t i = 0; i < count && taken < 300; i += step)
		some[taken++] = uids[i];
	house_ok(store_expunge(store, INBOX, some, taken, NULL, &err), &err);
	free(uids);
}

static void
test_changes(void **state)
{
	static const unsigned steps[] = {1, 40, 7, 1, 33, 2, 3, 1};
	struct store *store = make_large();

	(void)state;
	assert_int_equal(check_uids(store), 10240);
	store_close(store);
	assert_int_equal(kept_octets(), 8);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		store = house_open();
		expunge_some(store, steps[i]);
		(void)check_uids(store);
		copy_all(store, &(struct store_range){1, 2000 + (uint32_t)i * 300});
		(void)check_uids(store);
		(void)check_uids(store);
		house_check(store);
		store_close(store);
	}
	assert_true(kept_octets() > 8);
}

/* Every way that messages leave a folder or come into one. */
static void
test_moves(void **state)
{
	struct store *store = make_large();
	const struct store_range some = {100, 300}, most = {1000, 11000};
	struct store_copied copied;
	struct store_folder old;
	struct error err;
	int64_t other;

	(void)state;
	other = house_folder(store, "other");
	(void)check_uids(store);
	house_ok(store_copy(store, INBOX, &some, 1, other, true, &copied, &err), &err);
	store_copied_free(&copied);
	(void)check_uids(store);
	house_ok(store_copy(store, INBOX, NULL, 0, other, false, &copied, &err), &err);
	store_copied_free(&copied);
	assert_int_equal(check_folder(store, other), 10240);
	house_ok(store_copy(store, other, &most, 1, INBOX, true, &copied, &err), &err);
	store_copied_free(&copied);
	(void)check_folder(store, other);
	(void)check_uids(store);
	house_ok(store_folder_rename(store, "other", "more/other", &err), &err);
	(void)check_folder(store, other);
	house_ok(store_folder_rename(store, "INBOX", "old", &err), &err);
	assert_int_equal(check_uids(store), 0);
	house_ok(store_folder(store, "old", &old, &err), &err);
	(void)check_folder(store, old.id);
	house_deliver(store, 3);
	assert_int_equal(check_uids(store), 3);
	house_check(store);
	store_close(store);
}

static void
no_problem(const char *text, void *arg)
{
	(void)arg;
	fail_msg("%s", text);
}

/* Damage in what is kept is found by its count, or is put right by a repair, and loses nothing. */
static void
test_damage(void **state)
{
	static const char *const damages[] = {
	    "UPDATE uid_runs SET data = x''",
	    "UPDATE uid_runs SET data = x'01'",
	    "UPDATE uid_runs SET data = x'0000000001000000'",
	    "UPDATE uid_runs SET data = x'01000000ffffffff'",
	    "UPDATE uid_runs SET data = x'0500000003000000'",
	    "UPDATE uid_runs SET data = CAST(data || data AS BLOB)",
	    "UPDATE uid_runs SET uidnext = 4000000000",
	    "UPDATE uid_runs SET modseq = 1000000000",
	    "UPDATE folders SET vanished_from = 1000000000",
	};
	struct store *store = make_large();
	struct store_check report;
	struct error err;
	uint32_t *uids;
	size_t count;

	(void)state;
	(void)check_uids(store);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		store_close(store);
		run_sql(damages[i]);
		store = house_open();
		assert_int_equal(check_uids(store), 10240);
	}
	store_close(store);
	/* It is what is read: UIDs 1 and 3 to 10241 are as many. */
	run_sql("UPDATE folders SET vanished_from = 0");
	store = house_open();
	(void)check_uids(store);
	store_close(store);
	run_sql("UPDATE folders SET uidnext = 20000");
	run_sql("UPDATE uid_runs SET uidnext = 20000,"
		" data = x'01000000010000000300000001280000'");
	store = house_open();
	house_ok(store_uids(store, INBOX, &uids, &count, &err), &err);
	assert_int_equal(uids[1], 3);
	free(uids);
	store_close(store);
	house_ok(store_check(true, no_problem, NULL, &report, &err), &err);
	store = house_open();
	assert_int_equal(check_uids(store), 10240);
	store_close(store);
}

/* Cut in too many pieces, or small: rows are read. */
static void
test_not_kept(void **state)
{
	struct store *store = house_open();

	(void)state;
	house_deliver(store, 5);
	assert_int_equal(check_uids(store), 5);
	store_close(store);
	assert_int_equal(kept_octets(), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_changes), TEST(test_moves), TEST(test_damage),
					   TEST(test_not_kept)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
