/* SPDX-License-Identifier: ISC */
/* Deliveries into folders that their tags name. */
#include "tests/unit/store_house.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
make(struct store *store, const char *name, uint32_t use)
{
	struct store_folder folder;
	struct error err;

	house_ok(store_folder_create(store, name, use, &folder, &err), &err);
}

static struct store_delivery
delivery(const char *id, const char *tag)
{
	struct store_delivery d = {.return_path = "", .size = 3, .received = 1, .tag = tag};

	strlcpy(d.id, id, sizeof(d.id));
	d.fd = memfd_create("message", MFD_CLOEXEC);
	assert_int_equal(write(d.fd, "x\r\n", 3), 3);
	return d;
}

static void
deliver(struct store *store, const char *id, const char *tag)
{
	struct store_delivery d = delivery(id, tag);

	store_deliver(store, &d, 1);
	house_ok(d.result, &d.err);
	close(d.fd);
}

static uint32_t
count(struct store *store, const char *name)
{
	struct store_folder folder;
	struct error err;

	house_ok(store_folder(store, name, &folder, &err), &err);
	return folder.messages;
}

static void
test_folders_that_are_there(void **state)
{
	struct store *store = house_open();

	(void)state;
	make(store, "lists", 0);
	make(store, "Work", 0);
	make(store, "work", 0);
	deliver(store, "1", "lists");
	deliver(store, "2", "LISTS");
	deliver(store, "3", "work");
	deliver(store, "4", "Work");
	deliver(store, "5", "WORK");
	deliver(store, "6", "nothing");
	deliver(store, "7", "inbox");
	deliver(store, "8", "");
	deliver(store, "9", NULL);
	assert_int_equal(count(store, "lists"), 2);
	assert_int_equal(count(store, "work") + count(store, "Work"), 3);
	assert_true(count(store, "work") >= 1 && count(store, "Work") >= 1);
	assert_int_equal(count(store, "INBOX"), 4);
	house_check(store);
	store_close(store);
}

/* Nobody puts mail where its owner thinks that only he does, or where it is thrown away. */
static void
test_folders_with_a_use(void **state)
{
	static const char *const names[] = {"Archive", "drafts", "Junk", "SENT", "trash", "Old"};
	struct store *store = house_open();
	struct error err;

	(void)state;
	/* Also before they have their use. */
	make(store, "Sent", 0);
	make(store, "Old", STORE_USE_ALL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		deliver(store, names[i], names[i]);
	assert_int_equal(count(store, "INBOX"), 6);
	assert_int_equal(count(store, "Sent"), 0);
	house_ok(store_first_login(store, &err), &err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char id[16];

		snprintf(id, sizeof(id), "%s2", names[i]);
		deliver(store, id, names[i]);
	}
	assert_int_equal(count(store, "INBOX"), 12);
	house_check(store);
	store_close(store);
}

static void
test_a_batch_into_many(void **state)
{
	static const struct {
		const char *tag;
		bool junk;
	} mails[] = {{"a", false}, {NULL, false}, {"b", false}, {"a", true},
		     {"A", false}, {NULL, true},  {"", false},  {"c", false}};
	struct store_delivery batch[8];
	struct store *store = house_open();
	struct store_folder junk;
	struct error err;
	int64_t a, b;

	(void)state;
	a = house_folder(store, "a");
	b = house_folder(store, "b");
	for (unsigned i = 0; i < 8; i++) {
		char id[4];

		snprintf(id, sizeof(id), "%u", i);
		batch[i] = delivery(id, mails[i].tag);
		batch[i].junk = mails[i].junk;
	}
	store_deliver(store, batch, 8);
	for (unsigned i = 0; i < 8; i++) {
		house_ok(batch[i].result, &batch[i].err);
		close(batch[i].fd);
	}
	assert_string_equal(house_list(store, a), "1 2");
	assert_string_equal(house_list(store, b), "1");
	assert_string_equal(house_list(store, INBOX), "1 2 3");
	house_ok(store_folder(store, "Junk", &junk, &err), &err);
	assert_string_equal(house_list(store, junk.id), "1 2");
	house_check(store);
	store_close(store);
	/* Where they are is on disk, and none comes twice. */
	store = house_open();
	batch[0] = delivery("0", NULL);
	store_deliver(store, batch, 1);
	close(batch[0].fd);
	assert_true(batch[0].duplicate);
	assert_int_equal(count(store, "a"), 2);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_folders_that_are_there),
	    TEST(test_folders_with_a_use),
	    TEST(test_a_batch_into_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
