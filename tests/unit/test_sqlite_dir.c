/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sqlite_dir.h"

static char parent[64];

/* Each test runs in PARENT/inner. */
static int
set_up(void **state)
{
	(void)state;
	strlcpy(parent, "/tmp/postern-sqlite-XXXXXX", sizeof(parent));
	if (mkdtemp(parent) == NULL || chdir(parent) == -1 || mkdir("inner", 0700) == -1 ||
	    chdir("inner") == -1)
		return -1;
	return 0;
}

static int
tear_down(void **state)
{
	char command[192];

	(void)state;
	snprintf(command, sizeof(command), "chmod 700 %s && rm -rf %s", parent, parent);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void
test_opens(void **state)
{
	struct error err = {""};
	struct stat st;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite_dir_open("a.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err),
			 0);
	assert_int_equal(stat("a.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat("a.db-wal", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access("a.db-shm", F_OK), -1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(access("a.db-wal", F_OK), -1);
	/* Again, now that it is there. */
	assert_int_equal(sqlite_dir_open("a.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "INSERT INTO t VALUES (2)", &err), 0);
	sqlite3_close(db);
}

static void
test_refuses(void **state)
{
	struct error err = {""};
	sqlite3 *db;
	int code, fd;

	(void)state;
	assert_int_equal(sqlite_dir_open("../a.db", 256, &db, NULL, &err), -1);
	assert_null(db);
	fd = open("bad.db", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "no database here, at all", 24), 24);
	close(fd);
	assert_int_equal(sqlite_dir_open("bad.db", 256, &db, &code, &err), -1);
	assert_int_equal(code & 0xff, SQLITE_NOTADB);
	assert_non_null(strstr(err.text, "bad.db: "));
	assert_int_equal(symlink("../elsewhere.db", "link.db"), 0);
	assert_int_equal(sqlite_dir_open("link.db", 256, &db, &code, &err), -1);
	assert_int_equal(access("../elsewhere.db", F_OK), -1);
}

/* Run in a child; its exit status is 0 if BODY returned 0. */
static void
in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A process that can't search the parents, as a session under a mailbox's uid. */
static int
open_below_closed_parent(void)
{
	struct error err;
	sqlite3 *db;

	if (geteuid() == 0 && (chown(".", 65534, 65534) == -1 || setgroups(0, NULL) == -1 ||
			       setgid(65534) == -1 || setuid(65534) == -1))
		return 1;
	if (access(parent, X_OK) == 0)
		return 2;
	if (sqlite_dir_open("deep.db", 256, &db, NULL, &err) == -1)
		return 3;
	if (sqlite_dir_exec(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err) == -1)
		return 4;
	sqlite3_close(db);
	return access("deep.db", F_OK) == 0 ? 0 : 5;
}

static void
test_needs_no_parent(void **state)
{
	(void)state;
	assert_int_equal(chmod(parent, 0), 0);
	in_child(open_below_closed_parent);
}

static int
open_held(void)
{
	struct error err;
	sqlite3 *db;
	int code;

	if (sqlite_dir_open("one.db", 256, &db, &code, &err) == 0)
		return 1;
	return (code & 0xff) == SQLITE_BUSY ? 0 : 2;
}

static void
test_one_process(void **state)
{
	struct error err;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite_dir_open("one.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, "CREATE TABLE t (x)", &err), 0);
	in_child(open_held);
	sqlite3_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_opens, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refuses, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_needs_no_parent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_one_process, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
