/* SPDX-License-Identifier: ISC */
/* The mailbox: deliveries once, expunges whole, upgrades, and disks that fail. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sqlite_dir.h"
#include "worker/session/store.h"
#include "worker/session/store/schema.h"

#define INBOX 1

static char folder[64];

static int
set_up(void **state)
{
	(void)state;
	strlcpy(folder, "/tmp/postern-store-XXXXXX", sizeof(folder));
	return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static struct store *
must_open(void)
{
	struct store *store;
	struct error err = {""};

	if (store_open(&store, &err) != STORE_OK)
		fail_msg("%s", err.text);
	return store;
}

static int
file_with(const char *text, size_t length)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, length), length);
	return fd;
}

static struct store_delivery
delivery(const char *id, const char *text)
{
	struct store_delivery d = {.return_path = "alice@example.org",
				   .fd = file_with(text, strlen(text)),
				   .size = strlen(text),
				   .received = 1700000000};

	strlcpy(d.id, id, sizeof(d.id));
	return d;
}

static struct store_delivery
deliver_one(struct store *store, const char *id, const char *text)
{
	struct store_delivery d = delivery(id, text);

	store_deliver(store, &d, 1);
	close(d.fd);
	return d;
}

static size_t
count_inbox(struct store *store)
{
	struct store_entry *list;
	struct error err;
	size_t count;

	assert_int_equal(store_list(store, INBOX, &list, &count, &err), STORE_OK);
	free(list);
	return count;
}

static struct store_entry
entry_at(struct store *store, size_t i)
{
	struct store_entry *list, entry;
	struct error err;
	size_t count;

	assert_int_equal(store_list(store, INBOX, &list, &count, &err), STORE_OK);
	assert_true(i < count);
	entry = list[i];
	free(list);
	return entry;
}

static void
assert_body(struct store *store, int64_t message, const char *expected)
{
	struct store_body *body;
	struct error err;
	char buffer[1024];
	ssize_t n;

	assert_int_equal(store_body_open(store, message, &body, &err), STORE_OK);
	n = store_body_read(body, 0, buffer, sizeof(buffer) - 1, &err);
	assert_true(n >= 0);
	buffer[n] = '\0';
	assert_string_equal(buffer, expected);
	assert_int_equal(store_body_read(body, (uint64_t)n, buffer, 1, &err), 0);
	store_body_close(body);
}

/* Files below PATH ("tmp", "msg"). */
static size_t
count_files(const char *path)
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
		count += entry->d_type == DT_DIR ? count_files(below) : 1;
	}
	closedir(dir);
	return count;
}

static void
test_deliver(void **state)
{
	struct store *store = must_open();
	struct store_delivery d;
	struct store_entry entry;
	struct store_folder inbox;
	struct error err;

	(void)state;
	assert_int_equal(store_folder(store, "INBOX", &inbox, &err), STORE_OK);
	assert_int_equal(inbox.uidnext, 1);
	assert_true(inbox.uidvalidity > 1700000000);
	assert_int_equal(store_folder(store, "Nowhere", &inbox, &err), STORE_GONE);
	d = deliver_one(store, "0000000000000001.0", "Subject: a\r\n\r\nhello\r\n");
	assert_int_equal(d.result, STORE_OK);
	assert_false(d.duplicate);
	assert_int_equal(d.uid, 1);
	entry = entry_at(store, 0);
	assert_int_equal(entry.uid, 1);
	assert_int_equal(entry.size, 34 + 21);
	assert_false(entry.unterminated);
	assert_body(store, entry.message,
		    "Return-Path: <alice@example.org>\r\nSubject: a\r\n\r\nhello\r\n");
	assert_int_equal(store_folder(store, "INBOX", &inbox, &err), STORE_OK);
	assert_int_equal(inbox.uidnext, 2);
	assert_int_equal(inbox.highestmodseq, 2);
	assert_int_equal(count_files("tmp"), 0);
	assert_int_equal(count_files("msg"), 1);
	store_close(store);
}

static void
test_ends(void **state)
{
	static const struct {
		const char *text;
		bool unterminated;
	} cases[] = {{"", false}, {"a", true}, {"a\r", true}, {"\n", true}, {"\r\n", false}};
	struct store *store = must_open();
	char id[DELIVERY_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "%zu", i);
		assert_int_equal(deliver_one(store, id, cases[i].text).result, STORE_OK);
		assert_int_equal(entry_at(store, i).unterminated, cases[i].unterminated);
	}
	store_close(store);
}

