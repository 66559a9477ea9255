/* SPDX-License-Identifier: ISC */
/* Folders: their names, trees, numbers that never come again; who watches. */
#include "tests/unit/store_house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/folder_name.h"

static void
test_names(void **state)
{
	static const char *const good[] = {"INBOX",  "INBOX/Sub",       "a",       "a/b/c",
					   "..",     "\xc3\xa4/&\"",    "inboxes", "a/inbox",
					   "Inbox2", "\xf0\x9f\x93\xab"};
	static const char *const bad[] = {"",
					  "/",
					  "/a",
					  "a/",
					  "a//b",
					  "inbox",
					  "Inbox/a",
					  "a\n",
					  "\x7f",
					  "a\x01",
					  "\xc3",
					  "\xc0\xaf",
					  "\xed\xa0\x80",
					  "\xff",
					  "\xf4\x90\x80\x80",
					  "\xc2\x80",
					  "\xe2\x80\xa8",
					  "\xf8\x88\x80\x80\x80",
					  "\xe0\x80\xaf"};
	char name[STORE_NAME_MAX + 2];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(folder_name_check(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(folder_name_check(bad[i], &err), -1);
	memset(name, 'a', sizeof(name));
	name[STORE_NAME_MAX] = '\0';
	assert_int_equal(folder_name_check(name, &err), 0);
	name[STORE_NAME_MAX] = 'a';
	name[STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(folder_name_check(name, &err), -1);
	for (size_t i = 0; i < STORE_LEVELS_MAX; i++)
		memcpy(name + 2 * i, "a/", 2);
	name[2 * STORE_LEVELS_MAX - 1] = '\0';
	assert_int_equal(folder_name_check(name, &err), 0);
	memcpy(name + 2 * STORE_LEVELS_MAX - 1, "/a", 3);
	assert_int_equal(folder_name_check(name, &err), -1);
}

static void
list_name(const char *name, const struct store_folder *folder, void *arg)
{
	char *text = arg;
	size_t used = strlen(text);

	snprintf(text + used, 1000 - used, "%s%s%s%s", used > 0 ? " " : "", name,
		 folder->subscribed ? "+" : "", folder->id == 0 ? "-" : "");
}

static const char *
names(struct store *store)
{
	static char text[1000];
	struct error err;

	text[0] = '\0';
	house_ok(store_folders(store, list_name, text, &err), &err);
	return text;
}

static void
test_create(void **state)
{
	struct store *store = house_open();
	struct store_folder first, second;
	char name[STORE_NAME_MAX + 1];
	struct error err;

	(void)state;
	assert_string_equal(names(store), "INBOX+");
	house_ok(store_folder_create(store, "Archive/2026", STORE_USE_ARCHIVE, &first, &err), &err);
	assert_int_equal(first.use, STORE_USE_ARCHIVE);
	assert_int_equal(first.uidnext, 1);
	assert_int_equal(first.messages, 0);
	assert_int_equal(strlen(first.object), 32);
	assert_int_equal(store_folder_create(store, "Archive/2026", 0, &second, &err),
			 STORE_EXISTS);
	assert_int_equal(store_folder_create(store, "INBOX", 0, NULL, &err), STORE_EXISTS);
	assert_int_equal(store_folder_create(store, "inbox", 0, NULL, &err), STORE_REFUSED);
	assert_int_equal(store_folder_create(store, "Other", STORE_USE_ARCHIVE, NULL, &err),
			 STORE_REFUSED);
	house_ok(store_folder_create(store, "Archive", 0, &second, &err), &err);
	assert_true(second.id > first.id);
	assert_true(second.uidvalidity > first.uidvalidity);
	house_ok(store_folder_by_id(store, first.id, &second, name, &err), &err);
	assert_string_equal(name, "Archive/2026");
	assert_string_equal(names(store), "Archive Archive/2026 INBOX+");
	store_close(store);
	store = house_open();
	assert_string_equal(names(store), "Archive Archive/2026 INBOX+");
	store_close(store);
}

/* Neither id nor UIDVALIDITY of a folder that was deleted comes again, whatever the clock says. */
static void
test_never_again(void **state)
{
	struct store *store = house_open();
	struct store_folder before = {.id = 0}, now;
	struct error err;
	sqlite3 *db;

	(void)state;
	for (int i = 0; i < 4; i++) {
		house_ok(store_folder_create(store, "a", 0, &now, &err), &err);
		assert_true(now.id > before.id);
		assert_true(now.uidvalidity > before.uidvalidity);
		assert_string_not_equal(now.object, before.object);
		before = now;
		house_ok(store_folder_delete(store, "a", &err), &err);
		assert_int_equal(store_folder(store, "a", &now, &err), STORE_GONE);
		assert_int_equal(store_folder_by_id(store, before.id, &now, NULL, &err),
				 STORE_GONE);
	}
	store_close(store);
	/* As if the clock had been in the future then. */
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "UPDATE account SET uidvalidity = 4294967294", &err),
			 0);
	sqlite3_close(db);
	store = house_open();
	house_ok(store_folder_create(store, "a", 0, &now, &err), &err);
	assert_int_equal(now.uidvalidity, UINT32_MAX);
	assert_int_equal(store_folder_create(store, "b", 0, &now, &err), STORE_LIMIT);
	store_close(store);
}

static void
test_delete(void **state)
{
	struct store *store = house_open();
	struct store_copied copied;
	struct error err;
	int64_t folder = house_folder(store, "a");

	(void)state;
	house_folder(store, "a/b");
	house_deliver(store, 3);
	house_ok(store_copy(store, INBOX, NULL, 0, folder, false, &copied, &err), &err);
	store_copied_free(&copied);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1}, 1, NULL, &err), &err);
	assert_int_equal(house_files("msg"), 3);
	house_check(store);
	house_ok(store_folder_delete(store, "a", &err), &err);
	assert_int_equal(house_files("msg"), 2);
	house_check(store);
	assert_string_equal(names(store), "INBOX+ a/b");
	assert_int_equal(store_folder_delete(store, "a", &err), STORE_GONE);
	assert_int_equal(store_folder_delete(store, "INBOX", &err), STORE_REFUSED);
	store_close(store);
}

