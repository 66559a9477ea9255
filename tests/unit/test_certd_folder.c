/* SPDX-License-Identifier: ISC */
/* Changes of the certs folder are whole or not there, whatever fails or is killed, and whenever. */
#include "tests/unit/certd_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/folder.h"
#include "certd/journal.h"

#define STEPS_MAX 64

static const struct folder_set set = {
    {{"the key", 7}, {"the request", 11}, {"the certificate", 15}, {NULL, 0}}};
/* What comes in its place: without a request. */
static const struct folder_set newer = {{{"KEY", 3}, {NULL, 0}, {"CERTIFICATE", 11}, {NULL, 0}}};
static const char *const suffixes[] = {".key", ".csr", ".crt", ".pem"};

/* The hook: step number FAIL_AT fails with EIO, step number KILL_AT kills. From 1; 0: never. */
static int step, fail_at, kill_at;

static int
hook(void)
{
	step++;
	if (step == kill_at)
		return JOURNAL_KILL;
	return step == fail_at ? EIO : 0;
}

static int
setup(void **state)
{
	static struct folder folder;

	support_folder(&folder);
	journal_hook = hook;
	step = fail_at = kill_at = 0;
	*state = &folder;
	return 0;
}

static int
teardown(void **state)
{
	journal_hook = NULL;
	support_remove_folder(*state);
	return 0;
}

/* How many of the set's files are there as NAME's, whole; -1 if one is of another content. */
static int
whole(const struct folder *folder, const char *name, const struct folder_set *wanted)
{
	char file[64], bytes[32];
	int count = 0;

	for (int i = 0; i < PART_COUNT; i++) {
		ssize_t length;
		struct stat st;
		int fd;

		snprintf(file, sizeof(file), "%s%s", name, suffixes[i]);
		fd = openat(folder->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd == -1)
			continue;
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, i == PART_KEY ? 0600 : 0644);
		assert_int_equal(st.st_nlink, 1);
		length = read(fd, bytes, sizeof(bytes));
		close(fd);
		if (wanted->part[i].bytes == NULL || (size_t)length != wanted->part[i].length ||
		    memcmp(bytes, wanted->part[i].bytes, (size_t)length) != 0)
			return -1;
		count++;
	}
	return count;
}

static int
size_of(const struct folder_set *wanted)
{
	int count = 0;

	for (int i = 0; i < PART_COUNT; i++)
		count += wanted->part[i].bytes != NULL;
	return count;
}

static bool
is(const struct folder *folder, const char *name, const struct folder_set *wanted)
{
	return whole(folder, name, wanted) == size_of(wanted);
}

/* The one set that is kept aside, or "". */
static const char *
kept_name(const struct folder *folder)
{
	static char found[CERT_KEPT_SIZE];
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fdopendir(fd);
	const struct dirent *entry;
	char name[CERT_NAME_SIZE], file[256];

	found[0] = '\0';
	while ((entry = readdir(list)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length <= 4)
			continue;
		strlcpy(file, entry->d_name, length - 3);
		if (!cert_name_kept(file, name))
			continue;
		assert_true(found[0] == '\0' || strcmp(found, file) == 0);
		strlcpy(found, file, sizeof(found));
	}
	closedir(list);
	return found;
}

static void
clear(const struct folder *folder)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fdopendir(fd);
	const struct dirent *entry;

	while ((entry = readdir(list)) != NULL)
		(void)unlinkat(folder->fd, entry->d_name, 0);
	closedir(list);
	assert_int_equal(support_count(folder), 0);
}

/* Each change: how to begin, what it does, and whether the folder is as before or as after it. */
static void
begin_nothing(const struct folder *folder)
{
	(void)folder;
}

static void
begin_mail(const struct folder *folder)
{
	struct error err;

	assert_int_equal(folder_commit(folder->fd, "mail", &set, &err), 0);
}

static void
begin_replaced(const struct folder *folder)
{
	char kept[CERT_KEPT_SIZE];
	struct error err;

	begin_mail(folder);
	assert_int_equal(folder_replace(folder->fd, "mail", &newer, kept, &err), 0);
}