static void
test_duplicates(void **state)
{
	struct store *store = must_open();
	struct store_delivery batch[6];

	(void)state;
	assert_int_equal(deliver_one(store, "one", "1\r\n").uid, 1);
	assert_true(deliver_one(store, "one", "1\r\n").duplicate);
	store_close(store);

	store = must_open();
	batch[0] = delivery("one", "1\r\n");
	batch[1] = delivery("two", "2\r\n");
	batch[2] = delivery("two", "2\r\n");
	batch[3] = delivery("three", "3\r\n");
	batch[4] = delivery("four", "4\r\n");
	batch[5] = delivery("one", "1\r\n");
	store_deliver(store, batch, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(batch[i].result, STORE_OK);
		assert_int_equal(batch[i].duplicate, i == 0 || i == 2 || i == 5);
		close(batch[i].fd);
	}
	assert_int_equal(count_inbox(store), 4);
	assert_int_equal(entry_at(store, 3).uid, 4);
	assert_int_equal(count_files("msg"), 4);
	store_close(store);
}

/* A source that is shorter than announced, longer, or no file at all; others are stored. */
static void
test_lying_source(void **state)
{
	struct store *store = must_open();
	struct store_delivery batch[4];
	int pipes[2];

	(void)state;
	batch[0] = delivery("short", "12345");
	batch[0].size = 6;
	batch[1] = delivery("long", "12345");
	batch[1].size = 3;
	batch[2] = delivery("huge", "12345");
	batch[2].size = UINT64_MAX;
	batch[3] = delivery("pipe", "12345");
	close(batch[3].fd);
	assert_int_equal(pipe(pipes), 0);
	batch[3].fd = pipes[0];
	store_deliver(store, batch, 4);
	assert_int_equal(batch[0].result, STORE_TEMPORARY);
	assert_string_equal(batch[0].err.text, "the message is shorter than announced");
	assert_int_equal(batch[1].result, STORE_OK);
	assert_int_equal(batch[2].result, STORE_TEMPORARY);
	assert_int_equal(batch[3].result, STORE_TEMPORARY);
	assert_int_equal(count_inbox(store), 1);
	assert_body(store, entry_at(store, 0).message, "Return-Path: <alice@example.org>\r\n123");
	assert_int_equal(count_files("tmp"), 0);
	assert_int_equal(count_files("msg"), 1);
	for (size_t i = 0; i < 4; i++)
		close(batch[i].fd);
	close(pipes[1]);
	/* The failed ones were not recorded. */
	assert_false(deliver_one(store, "short", "12345").duplicate);
	store_close(store);
}

static void
test_large(void **state)
{
	size_t size = 300001;
	char *text = malloc(size + 1), *back = malloc(size + 64);
	struct store *store = must_open();
	struct store_body *body;
	struct store_entry entry;
	struct error err;

	(void)state;
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 23);
	text[size] = '\0';
	assert_int_equal(deliver_one(store, "large", text).result, STORE_OK);
	entry = entry_at(store, 0);
	assert_int_equal(entry.size, size + 34);
	assert_int_equal(store_body_open(store, entry.message, &body, &err), STORE_OK);
	assert_int_equal(store_body_read(body, 34, back, size + 64, &err), size);
	assert_memory_equal(back, text, size);
	store_body_close(body);
	store_close(store);
	free(text);
	free(back);
}

static void
test_expunge(void **state)
{
	struct store *store = must_open();
	struct store_body *body;
	struct error err;
	struct store_folder inbox;
	char byte;
	size_t removed;

	(void)state;
	for (int i = 0; i < 4; i++) {
		char id[2] = {(char)('a' + i), '\0'};

		deliver_one(store, id, "x\r\n");
	}
	assert_int_equal(store_body_open(store, entry_at(store, 1).message, &body, &err), STORE_OK);
	assert_int_equal(
	    store_expunge(store, INBOX, (const uint32_t[]){2, 3, 99}, 3, &removed, &err), STORE_OK);
	assert_int_equal(removed, 2);
	assert_int_equal(count_inbox(store), 2);
	assert_int_equal(entry_at(store, 1).uid, 4);
	assert_int_equal(count_files("msg"), 2);
	/* One that is being read stays readable. */
	assert_int_equal(store_body_read(body, 0, &byte, 1, &err), 1);
	store_body_close(body);
	assert_int_equal(store_folder(store, "INBOX", &inbox, &err), STORE_OK);
	assert_int_equal(inbox.highestmodseq, 6);
	store_close(store);
	/* UIDs are never used again (RFC 9051 2.3.1.1). */
	store = must_open();
	assert_int_equal(store_expunge(store, INBOX, (const uint32_t[]){4}, 1, NULL, &err),
			 STORE_OK);
	assert_int_equal(deliver_one(store, "e", "x\r\n").uid, 5);
	assert_true(deliver_one(store, "d", "x\r\n").duplicate);
	store_close(store);
}