static void
test_rename(void **state)
{
	struct store *store = house_open();
	char deep[2 * STORE_LEVELS_MAX];
	struct error err;

	(void)state;
	house_folder(store, "a/b");
	house_folder(store, "a/b/b");
	house_folder(store, "a/b0");
	house_folder(store, "\xc3\xa4/x");
	house_ok(store_subscribe(store, "a/b", true, &err), &err);
	house_ok(store_folder_rename(store, "a/b", "a", &err), &err);
	assert_string_equal(names(store), "INBOX+ a a/b+ a/b0 \xc3\xa4/x");
	/* A level that is no folder. */
	house_ok(store_folder_rename(store, "\xc3\xa4", "z/\xc3\xbc", &err), &err);
	assert_string_equal(names(store), "INBOX+ a a/b+ a/b0 z/\xc3\xbc/x");
	assert_int_equal(store_folder_rename(store, "a", "a/b/c", &err), STORE_REFUSED);
	assert_int_equal(store_folder_rename(store, "a", "a", &err), STORE_EXISTS);
	assert_int_equal(store_folder_rename(store, "a", "INBOX", &err), STORE_EXISTS);
	assert_int_equal(store_folder_rename(store, "none", "some", &err), STORE_GONE);
	/* One of the tree's new names is taken. */
	house_folder(store, "q/b0");
	assert_int_equal(store_folder_rename(store, "a", "q", &err), STORE_EXISTS);
	assert_string_equal(names(store), "INBOX+ a a/b+ a/b0 q/b0 z/\xc3\xbc/x");
	for (size_t i = 0; i < STORE_LEVELS_MAX; i++)
		memcpy(deep + 2 * i, "x/", 2);
	deep[2 * STORE_LEVELS_MAX - 1] = '\0';
	assert_int_equal(store_folder_rename(store, "a", deep, &err), STORE_REFUSED);
	store_close(store);
}

static void
test_rename_inbox(void **state)
{
	struct store *store = house_open();
	struct store_folder folder;
	struct error err;

	(void)state;
	house_folder(store, "INBOX/sub");
	house_deliver(store, 3);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1}, 1, NULL, &err), &err);
	house_ok(store_folder_rename(store, "INBOX", "old", &err), &err);
	assert_string_equal(names(store), "INBOX+ INBOX/sub old");
	house_ok(store_folder(store, "old", &folder, &err), &err);
	assert_string_equal(house_list(store, folder.id), "1 2");
	assert_string_equal(house_list(store, INBOX), "");
	assert_int_equal(house_about(store, INBOX).uidnext, 4);
	assert_int_equal(store_folder_rename(store, "INBOX", "old", &err), STORE_EXISTS);
	house_check(store);
	store_close(store);
}

