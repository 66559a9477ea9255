/* SPDX-License-Identifier: ISC */
/* Flags, keywords, MODSEQs, what vanished, copies and moves. */
#include "tests/unit/store_house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/keywords.h"
#include "worker/session/store/schema.h"

static uint64_t
change(struct store *store, int64_t folder, struct store_range range, enum store_flags_how how,
       uint8_t flags, const char *keywords, uint64_t since, const char *expected_failed)
{
	struct store_flags_change order = {how, flags, keywords, since};
	struct store_range *failed;
	struct error err;
	uint64_t modseq;
	size_t count;

	house_ok(store_flags(store, folder, &range, 1, &order, &modseq, &failed, &count, &err),
		 &err);
	assert_string_equal(house_ranges(failed, count), expected_failed);
	free(failed);
	return modseq;
}

#define R(first, last) ((struct store_range){first, last})

static void
test_flags(void **state)
{
	struct store *store = house_open();
	uint64_t before, modseq;

	(void)state;
	house_deliver(store, 4);
	before = house_about(store, INBOX).highestmodseq;
	modseq = change(store, INBOX, R(2, 3), STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, NULL,
			UINT64_MAX, "");
	assert_int_equal(modseq, before + 1);
	assert_string_equal(house_list(store, INBOX), "1 2:SD 3:SD 4");
	/* What has them already keeps its MODSEQ. */
	assert_int_equal(
	    change(store, INBOX, R(2, 2), STORE_FLAGS_ADD, STORE_SEEN, "", UINT64_MAX, ""), 0);
	assert_int_equal(house_about(store, INBOX).highestmodseq, modseq);
	change(store, INBOX, R(1, 9), STORE_FLAGS_REMOVE, STORE_SEEN, NULL, UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX), "1 2:D 3:D 4");
	change(store, INBOX, R(3, UINT32_MAX), STORE_FLAGS_REPLACE, STORE_FLAGGED, "", UINT64_MAX,
	       "");
	assert_string_equal(house_list(store, INBOX), "1 2:D 3:F 4:F");
	house_check(store);
	/* Unknown bits go nowhere. */
	change(store, INBOX, R(1, 1), STORE_FLAGS_REPLACE, 0xff, NULL, UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX), "1:SAFDT 2:D 3:F 4:F");
	house_check(store);
	store_close(store);
}

static void
test_unchanged_since(void **state)
{
	struct store *store = house_open();
	uint64_t since;

	(void)state;
	house_deliver(store, 5);
	since = house_about(store, INBOX).highestmodseq;
	change(store, INBOX, R(2, 2), STORE_FLAGS_ADD, STORE_SEEN, NULL, UINT64_MAX, "");
	change(store, INBOX, R(4, 5), STORE_FLAGS_ADD, STORE_SEEN, NULL, UINT64_MAX, "");
	change(store, INBOX, R(1, 5), STORE_FLAGS_ADD, STORE_FLAGGED, NULL, since, "2,4:5");
	assert_string_equal(house_list(store, INBOX), "1:F 2:S 3:F 4:S 5:S");
	change(store, INBOX, R(1, 5), STORE_FLAGS_ADD, STORE_FLAGGED, NULL, 0, "1:5");
	store_close(store);
}

/* What is over its time has done nothing, and what comes next is not concerned. */
static void
test_limited_work(void **state)
{
	struct store_flags_change order = {STORE_FLAGS_ADD, STORE_SEEN, "a", UINT64_MAX};
	struct store *store = house_open();
	struct store_range all = R(1, UINT32_MAX), *failed = NULL;
	struct error err;
	uint64_t before, modseq;
	size_t count;

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct store_copied copied;

		if (i == 0)
			house_deliver(store, 1);
		house_ok(store_copy(store, INBOX, &all, 1, INBOX, false, &copied, &err), &err);
		store_copied_free(&copied);
	}
	before = house_about(store, INBOX).highestmodseq;
	store_limit_work(store, 1);
	assert_int_equal(store_flags(store, INBOX, &all, 1, &order, &modseq, &failed, &count, &err),
			 STORE_LIMIT);
	assert_string_equal(err.text, STORE_TOO_LONG);
	assert_int_equal(house_about(store, INBOX).highestmodseq, before);
	assert_int_equal(house_about(store, INBOX).unseen, 4096);
	store_limit_work(store, 0);
	house_ok(store_flags(store, INBOX, &all, 1, &order, &modseq, &failed, &count, &err), &err);
	assert_int_equal(house_about(store, INBOX).unseen, 0);
	free(failed);
	store_close(store);
}