static int
make_new(const struct folder *folder, struct error *err)
{
	return folder_commit(folder->fd, "mail", &set, err);
}

static int
make_replaced(const struct folder *folder, struct error *err)
{
	char kept[CERT_KEPT_SIZE];

	return folder_replace(folder->fd, "mail", &newer, kept, err);
}

static int
make_restored(const struct folder *folder, struct error *err)
{
	char kept[CERT_KEPT_SIZE], from[CERT_KEPT_SIZE];

	strlcpy(from, kept_name(folder), sizeof(from));
	return folder_restore(folder->fd, from, kept, err);
}

static int
make_removed(const struct folder *folder, struct error *err)
{
	return folder_remove(folder->fd, "mail", err);
}

static int
make_renamed(const struct folder *folder, struct error *err)
{
	return folder_rename(folder->fd, "mail", "post", err);
}

static bool
is_empty(const struct folder *folder)
{
	return support_count(folder) == 0;
}

static bool
is_mail(const struct folder *folder)
{
	return support_count(folder) == 3 && is(folder, "mail", &set);
}

static bool
is_post(const struct folder *folder)
{
	return support_count(folder) == 3 && is(folder, "post", &set);
}

static bool
is_replaced(const struct folder *folder)
{
	return support_count(folder) == 5 && is(folder, "mail", &newer) &&
	       is(folder, kept_name(folder), &set);
}

static bool
is_restored(const struct folder *folder)
{
	return support_count(folder) == 5 && is(folder, "mail", &set) &&
	       is(folder, kept_name(folder), &newer);
}