/* A message in two folders keeps its file until the last of them lets go. */
static void
test_expunge_shared(void **state)
{
	struct store *store = must_open();
	struct error err;
	sqlite3 *db;

	(void)state;
	deliver_one(store, "a", "x\r\n");
	store_close(store);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db,
					 "INSERT INTO folders (id, name, uidvalidity, object)"
					 " VALUES (2, 'Other', 7, 'other');"
					 "INSERT INTO placements (folder, uid, message, modseq)"
					 " SELECT 2, 10, message, 1 FROM placements",
					 &err),
			 0);
	sqlite3_close(db);
	store = must_open();
	assert_int_equal(store_expunge(store, INBOX, (const uint32_t[]){1}, 1, NULL, &err),
			 STORE_OK);
	assert_int_equal(count_files("msg"), 1);
	assert_int_equal(store_expunge(store, 2, (const uint32_t[]){10}, 1, NULL, &err), STORE_OK);
	assert_int_equal(count_files("msg"), 0);
	store_close(store);
}

/* A mailbox of version 1, as the first release left it. */
static void
test_upgrade(void **state)
{
	struct store *store;
	struct store_folder inbox;
	struct error err;
	sqlite3 *db;
	int fd;

	(void)state;
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, schema_steps[0], &err), 0);
	assert_int_equal(
	    sqlite_dir_exec(
		db,
		"PRAGMA user_version = 1;"
		"UPDATE folders SET uidvalidity = 1234, uidnext = 8, highestmodseq = 40;"
		"INSERT INTO messages VALUES"
		" (3, '00112233445566778899aabbccddeeff', 5, 0, 1600000000);"
		"INSERT INTO placements VALUES (1, 7, 3, 9, 39);"
		"INSERT INTO keywords VALUES (1, '$Forwarded');"
		"INSERT INTO placement_keywords VALUES (1, 7, 1);"
		"INSERT INTO deliveries VALUES ('old', strftime('%s', 'now') + 0);",
		&err),
	    0);
	sqlite3_close(db);
	assert_int_equal(system("mkdir -p msg/00"), 0);
	fd = open("msg/00/00112233445566778899aabbccddeeff", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "abc\r\n", 5), 5);
	close(fd);

	store = must_open();
	assert_int_equal(store_folder(store, "INBOX", &inbox, &err), STORE_OK);
	assert_int_equal(inbox.uidvalidity, 1234);
	assert_int_equal(inbox.uidnext, 8);
	assert_int_equal(inbox.highestmodseq, 40);
	assert_int_equal(entry_at(store, 0).uid, 7);
	assert_int_equal(entry_at(store, 0).flags, STORE_SEEN | STORE_DELETED);
	assert_body(store, 3, "abc\r\n");
	assert_true(deliver_one(store, "old", "x").duplicate);
	assert_int_equal(store_expunge(store, INBOX, (const uint32_t[]){7}, 1, NULL, &err),
			 STORE_OK);
	store_close(store);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "SELECT first, modseq FROM vanished", &err), 0);
	sqlite3_close(db);
}

static void
test_newer(void **state)
{
	struct store *store = must_open();
	struct error err;
	sqlite3 *db;

	(void)state;
	store_close(store);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "PRAGMA user_version = 999", &err), 0);
	sqlite3_close(db);
	assert_int_equal(store_open(&store, &err), STORE_REFUSED);
	assert_null(store);
	assert_non_null(strstr(err.text, "version 999"));
}

static void
test_damaged(void **state)
{
	struct store *store;
	struct error err;
	int fd = open("index.db", O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "garbage garbage garbage", 23), 23);
	close(fd);
	assert_int_equal(store_open(&store, &err), STORE_DAMAGED);
	assert_non_null(strstr(err.text, "index.db"));
}