static void
test_keywords(void **state)
{
	struct store *store = house_open();
	struct store_flags_change order = {STORE_FLAGS_ADD, 0, NULL, UINT64_MAX};
	static const char *const bad[] = {"a(b", "a\"b", "\\Foo", "a*", "\xc3\xa4", "a\tb", "{1}"};
	struct store_range *failed;
	char many[20000] = "", *text;
	struct error err;
	uint64_t modseq;
	size_t count;

	(void)state;
	house_deliver(store, 3);
	change(store, INBOX, R(1, 2), STORE_FLAGS_ADD, 0, "$Forwarded Work", UINT64_MAX, "");
	change(store, INBOX, R(2, 3), STORE_FLAGS_ADD, 0, "WORK home work", UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX),
			    "1($Forwarded Work) 2($Forwarded Work home) 3(Work home)");
	assert_int_equal(
	    change(store, INBOX, R(2, 2), STORE_FLAGS_ADD, 0, "HOME work", UINT64_MAX, ""), 0);
	change(store, INBOX, R(1, 3), STORE_FLAGS_REMOVE, 0, "work Never", UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX), "1($Forwarded) 2($Forwarded home) 3(home)");
	change(store, INBOX, R(1, 2), STORE_FLAGS_REPLACE, STORE_SEEN, "home x", UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX), "1:S(home x) 2:S(home x) 3(home)");
	assert_int_equal(change(store, INBOX, R(1, 1), STORE_FLAGS_REPLACE, STORE_SEEN, "X home",
				UINT64_MAX, ""),
			 0);
	change(store, INBOX, R(1, 1), STORE_FLAGS_REPLACE, STORE_SEEN, "", UINT64_MAX, "");
	assert_string_equal(house_list(store, INBOX), "1:S 2:S(home x) 3(home)");
	house_ok(store_keywords(store, INBOX, &text, &err), &err);
	assert_string_equal(text, "$Forwarded home Work x");
	free(text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		order.keywords = bad[i];
		assert_int_equal(
		    store_flags(store, INBOX, NULL, 0, &order, &modseq, &failed, &count, &err),
		    STORE_REFUSED);
	}
	for (size_t i = 0; i < 2000; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "k%zu ", i);
	order.keywords = many;
	assert_int_equal(store_flags(store, INBOX, NULL, 0, &order, &modseq, &failed, &count, &err),
			 STORE_LIMIT);
	assert_string_equal(house_list(store, INBOX), "1:S 2:S(home x) 3(home)");
	assert_int_equal(store_flags(store, 99, NULL, 0, &order, &modseq, &failed, &count, &err),
			 STORE_GONE);
	store_close(store);
}

static const char *
expunged(struct store *store, int64_t folder, uint64_t since, bool expect_complete)
{
	struct store_range *ranges;
	const char *text;
	struct error err;
	bool complete;
	size_t count;

	house_ok(store_expunged(store, folder, since, &ranges, &count, &complete, &err), &err);
	assert_int_equal(complete, expect_complete);
	text = house_ranges(ranges, count);
	free(ranges);
	return text;
}

static void
test_expunged(void **state)
{
	struct store *store = house_open();
	struct store_range *removed;
	struct error err;
	uint64_t first, second;
	uint32_t *uids;
	size_t count;

	(void)state;
	house_deliver(store, 9);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){7, 3, 2, 3}, 4, &count, &err),
		 &err);
	assert_int_equal(count, 3);
	first = house_about(store, INBOX).highestmodseq;
	change(store, INBOX, R(1, 1), STORE_FLAGS_ADD, STORE_DELETED, NULL, UINT64_MAX, "");
	change(store, INBOX, R(4, 6), STORE_FLAGS_ADD, STORE_DELETED, NULL, UINT64_MAX, "");
	house_ok(store_expunge_deleted(store, INBOX, (const struct store_range[]){R(1, 4), R(8, 9)},
				       2, &removed, &count, &err),
		 &err);
	assert_string_equal(house_ranges(removed, count), "1,4");
	free(removed);
	second = house_about(store, INBOX).highestmodseq;
	assert_string_equal(expunged(store, INBOX, 0, true), "1:4,7");
	assert_string_equal(expunged(store, INBOX, first, true), "1,4");
	assert_string_equal(expunged(store, INBOX, second, true), "");
	house_ok(store_expunge_deleted(store, INBOX, NULL, 0, &removed, &count, &err), &err);
	assert_string_equal(house_ranges(removed, count), "5:6");
	free(removed);
	house_ok(store_expunge_deleted(store, INBOX, NULL, 0, &removed, &count, &err), &err);
	assert_int_equal(count, 0);
	assert_null(removed);
	assert_int_equal(house_about(store, INBOX).highestmodseq, second + 1);
	house_ok(store_uids(store, INBOX, &uids, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_int_equal(uids[0], 8);
	assert_int_equal(uids[1], 9);
	free(uids);
	assert_int_equal(house_files("msg"), 2);
	assert_int_equal(store_uids(store, 77, &uids, &count, &err), STORE_GONE);
	house_check(store);
	store_close(store);
}

/* Where the record does not reach, it is all that is not there. */
static void
test_expunged_long_ago(void **state)
{
	struct store *store = house_open();
	struct error err;
	sqlite3 *db;

	(void)state;
	house_deliver(store, 6);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1, 3, 6}, 3, NULL, &err), &err);
	store_close(store);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db,
					 "DELETE FROM vanished;"
					 "UPDATE folders SET vanished_from = 6",
					 &err),
			 0);
	sqlite3_close(db);
	store = house_open();
	assert_string_equal(expunged(store, INBOX, 5, false), "1,3,6");
	assert_string_equal(expunged(store, INBOX, 6, true), "");
	store_close(store);
}

