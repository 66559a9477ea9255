/* SPDX-License-Identifier: ISC */
/* What can be wrong with a mailbox is found, and put right, and no message file is thrown away. */
#include "tests/unit/store_house.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store_check.h"

static char told[4000];

static void
tell(const char *what, void *arg)
{
	size_t used = strlen(told);

	(void)arg;
	assert_null(strchr(what, '\n'));
	snprintf(told + used, sizeof(told) - used, "%s\n", what);
}

static struct store_check
check(bool repair)
{
	struct store_check report;
	struct error err;

	told[0] = '\0';
	house_ok(store_check(repair, tell, NULL, &report, &err), &err);
	return report;
}

static void
sql(const char *text)
{
	struct error err;
	sqlite3 *db;

	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "PRAGMA foreign_keys=OFF", &err), 0);
	if (sqlite_dir_exec(db, text, &err) != 0)
		fail_msg("%s", err.text);
	sqlite3_close(db);
}

/* A mailbox with something of everything. */
static void
furnish(void)
{
	struct store_flags_change change = {STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, "Foo bar",
					    UINT64_MAX};
	struct store *store = house_open();
	struct store_range *failed;
	struct store_copied copied;
	struct error err;
	uint64_t modseq;
	const struct store_annotation note = {"/private/comment", "x", 1};
	size_t count;

	house_deliver(store, 5);
	house_ok(store_first_login(store, &err), &err);
	house_ok(store_flags(store, INBOX, &(struct store_range){2, 3}, 1, &change, &modseq,
			     &failed, &count, &err),
		 &err);
	house_ok(store_copy(store, INBOX, NULL, 0, house_folder(store, "a"), false, &copied, &err),
		 &err);
	store_copied_free(&copied);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1, 3}, 2, NULL, &err), &err);
	house_ok(store_metadata_set(store, INBOX, &note, 1, &err), &err);
	store_close(store);
}

static void
test_clean(void **state)
{
	struct store_check report;

	(void)state;
	furnish();
	report = check(false);
	assert_string_equal(told, "");
	assert_int_equal(report.problems, 0);
	assert_int_equal(report.messages, 5);
	assert_int_equal(report.files, 5);
	report = check(true);
	assert_int_equal(report.problems, 0);
}

static const struct {
	const char *damage;
	const char *words;
} cases[] = {
    {"UPDATE folders SET messages = 7 WHERE id = 1", "counts"},
    {"UPDATE folders SET unseen = 7 WHERE id = 1", "counts"},
    {"UPDATE folders SET size = 0", "counts"},
    {"UPDATE folders SET uidnext = 2", "UIDNEXT"},
    {"UPDATE folders SET highestmodseq = 2 WHERE id = 1", "HIGHESTMODSEQ"},
    {"UPDATE account SET storage = 0", "usage"},
    {"UPDATE account SET next_message = 3", "given out"},
    {"UPDATE account SET uidvalidity = 1", "given out"},
    {"DELETE FROM account", "account's row"},
    {"DELETE FROM folder_keywords", "lacks keywords"},
    {"INSERT INTO placements (folder, uid, message, modseq) VALUES (1, 99, 99, 1)",
     "no such message"},
    {"INSERT INTO placements (folder, uid, message, modseq) VALUES (77, 5, 2, 1)", "not there"},
    {"INSERT INTO doomed VALUES (2)", "is to be removed"},
    {"DELETE FROM placements WHERE message = 4", "in no folder"},
    {"UPDATE messages SET size = size + 1 WHERE id = 4", "octets"},
    {"DELETE FROM folders WHERE id = 1", "INBOX"},
    {"INSERT INTO metadata VALUES (66, '/private/x', x'')", "annotations"},
    {"DELETE FROM messages WHERE id = 4; DELETE FROM placements WHERE message = 4", "message file"},
    {"UPDATE messages SET file = '../../../../etc/passwd' WHERE id = 4", "lost"},
};

static void
test_damages(void **state)
{
	struct store_check report;
	struct store *store;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		furnish();
		sql(cases[i].damage);
		report = check(false);
		if (strstr(told, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].damage, told);
		/* It was only looked at. */
		assert_int_equal(check(false).problems, report.problems);
		assert_true(check(true).problems >= 1);
		report = check(false);
		if (report.problems > 0)
			fail_msg("%s is left: %s", cases[i].damage, told);
		if (house_files("msg") != 5)
			fail_msg("%s: a file is gone", cases[i].damage);
		store = house_open();
		house_check(store);
		house_deliver(store, 1);
		house_check(store);
		store_close(store);
		house_tear_down(state);
		house_set_up(state);
	}
}