static const struct change {
	void (*begin)(const struct folder *);
	int (*make)(const struct folder *, struct error *);
	bool (*before)(const struct folder *);
	bool (*after)(const struct folder *);
	int prepared; /* changes on the disk before the commit */
} changes[] = {
    {begin_nothing, make_new, is_empty, is_mail, 3 + 2},
    {begin_mail, make_replaced, is_mail, is_replaced, 3 + 2 + 2},
    {begin_replaced, make_restored, is_replaced, is_restored, 2 + 2},
    {begin_mail, make_removed, is_mail, is_empty, 2},
    {begin_mail, make_renamed, is_mail, is_post, 2},
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static void
start(const struct folder *folder, const struct change *change)
{
	clear(folder);
	journal_hook = NULL;
	change->begin(folder);
	assert_true(change->before(folder));
	journal_hook = hook;
	step = 0;
}

static void
test_good(void **state)
{
	struct folder *folder = *state;
	struct error err;

	umask(0);
	for (size_t i = 0; i < CHANGES; i++) {
		start(folder, &changes[i]);
		assert_int_equal(changes[i].make(folder, &err), 0);
		assert_true(changes[i].after(folder));
		assert_int_equal(folder_recover(folder->fd, &err), 0);
		assert_true(changes[i].after(folder));
	}
}

/* An error before the commit undoes it at once; after it, the folder's next user completes it. */
static void
test_errors(void **state)
{
	struct folder *folder = *state;
	struct error err;

	umask(0);
	for (size_t i = 0; i < CHANGES; i++) {
		for (fail_at = 1;; fail_at++) {
			assert_true(fail_at < STEPS_MAX);
			start(folder, &changes[i]);
			if (changes[i].make(folder, &err) == 0) {
				assert_true(step < fail_at); /* the step was never reached */
				break;
			}
			assert_non_null(strstr(err.text, strerror(EIO)));
			fail_at = -fail_at;
			if (-fail_at <= changes[i].prepared) {
				assert_true(changes[i].before(folder));
			} else {
				assert_int_equal(folder_recover(folder->fd, &err), 0);
				assert_true(changes[i].after(folder));
			}
			fail_at = -fail_at;
		}
		assert_true(fail_at > changes[i].prepared + 2);
	}
}

/* Killed at any step, also of recovering; then another certd starts. */
static void
test_kills(void **state)
{
	struct folder *folder = *state;
	int before = 0, after = 0, again;
	struct error err;

	umask(0);
	for (size_t i = 0; i < CHANGES; i++) {
		for (int at = 1; at < STEPS_MAX; at++) {
			for (again = 0; again < STEPS_MAX; again++) {
				int result;

				start(folder, &changes[i]);
				kill_at = at;
				result = changes[i].make(folder, &err);
				kill_at = 0;
				if (result == 0)
					break;
				step = 0;
				kill_at = again;
				result = folder_recover(folder->fd, &err);
				kill_at = 0;
				if (result == -1)
					assert_int_equal(folder_recover(folder->fd, &err), 0);
				if (changes[i].after(folder))
					after++;
				else if (changes[i].before(folder))
					before++;
				else
					fail_msg("change %zu killed at %d, %d is half done", i, at,
						 again);
				assert_true(again == 0 || result == -1 || step < again);
				if (again > 0 && result == 0)
					break;
			}
			if (again == 0)
				break;
		}
	}
	assert_true(before > 30);
	assert_true(after > 30);
}

static void
test_refused(void **state)
{
	struct folder *folder = *state;
	char kept[CERT_KEPT_SIZE];
	struct error err;

	umask(0);
	begin_mail(folder);
	assert_int_equal(folder_commit(folder->fd, "mail", &newer, &err), -1);
	assert_int_equal(folder_rename(folder->fd, "post", "other", &err), -1);
	assert_int_equal(folder_rename(folder->fd, "mail", "mail", &err), -1);
	assert_int_equal(folder_remove(folder->fd, "post", &err), -1);
	assert_int_equal(folder_restore(folder->fd, "mail", kept, &err), -1);
	assert_int_equal(folder_restore(folder->fd, "mail.20261124T181002Z", kept, &err), -1);
	assert_true(is_mail(folder));
}

/* More often than once a second; and each one can be removed alone. */
static void
test_kept(void **state)
{
	struct folder *folder = *state;
	char first[CERT_KEPT_SIZE], second[CERT_KEPT_SIZE];
	struct error err;

	umask(0);
	assert_int_equal(folder_replace(folder->fd, "mail", &set, first, &err), 0);
	assert_string_equal(first, "");
	assert_int_equal(folder_replace(folder->fd, "mail", &newer, first, &err), 0);
	assert_int_equal(folder_replace(folder->fd, "mail", &set, second, &err), 0);
	assert_true(is(folder, "mail", &set));
	assert_true(is(folder, first, &set));
	assert_true(is(folder, second, &newer));
	assert_int_equal(folder_exists(folder->fd, first, &err), 1);
	assert_int_equal(folder_remove(folder->fd, first, &err), 0);
	assert_int_equal(folder_exists(folder->fd, first, &err), 0);
	assert_true(is(folder, "mail", &set));
	assert_true(is(folder, second, &newer));
}

/* A combined file from an administrator's hand goes aside with the others. */
static void
test_pem(void **state)
{
	struct folder *folder = *state;
	char kept[CERT_KEPT_SIZE], next[CERT_KEPT_SIZE], file[CERT_KEPT_SIZE + 4];
	struct error err;

	umask(0);
	support_write(folder, "mail.pem", "all", 3, 0600);
	assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
	assert_int_equal(folder_replace(folder->fd, "mail", &set, kept, &err), 0);
	assert_true(is(folder, "mail", &set));
	snprintf(file, sizeof(file), "%s.pem", kept);
	assert_int_equal(faccessat(folder->fd, file, F_OK, 0), 0);
	assert_int_equal(folder_restore(folder->fd, kept, next, &err), 0);
	assert_int_equal(faccessat(folder->fd, "mail.pem", F_OK, 0), 0);
	assert_int_equal(faccessat(folder->fd, "mail.key", F_OK, 0), -1);
}

/* Recovery touches nothing with a final name, and no hidden file that isn't ours. */
static void
test_others_files(void **state)
{
	struct folder *folder = *state;
	struct error err;

	umask(0);
	begin_mail(folder);
	support_write(folder, "other.crt", "x", 1, 0644);
	support_write(folder, ".mail.crt.new", "another", 7, 0644);
	support_write(folder, ".mail.key.new", "another", 7, 0600);
	support_write(folder, ".mail.20261124T181002Z.key.old", "another", 7, 0600);
	support_write(folder, ".swp", "y", 1, 0600);
	support_write(folder, ".a b.key.new", "z", 1, 0600);
	support_write(folder, ".new", "z", 1, 0600);
	support_write(folder, ".abcdef.new", "z", 1, 0600);
	assert_int_equal(folder_recover(folder->fd, &err), 0);
	assert_int_equal(support_count(folder), 8);
	assert_true(is(folder, "mail", &set));
}

/* What is put there at the same time stays, and so does the only file of a key. */
static void
test_conflict(void **state)
{
	struct folder *folder = *state;
	struct journal journal = {.count = 0};
	struct error err;

	support_write(folder, "mail.key", "the only one", 12, 0600);
	support_write(folder, "post.key", "by hand", 7, 0600);
	support_write(folder, ".mail.csr.new", "prepared", 8, 0600);
	support_write(folder, "post.csr", "by hand", 7, 0600);
	journal_add(&journal, JOURNAL_NEW, "mail.key", "post.key");
	journal_add(&journal, JOURNAL_NEW, ".mail.csr.new", "post.csr");
	assert_int_equal(journal_commit(folder->fd, &journal, &err), JOURNAL_DONE);
	assert_int_equal(faccessat(folder->fd, "mail.key", F_OK, 0), 0);
	assert_int_equal(faccessat(folder->fd, "post.key", F_OK, 0), 0);
	assert_int_equal(faccessat(folder->fd, ".mail.csr.new", F_OK, 0), -1);
	assert_int_equal(support_count(folder), 3);
}

static void
test_exists(void **state)
{
	struct folder *folder = *state;
	char file[16];
	struct error err;

	assert_int_equal(folder_exists(folder->fd, "mail", &err), 0);
	for (int i = 0; i < PART_COUNT; i++) {
		snprintf(file, sizeof(file), "mail%s", suffixes[i]);
		support_write(folder, file, "x", 1, 0600);
		assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
		unlinkat(folder->fd, file, 0);
	}
	/* A dangling link is something, too. */
	assert_int_equal(symlinkat("nowhere", folder->fd, "mail.key"), 0);
	assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
	assert_int_equal(folder_commit(folder->fd, "mail", &set, &err), -1);
	assert_int_equal(support_count(folder), 1);
}

static void
test_journal_text(void **state)
{
	static const char *const bad[] = {"new a",         "new a b",      "new a\n",
					  "over a b c\n",  "unlink\n",     "unlink \n",
					  "unlink ../a\n", "unlink a/b\n", "unlink ..\n",
					  "new a .\n",     "drop a\n",     "unlink a\n\n"};
	struct journal journal = {.count = 0}, again;
	char text[JOURNAL_TEXT_MAX + 1], name[JOURNAL_FILE_SIZE];
	size_t length;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < JOURNAL_STEPS_MAX; i++)
		journal_add(&journal, JOURNAL_OVER, name, name);
	length = journal_write(&journal, text);
	assert_int_equal(length, strlen(text));
	assert_true(journal_parse(text, length, &again));
	assert_int_equal(again.count, JOURNAL_STEPS_MAX);
	assert_string_equal(again.steps[JOURNAL_STEPS_MAX - 1].to, name);
	assert_true(journal_parse("", 0, &again));
	assert_int_equal(again.count, 0);
	assert_false(journal_parse("unlink a\0b\n", 11, &again));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(journal_parse(bad[i], strlen(bad[i]), &again));
}

/* A journal that is not ours stops every change, and is named. */
static void
test_foreign_journal(void **state)
{
	struct folder *folder = *state;
	struct error err;

	begin_mail(folder);
	support_write(folder, ".journal", "unlink ../x\n", 12, 0600);
	assert_int_equal(folder_recover(folder->fd, &err), -1);
	assert_non_null(strstr(err.text, ".journal"));
	assert_int_equal(folder_remove(folder->fd, "mail", &err), -1);
	assert_true(is(folder, "mail", &set));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pem, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_others_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_exists, setup, teardown),
	    cmocka_unit_test(test_journal_text),
	    cmocka_unit_test_setup_teardown(test_foreign_journal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