/*
 * -- Scans --------------------------------------------------------------------------
 */

struct uid_text {
	char text[4000];
	size_t left;
};

static bool
note_uid(const struct store_message *message, void *arg)
{
	struct uid_text *text = arg;
	size_t used = strlen(text->text);

	snprintf(text->text + used, sizeof(text->text) - used, "%u ", message->uid);
	return --text->left > 0;
}

static const char *
scan(struct store *store, const struct store_range *ranges, size_t count, uint64_t since,
     size_t limit)
{
	static struct uid_text text;
	struct error err;

	text = (struct uid_text){.left = limit};
	house_ok(store_scan(store, INBOX, ranges, count, since, 0, note_uid, &text, &err), &err);
	return text.text;
}

static void
test_scan(void **state)
{
	const struct store_range ranges[] = {R(2, 3), R(5, 5), R(7, UINT32_MAX)};
	struct store *store = house_open();
	uint64_t since;

	(void)state;
	house_deliver(store, 8);
	since = house_about(store, INBOX).highestmodseq;
	assert_string_equal(scan(store, NULL, 0, 0, 99), "1 2 3 4 5 6 7 8 ");
	assert_string_equal(scan(store, NULL, 0, 0, 2), "1 2 ");
	assert_string_equal(scan(store, ranges, 3, 0, 99), "2 3 5 7 8 ");
	assert_string_equal(scan(store, ranges, 3, 0, 3), "2 3 5 ");
	assert_string_equal(scan(store, NULL, 0, since, 99), "");
	/* In the order of UIDs, whatever the order of changes. */
	change(store, INBOX, R(8, 8), STORE_FLAGS_ADD, STORE_SEEN, NULL, UINT64_MAX, "");
	change(store, INBOX, R(5, 6), STORE_FLAGS_ADD, STORE_SEEN, NULL, UINT64_MAX, "");
	change(store, INBOX, R(3, 3), STORE_FLAGS_ADD, STORE_SEEN, NULL, UINT64_MAX, "");
	assert_string_equal(scan(store, NULL, 0, since, 99), "3 5 6 8 ");
	assert_string_equal(scan(store, NULL, 0, since, 1), "3 ");
	assert_string_equal(scan(store, ranges, 3, since, 99), "3 5 8 ");
	assert_string_equal(scan(store, NULL, 0, since + 1, 99), "3 5 6 ");
	assert_string_equal(scan(store, NULL, 0, UINT64_MAX, 99), "");
	store_close(store);
}

/*
 * -- Copies -------------------------------------------------------------------------
 */