static void
limit_files(struct store *store, struct store_delivery *d, rlim_t size)
{
	struct rlimit old, tiny;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = old;
	tiny.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	store_deliver(store, d, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(d->result, STORE_TEMPORARY);
}

/* Writes fail as on a full disk: nothing half-stored, and later it works again. */
static void
test_full_disk(void **state)
{
	struct store *store = must_open();
	struct store_delivery big, small = delivery("small", "y\r\n");
	char text[60000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	big = delivery("big", text);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(deliver_one(store, "before", "x\r\n").result, STORE_OK);

	/* The message does not fit. */
	limit_files(store, &big, 50000);
	assert_non_null(strstr(big.err.text, "File too large"));
	/* It does, but the index does not take it. */
	limit_files(store, &small, 4096);
	assert_non_null(strstr(small.err.text, "index.db"));
	assert_int_equal(count_files("tmp"), 0);
	assert_int_equal(count_files("msg"), 1);
	assert_int_equal(count_inbox(store), 1);

	store_deliver(store, &big, 1);
	store_deliver(store, &small, 1);
	assert_int_equal(big.result, STORE_OK);
	assert_int_equal(small.result, STORE_OK);
	assert_false(big.duplicate || small.duplicate);
	assert_int_equal(count_inbox(store), 3);
	store_close(store);
	store = must_open();
	assert_int_equal(count_inbox(store), 3);
	store_close(store);
	close(big.fd);
	close(small.fd);
}

/* An expunge that fails takes nothing away. */
static void
test_expunge_fails(void **state)
{
	struct store *store = must_open();
	struct rlimit old, tiny;
	struct error err;
	enum store_result result;
	size_t removed = 7;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	deliver_one(store, "a", "x\r\n");
	deliver_one(store, "b", "x\r\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = old;
	tiny.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	result = store_expunge(store, INBOX, (const uint32_t[]){1, 2}, 2, &removed, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(result, STORE_TEMPORARY);
	assert_int_equal(removed, 0);
	assert_int_equal(count_inbox(store), 2);
	assert_int_equal(count_files("msg"), 2);
	assert_int_equal(store_expunge(store, INBOX, (const uint32_t[]){1, 2}, 2, &removed, &err),
			 STORE_OK);
	assert_int_equal(removed, 2);
	store_close(store);
}

/* A process that dies without closing anything: what it acknowledged is there, its tmp/ is not. */
static void
test_crash(void **state)
{
	struct store *store;
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		store = must_open();
		if (deliver_one(store, "a", "1\r\n").result != STORE_OK)
			_exit(1);
		close(open("tmp/half-written", O_WRONLY | O_CREAT, 0600));
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_files("tmp"), 1);
	store = must_open();
	assert_int_equal(count_inbox(store), 1);
	assert_true(deliver_one(store, "a", "1\r\n").duplicate);
	assert_int_equal(deliver_one(store, "b", "2\r\n").uid, 2);
	assert_int_equal(count_files("tmp"), 0);
	store_close(store);
}

/* In a mount namespace of its own; the exit status says which step failed. */
static int
use_read_only(void)
{
	struct store_entry *list = NULL;
	struct store_delivery d = {.return_path = "", .fd = -1, .id = "b", .size = 1};
	struct store_body *body;
	struct store *store;
	struct error err;
	size_t count = 0;

	if (mount(folder, folder, NULL, MS_BIND, NULL) == -1 ||
	    mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == -1 ||
	    chdir(folder) == -1)
		return 1;
	if (store_open(&store, &err) != STORE_OK)
		return 2;
	if (store_list(store, INBOX, &list, &count, &err) != STORE_OK || count != 1)
		return 3;
	if (store_body_open(store, list[0].message, &body, &err) != STORE_OK)
		return 4;
	store_body_close(body);
	free(list);
	if (store_expunge(store, INBOX, (const uint32_t[]){1}, 1, NULL, &err) != STORE_TEMPORARY)
		return 5;
	store_deliver(store, &d, 1);
	if (d.result != STORE_TEMPORARY || strstr(d.err.text, "readonly") == NULL)
		return 6;
	store_close(store);
	return 0;
}

/* A read-only file system: mail can be read, with a WAL that a crash left and without one. */
static void
test_read_only(void **state)
{
	struct store *store;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (int crashed = 0; crashed < 2; crashed++) {
		pid_t pid = fork();

		if (pid == 0) {
			store = must_open();
			deliver_one(store, "a", "1\r\n");
			if (!crashed)
				store_close(store);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		assert_int_equal(access("index.db-wal", F_OK), crashed ? 0 : -1);
		pid = fork();
		if (pid == 0)
			_exit(unshare(CLONE_NEWNS) == -1 ||
				      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1
				  ? 77
				  : use_read_only());
		waitpid(pid, &status, 0);
		if (status == 77 << 8)
			skip();
		assert_int_equal(status, 0);
	}
}

static void
test_prunes(void **state)
{
	struct store *store = must_open();
	struct error err;
	sqlite3 *db;

	(void)state;
	deliver_one(store, "old", "x\r\n");
	deliver_one(store, "recent", "x\r\n");
	store_close(store);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db,
					 "UPDATE deliveries SET stored = stored - 31 * 86400"
					 " WHERE id = 'old';"
					 "UPDATE deliveries SET stored = stored - 29 * 86400"
					 " WHERE id = 'recent';",
					 &err),
			 0);
	sqlite3_close(db);
	store = must_open();
	assert_false(deliver_one(store, "old", "x\r\n").duplicate);
	assert_true(deliver_one(store, "recent", "x\r\n").duplicate);
	store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_deliver),        TEST(test_ends),      TEST(test_duplicates),
	    TEST(test_lying_source),   TEST(test_large),     TEST(test_expunge),
	    TEST(test_expunge_shared), TEST(test_upgrade),   TEST(test_newer),
	    TEST(test_damaged),        TEST(test_full_disk), TEST(test_crash),
	    TEST(test_prunes),         TEST(test_read_only), TEST(test_expunge_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
