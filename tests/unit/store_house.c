/* SPDX-License-Identifier: ISC */
#include "tests/unit/store_house.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder_path[64];

int
house_set_up(void **state)
{
	(void)state;
	strlcpy(folder_path, "/tmp/postern-store-XXXXXX", sizeof(folder_path));
	return mkdtemp(folder_path) != NULL && chdir(folder_path) == 0 ? 0 : -1;
}

int
house_tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder_path);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

void
house_ok(enum store_result result, const struct error *err)
{
	if (result != STORE_OK)
		fail_msg("%d: %s", result, err->text);
}

struct store *
house_open(void)
{
	struct store *store;
	struct error err = {""};

	house_ok(store_open(&store, &err), &err);
	return store;
}

void
house_deliver(struct store *store, unsigned count)
{
	static const char text[] = "Subject: a\r\n\r\nhello\r\n";
	static unsigned number;
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	for (unsigned i = 0; i < count; i++) {
		struct store_delivery d = {
		    .return_path = "", .fd = fd, .size = sizeof(text) - 1, .received = 1700000000};

		snprintf(d.id, sizeof(d.id), "house.%u", number++);
		store_deliver(store, &d, 1);
		house_ok(d.result, &d.err);
	}
	close(fd);
}

int64_t
house_folder(struct store *store, const char *name)
{
	struct store_folder folder;
	struct error err;

	house_ok(store_folder_create(store, name, 0, &folder, &err), &err);
	return folder.id;
}

struct store_folder
house_about(struct store *store, int64_t id)
{
	struct store_folder folder;
	struct error err;

	house_ok(store_folder_by_id(store, id, &folder, NULL, &err), &err);
	return folder;
}

static bool
list_one(const struct store_message *message, void *arg)
{
	static const char letters[] = "SAFDT";
	char *text = arg;
	size_t used = strlen(text);

	used +=
	    (size_t)snprintf(text + used, 4000 - used, "%s%u", used > 0 ? " " : "", message->uid);
	if (message->flags != 0)
		text[used++] = ':';
	for (size_t i = 0; i < 5; i++)
		if ((message->flags & 1u << i) != 0)
			text[used++] = letters[i];
	text[used] = '\0';
	if (message->keywords[0] != '\0')
		snprintf(text + used, 4000 - used, "(%s)", message->keywords);
	return true;
}

const char *
house_list(struct store *store, int64_t folder)
{
	static char text[4000];
	struct error err;

	text[0] = '\0';
	house_ok(store_scan(store, folder, NULL, 0, 0, STORE_WANT_KEYWORDS, list_one, text, &err),
		 &err);
	return text;
}

const char *
house_ranges(const struct store_range *ranges, size_t count)
{
	static char text[4000];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i > 0 ? "," : "",
					 ranges[i].first);
		if (ranges[i].last != ranges[i].first)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ":%u",
						 ranges[i].last);
	}
	return text;
}

static bool
count_one(const struct store_message *message, void *arg)
{
	struct store_folder *seen = arg;

	seen->messages++;
	seen->size += message->size;
	seen->unseen += (message->flags & STORE_SEEN) == 0;
	seen->deleted += (message->flags & STORE_DELETED) != 0;
	if (message->uid >= seen->uidnext)
		seen->uidnext = message->uid + 1;
	if (message->modseq > seen->highestmodseq)
		seen->highestmodseq = message->modseq;
	return true;
}

struct sum {
	struct store *store;
	uint64_t messages, size;
};

static void
check_folder(const char *name, const struct store_folder *folder, void *arg)
{
	struct store_folder seen = {.uidnext = 1};
	struct sum *sum = arg;
	struct error err;

	(void)name;
	if (folder->id == 0)
		return;
	house_ok(store_scan(sum->store, folder->id, NULL, 0, 0, 0, count_one, &seen, &err), &err);
	assert_int_equal(folder->messages, seen.messages);
	assert_int_equal(folder->unseen, seen.unseen);
	assert_int_equal(folder->deleted, seen.deleted);
	assert_int_equal(folder->size, seen.size);
	assert_true(folder->uidnext >= seen.uidnext);
	assert_true(folder->highestmodseq >= seen.highestmodseq);
	sum->messages += seen.messages;
	sum->size += seen.size;
}

void
house_check(struct store *store)
{
	struct sum sum = {.store = store};
	struct store_quota quota;
	struct error err;

	house_ok(store_folders(store, check_folder, &sum, &err), &err);
	house_ok(store_quota(store, &quota, &err), &err);
	assert_int_equal(quota.messages, sum.messages);
	assert_int_equal(quota.storage, sum.size);
}

size_t
house_files(const char *path)
{
	struct dirent *entry;
	size_t count = 0;
	char below[300];
	DIR *dir = opendir(path);

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%.16s/%.200s", path, entry->d_name);
		count += entry->d_type == DT_DIR ? house_files(below) : 1;
	}
	closedir(dir);
	return count;
}
