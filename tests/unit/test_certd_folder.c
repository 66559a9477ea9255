/* SPDX-License-Identifier: ISC */
/* All three files or none, whatever fails or is killed, and whenever. */
#include "tests/unit/certd_support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/folder.h"

#define STEPS_MAX 64

static struct folder_set set = {{{"the key", 7}, {"the request", 11}, {"the certificate", 15}}};
static const char *const files[] = {"mail.key", "mail.csr", "mail.crt"};

/* The hook: step number FAIL_AT fails with EIO, step number KILL_AT kills. From 1; 0: never. */
static int step, fail_at, kill_at;

static int
hook(void)
{
	step++;
	if (step == kill_at)
		return FOLDER_KILLED;
	return step == fail_at ? EIO : 0;
}

static int
setup(void **state)
{
	static struct folder folder;

	support_folder(&folder);
	folder_hook = hook;
	step = fail_at = kill_at = 0;
	*state = &folder;
	return 0;
}

static int
teardown(void **state)
{
	folder_hook = NULL;
	support_remove_folder(*state);
	return 0;
}

static void
check_file(const struct folder *folder, int part, mode_t mode)
{
	int fd = openat(folder->fd, files[part], O_RDONLY | O_CLOEXEC);
	char bytes[32];
	struct stat st;

	assert_true(fd != -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), set.part[part].length);
	assert_memory_equal(bytes, set.part[part].bytes, set.part[part].length);
	close(fd);
}

/* Returns 1 if all three are there, whole and with nothing else; 0 if nothing is. */
static int
all_or_none(const struct folder *folder)
{
	struct error err;
	int count = support_count(folder);

	if (count == 0) {
		assert_int_equal(folder_exists(folder->fd, "mail", &err), 0);
		return 0;
	}
	assert_int_equal(count, 3);
	assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
	check_file(folder, PART_KEY, 0600);
	check_file(folder, PART_CSR, 0644);
	check_file(folder, PART_CRT, 0644);
	return 1;
}

static void
clear(const struct folder *folder)
{
	for (int i = 0; i < 3; i++)
		(void)unlinkat(folder->fd, files[i], 0);
	assert_int_equal(support_count(folder), 0);
}

static void
test_good(void **state)
{
	struct folder *folder = *state;
	struct error err;

	umask(0);
	assert_int_equal(folder_commit(folder->fd, "mail", &set, &err), 0);
	assert_int_equal(all_or_none(folder), 1);
	/* There is nothing to recover, and a second one is refused and changes nothing. */
	assert_int_equal(folder_recover(folder->fd, &err), 0);
	assert_int_equal(folder_commit(folder->fd, "mail", &set, &err), -1);
	assert_int_equal(all_or_none(folder), 1);
}

static void
test_errors(void **state)
{
	struct folder *folder = *state;
	struct error err;
	int failures = 0;

	umask(0);
	for (fail_at = 1; fail_at < STEPS_MAX; fail_at++) {
		step = 0;
		if (folder_commit(folder->fd, "mail", &set, &err) == 0) {
			assert_true(step < fail_at); /* the step was never reached */
			break;
		}
		assert_non_null(strstr(err.text, strerror(EIO)));
		assert_int_equal(all_or_none(folder), 0);
		failures++;
	}
	assert_int_equal(failures, 3 + 1 + 3 + 1);
}

/* Killed at any step, also of undoing an error at any step; then another certd starts. */
static void
test_kills(void **state)
{
	struct folder *folder = *state;
	int none = 0, all = 0;
	struct error err;

	umask(0);
	for (fail_at = 0; fail_at <= 8; fail_at++) {
		for (kill_at = 1; kill_at < STEPS_MAX; kill_at++) {
			int result;

			step = 0;
			result = folder_commit(folder->fd, "mail", &set, &err);
			if (step < kill_at) {
				clear(folder);
				break;
			}
			assert_int_equal(result, -1);
			assert_int_equal(folder_recover(folder->fd, &err), 0);
			if (all_or_none(folder) == 1)
				all++;
			else
				none++;
			clear(folder);
		}
	}
	assert_true(none > 30);
	assert_true(all > 10);
}

/* And killed while recovering: the next one completes it. */
static void
test_half_renamed(void **state)
{
	struct folder *folder = *state;
	struct error err;

	umask(0);
	support_write(folder, "mail.key", "the key", 7, 0600);
	support_write(folder, ".mail.csr.new", "the request", 11, 0644);
	support_write(folder, "mail.crt", "the certificate", 15, 0644);
	assert_int_equal(folder_recover(folder->fd, &err), 0);
	assert_int_equal(all_or_none(folder), 1);
}

/* Recovery touches nothing with a final name, and no hidden file that isn't ours. */
static void
test_others_files(void **state)
{
	struct folder *folder = *state;
	struct error err;

	support_write(folder, "other.crt", "x", 1, 0644);
	support_write(folder, "mail.key", "the key", 7, 0600);
	support_write(folder, "mail.crt", "the certificate", 15, 0644);
	support_write(folder, "mail.csr", "the request", 11, 0644);
	support_write(folder, ".mail.crt.new", "another", 7, 0644);
	support_write(folder, ".mail.key.new", "another", 7, 0600);
	support_write(folder, ".swp", "y", 1, 0600);
	support_write(folder, ".a b.key.new", "z", 1, 0600);
	assert_int_equal(folder_recover(folder->fd, &err), 0);
	assert_int_equal(support_count(folder), 6);
	check_file(folder, PART_KEY, 0600);
	check_file(folder, PART_CRT, 0644);
}

static void
test_exists(void **state)
{
	struct folder *folder = *state;
	struct error err;

	assert_int_equal(folder_exists(folder->fd, "mail", &err), 0);
	for (int i = 0; i < 3; i++) {
		support_write(folder, files[i], "x", 1, 0600);
		assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
		unlinkat(folder->fd, files[i], 0);
	}
	/* A dangling link is something, too. */
	assert_int_equal(symlinkat("nowhere", folder->fd, "mail.key"), 0);
	assert_int_equal(folder_exists(folder->fd, "mail", &err), 1);
	assert_int_equal(folder_commit(folder->fd, "mail", &set, &err), -1);
	assert_int_equal(support_count(folder), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_half_renamed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_others_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_exists, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