static void
test_files(void **state)
{
	struct store_check report;
	struct store_folder folder;
	struct store *store;
	struct error err;

	(void)state;
	furnish();
	assert_int_equal(system("rm $(ls msg/*/* | head -n 1) &&"
				"mkdir -p msg/00 && echo hello > msg/00/note &&"
				"printf 'Subject: x\\r\\n\\r\\n' >"
				" msg/00/00112233445566778899aabbccddeeff"),
			 0);
	report = check(true);
	assert_int_equal(report.lost, 1);
	assert_int_equal(report.recovered, 1);
	assert_non_null(strstr(told, "msg/00/note: not a message file"));
	assert_int_equal(report.strange, 1);
	report = check(false);
	assert_int_equal(report.problems, 0);
	assert_int_equal(report.strange, 1); /* the note is left alone */
	assert_int_equal(report.messages, 5);
	store = house_open();
	house_check(store);
	house_ok(store_folder(store, "Recovered", &folder, &err), &err);
	assert_string_equal(house_list(store, folder.id), "1");
	assert_int_equal(folder.size, 14);
	store_close(store);
	assert_int_equal(house_files("msg"), 6);
}

/* A lost message vanishes as any other that is expunged. */
static void
test_lost_vanishes(void **state)
{
	struct store *store = house_open();
	struct store_range *ranges;
	struct error err;
	bool complete;
	size_t count;

	(void)state;
	house_deliver(store, 2);
	store_close(store);
	assert_int_equal(system("rm msg/*/*"), 0);
	assert_int_equal(check(true).lost, 2);
	store = house_open();
	assert_string_equal(house_list(store, INBOX), "");
	house_ok(store_expunged(store, INBOX, 3, &ranges, &count, &complete, &err), &err);
	assert_string_equal(house_ranges(ranges, count), "1:2");
	free(ranges);
	store_close(store);
}

static void
overwrite(off_t offset, size_t length)
{
	int fd = open("index.db", O_WRONLY);
	char junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, length, offset), length);
	close(fd);
}

/* Nothing is readable; or a page in the middle is not. All messages are there afterwards. */
static void
test_rebuild(void **state)
{
	struct store_check report;
	struct store_folder inbox;
	struct store *store;
	struct error err;
	uint32_t uidvalidity;

	for (int page = 0; page < 12; page++) {
		furnish();
		store = house_open();
		uidvalidity = house_about(store, INBOX).uidvalidity;
		store_close(store);
		overwrite(page * 4096, 4096);
		if (store_check(false, tell, NULL, &report, &err) != STORE_DAMAGED) {
			/* A page that nobody reads, or whose content does not show. */
			house_tear_down(state);
			house_set_up(state);
			continue;
		}
		report = check(true);
		assert_true(report.rebuilt);
		report = check(false);
		if (report.problems > 0)
			fail_msg("page %d: %s", page, told);
		assert_int_equal(house_files("msg"), 5);
		assert_int_equal(report.messages, 5);
		store = house_open();
		house_check(store);
		house_ok(store_folder(store, "INBOX", &inbox, &err), &err);
		assert_int_equal(inbox.id, INBOX);
		if (page != 0)
			assert_true(inbox.uidvalidity > uidvalidity);
		house_deliver(store, 1);
		house_check(store);
		store_close(store);
		house_tear_down(state);
		house_set_up(state);
	}
}

/* What was acknowledged may wait in tmp/ still: without its row it is recovered, not removed. */
static void
test_rebuild_keeps_what_was_under_way(void **state)
{
	struct store_check report;

	(void)state;
	furnish();
	assert_int_equal(system("mv $(ls msg/*/* | head -n 1) tmp/"), 0);
	assert_int_equal(check(false).problems, 0);
	overwrite(0, 4096);
	report = check(true);
	assert_true(report.rebuilt);
	assert_int_equal(report.recovered, 5);
	assert_int_equal(house_files("msg"), 5);
	assert_int_equal(check(false).problems, 0);
}

/* It is looked at while it is open, and nothing changes for who has it open. */
static void
test_open(void **state)
{
	struct store_check report;
	struct store_folder before, after;
	struct store *store;
	struct error err;

	(void)state;
	furnish();
	store = house_open();
	told[0] = '\0';
	house_ok(store_check_open(store, tell, NULL, &report, &err), &err);
	assert_string_equal(told, "");
	assert_int_equal(report.messages, 5);
	assert_int_equal(system("rm $(ls msg/*/* | head -n 1)"), 0);
	before = house_about(store, INBOX);
	house_ok(store_check_open(store, tell, NULL, &report, &err), &err);
	assert_int_equal(report.lost, 1);
	after = house_about(store, INBOX);
	assert_int_equal(after.messages, before.messages);
	assert_int_equal(after.size, before.size);
	assert_int_equal(after.highestmodseq, before.highestmodseq);
	house_deliver(store, 1);
	store_close(store);
	assert_int_equal(check(true).lost, 1);
}

/* A program that is too old must not take a good index for a damaged one. */
static void
test_newer(void **state)
{
	struct store_check report;
	struct error err;

	(void)state;
	furnish();
	sql("PRAGMA user_version = 999");
	assert_int_equal(store_check(true, tell, NULL, &report, &err), STORE_REFUSED);
	assert_non_null(strstr(err.text, "newer"));
	assert_false(report.rebuilt);
	assert_int_equal(system("! ls index.db.damaged-* 2>/dev/null"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_clean),   TEST(test_damages),
	    TEST(test_files),   TEST(test_lost_vanishes),
	    TEST(test_rebuild), TEST(test_rebuild_keeps_what_was_under_way),
	    TEST(test_open),    TEST(test_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