static void
test_copy(void **state)
{
	const struct store_range ranges[] = {R(1, 1), R(3, 4)};
	struct store *store = house_open();
	struct store_copied copied;
	struct error err;
	int64_t folder = house_folder(store, "a");
	uint64_t modseq;
	char *text;

	(void)state;
	house_deliver(store, 5);
	change(store, INBOX, R(3, 3), STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, "Foo",
	       UINT64_MAX, "");
	house_ok(store_copy(store, INBOX, ranges, 2, folder, false, &copied, &err), &err);
	assert_string_equal(house_ranges(copied.sources, copied.source_count), "1,3:4");
	assert_string_equal(house_ranges(copied.targets, copied.target_count), "1:3");
	assert_int_equal(copied.uidvalidity, house_about(store, folder).uidvalidity);
	store_copied_free(&copied);
	assert_string_equal(house_list(store, folder), "1 2:SD(Foo) 3");
	house_ok(store_keywords(store, folder, &text, &err), &err);
	assert_string_equal(text, "Foo");
	free(text);
	house_check(store);
	/* Into itself: what is put there is not copied again. */
	house_ok(store_copy(store, folder, NULL, 0, folder, false, &copied, &err), &err);
	assert_string_equal(house_ranges(copied.targets, copied.target_count), "4:6");
	store_copied_free(&copied);
	assert_string_equal(house_list(store, folder), "1 2:SD(Foo) 3 4 5:SD(Foo) 6");
	assert_int_equal(house_files("msg"), 5);
	house_check(store);
	/* Moved. */
	modseq = house_about(store, INBOX).highestmodseq;
	house_ok(store_copy(store, INBOX, ranges, 2, folder, true, &copied, &err), &err);
	assert_string_equal(house_ranges(copied.targets, copied.target_count), "7:9");
	store_copied_free(&copied);
	assert_string_equal(house_list(store, INBOX), "2 5");
	assert_string_equal(expunged(store, INBOX, modseq, true), "1,3:4");
	house_ok(store_copy(store, INBOX, NULL, 0, INBOX, true, &copied, &err), &err);
	store_copied_free(&copied);
	assert_string_equal(house_list(store, INBOX), "6 7");
	assert_string_equal(expunged(store, INBOX, modseq, true), "1:5");
	house_check(store);
	assert_int_equal(store_copy(store, INBOX, NULL, 0, 99, true, &copied, &err), STORE_GONE);
	assert_int_equal(house_files("msg"), 5);
	store_close(store);
}

static void
test_copy_quota(void **state)
{
	struct store *store = house_open();
	struct store_copied copied;
	struct error err;
	int64_t folder = house_folder(store, "a");

	(void)state;
	house_deliver(store, 3);
	store_set_limits(store, 0, 5);
	assert_int_equal(store_copy(store, INBOX, NULL, 0, folder, false, &copied, &err),
			 STORE_OVERQUOTA);
	assert_string_equal(house_list(store, folder), "");
	house_ok(store_copy(store, INBOX, NULL, 0, folder, true, &copied, &err), &err);
	store_copied_free(&copied);
	house_check(store);
	store_set_limits(store, house_about(store, folder).size + 1, 0);
	assert_int_equal(store_copy(store, folder, NULL, 0, INBOX, false, &copied, &err),
			 STORE_OVERQUOTA);
	store_close(store);
}

/* From version 2: keywords had tables of their own, what was expunged a row a UID. */
static void
test_from_version_2(void **state)
{
	struct store *store;
	struct error err;
	sqlite3 *db;
	char *text;

	(void)state;
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, schema_steps[0], &err), 0);
	assert_int_equal(sqlite_dir_exec(db, schema_steps[1], &err), 0);
	assert_int_equal(
	    sqlite_dir_exec(db,
			    "PRAGMA user_version = 2;"
			    "UPDATE folders SET uidnext = 8, highestmodseq = 40;"
			    "INSERT INTO messages VALUES (3, 'x', 5, 0, 1), (4, 'y', 7, 0, 1);"
			    "INSERT INTO placements VALUES (1, 2, 3, 9, 39), (1, 7, 4, 0, 38);"
			    "INSERT INTO keywords VALUES (1, '$Forwarded'), (2, 'Foo');"
			    "INSERT INTO placement_keywords VALUES (1, 7, 1), (1, 7, 2);"
			    "INSERT INTO expunged VALUES (1, 12, 1), (1, 13, 3), (1, 13, 4),"
			    " (1, 14, 5), (1, 14, 6);",
			    &err),
	    0);
	sqlite3_close(db);
	store = house_open();
	assert_string_equal(house_list(store, INBOX), "2:SD 7($Forwarded Foo)");
	assert_int_equal(house_about(store, INBOX).unseen, 1);
	assert_int_equal(house_about(store, INBOX).deleted, 1);
	assert_int_equal(house_about(store, INBOX).size, 12);
	assert_string_equal(expunged(store, INBOX, 12, true), "3:6");
	assert_string_equal(expunged(store, INBOX, 0, true), "1,3:6");
	house_ok(store_keywords(store, INBOX, &text, &err), &err);
	assert_string_equal(text, "$Forwarded Foo");
	free(text);
	house_check(store);
	house_deliver(store, 1);
	house_check(store);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_flags),          TEST(test_unchanged_since),   TEST(test_limited_work),
	    TEST(test_keywords),       TEST(test_expunged),          TEST(test_scan),
	    TEST(test_copy),           TEST(test_expunged_long_ago), TEST(test_copy_quota),
	    TEST(test_from_version_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