static void
test_subscriptions(void **state)
{
	struct store *store = house_open();
	struct error err;

	(void)state;
	house_ok(store_subscribe(store, "none", true, &err), &err);
	house_ok(store_subscribe(store, "none", true, &err), &err);
	assert_string_equal(names(store), "INBOX+ none+-");
	house_folder(store, "none");
	assert_string_equal(names(store), "INBOX+ none+");
	house_ok(store_folder_delete(store, "none", &err), &err);
	house_ok(store_subscribe(store, "INBOX", false, &err), &err);
	assert_string_equal(names(store), "INBOX none+-");
	house_ok(store_subscribe(store, "none", false, &err), &err);
	house_ok(store_subscribe(store, "never", false, &err), &err);
	assert_int_equal(store_subscribe(store, "a//b", true, &err), STORE_REFUSED);
	assert_string_equal(names(store), "INBOX");
	store_close(store);
}

/*
 * -- Watching -----------------------------------------------------------------------
 */

struct seen {
	char text[200];
	struct store *store;
	struct store_watch *other; /* unwatched at the first call */
};

static void
on_changed(void *arg, int64_t folder)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, "%d ", (int)folder);
	store_unwatch(seen->store, seen->other);
	seen->other = NULL;
}

static void
assert_seen(struct seen *seen, const char *expected)
{
	assert_string_equal(seen->text, expected);
	seen->text[0] = '\0';
}

static void
test_watch(void **state)
{
	struct store *store = house_open();
	struct seen one = {"", store, NULL}, two = {"", store, NULL};
	struct store_watch *first = store_watch(store, on_changed, &one), *second;
	struct store_flags_change change = {
	    .how = STORE_FLAGS_ADD, .flags = STORE_SEEN, .unchanged_since = UINT64_MAX};
	struct store_range *failed;
	struct store_copied copied;
	struct error err;
	uint64_t modseq;
	size_t count;

	(void)state;
	house_folder(store, "a");
	assert_seen(&one, "0 ");
	house_deliver(store, 1);
	assert_seen(&one, "1 ");
	for (int i = 0; i < 2; i++)
		house_ok(
		    store_flags(store, INBOX, NULL, 0, &change, &modseq, &failed, &count, &err),
		    &err);
	assert_seen(&one, "1 "); /* the second time nothing changed */
	house_ok(store_copy(store, INBOX, NULL, 0, 2, false, &copied, &err), &err);
	store_copied_free(&copied);
	assert_seen(&one, "2 ");
	house_ok(store_take_recent(store, INBOX, &err), &err);
	assert_seen(&one, "");
	assert_int_equal(store_folder_create(store, "a", 0, NULL, &err), STORE_EXISTS);
	assert_seen(&one, "");
	/* One unwatches the other while they are told, in either order. */
	second = store_watch(store, on_changed, &two);
	one.other = second;
	two.other = first;
	house_deliver(store, 1);
	assert_int_equal(strlen(one.text) + strlen(two.text), 2);
	store_unwatch(store, one.text[0] != '\0' ? first : second);
	house_deliver(store, 1);
	assert_int_equal(strlen(one.text) + strlen(two.text), 2);
	store_watch(store, on_changed, &one); /* goes with the store */
	store_close(store);
}

static void
test_recent(void **state)
{
	struct store *store = house_open();
	struct error err;

	(void)state;
	house_deliver(store, 3);
	assert_int_equal(house_about(store, INBOX).recent_from, 1);
	house_ok(store_take_recent(store, INBOX, &err), &err);
	assert_int_equal(house_about(store, INBOX).recent_from, 4);
	house_deliver(store, 1);
	assert_int_equal(house_about(store, INBOX).recent_from, 4);
	store_close(store);
	store = house_open();
	assert_int_equal(house_about(store, INBOX).recent_from, 4);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_names),         TEST(test_create),       TEST(test_never_again),
	    TEST(test_delete),        TEST(test_rename),       TEST(test_watch),
	    TEST(test_subscriptions), TEST(test_rename_inbox), TEST(test_recent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
