/* SPDX-License-Identifier: ISC */
/* Each attempt runs in a process of its own inside a closed sandbox, and has to fail there. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sandbox.h"

/* AddressSanitizer needs a wider list, Landlock is then what holds. */
#ifdef SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/* What a process inside returns for "the kernel refused", and what only a hole gives. */
#define REFUSED 10
#define HOLE 20

static const char *const file_calls[] = {"openat", "unlinkat", "mkdirat", NULL};
static const struct sandbox_rules no_files = {.role = "none", .files = SANDBOX_NO_FILES};
static const struct sandbox_rules own_files = {
    .role = "own", .files = SANDBOX_READ_WRITE, .syscalls = file_calls};
static const struct sandbox_rules read_files = {
    .role = "read", .files = SANDBOX_READ, .syscalls = file_calls};

static char own[64], other[64];

/* Runs ATTEMPT inside; returns its exit status, or minus the signal that ended it. */
static int
inside(const struct sandbox_rules *rules, const char *directory, int (*attempt)(void))
{
	struct error err = {.text = ""};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY) : -1;

		if (sandbox_close_files(rules, fd, SANDBOX_REQUIRED, &err) == -1 ||
		    sandbox_close_syscalls(rules, SANDBOX_REQUIRED, &err) == -1)
			_exit(99);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int
verdict(long result)
{
	return result == -1 ? REFUSED : HOLE;
}

static int
nothing(void)
{
	return 0;
}

static int
make_socket(void)
{
	return verdict(socket(AF_INET, SOCK_STREAM, 0));
}

static int
fork_off(void)
{
	return verdict(fork());
}

static int
execute(void)
{
	char *arguments[] = {NULL};

	return verdict(execve("/bin/true", arguments, arguments));
}

static int
kill_parent(void)
{
	return verdict(kill(getppid(), 0));
}

static int
trace_parent(void)
{
	return verdict(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
executable_memory(void)
{
	return verdict(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) == MAP_FAILED
			   ? -1
			   : 0);
}

static int
raise_limit(void)
{
	struct rlimit limit = {1024, 1024};

	return verdict(setrlimit(RLIMIT_NPROC, &limit));
}

static int
open_passwd(void)
{
	return verdict(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
open_own(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/new", own);
	return verdict(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int
open_other(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/secret", other);
	return verdict(open(path, O_RDONLY | O_CLOEXEC));
}

static int
open_other_around(void)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/../%s/secret", own, strrchr(other, '/') + 1);
	return verdict(open(path, O_RDONLY | O_CLOEXEC));
}

static void
a_quiet_process_lives(void **state)
{
	(void)state;
	assert_int_equal(inside(&no_files, NULL, nothing), 0);
	assert_int_equal(inside(&own_files, own, nothing), 0);
}

static void
unlisted_calls_kill(void **state)
{
	(void)state;
	assert_int_equal(inside(&no_files, NULL, make_socket), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, fork_off), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, execute), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, kill_parent), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, trace_parent), -SIGSYS);
	if (sanitized)
		return;
	assert_int_equal(inside(&no_files, NULL, executable_memory), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, raise_limit), -SIGSYS);
	assert_int_equal(inside(&no_files, NULL, open_passwd), -SIGSYS);
}

static void
only_the_own_directory_opens(void **state)
{
	(void)state;
	assert_int_equal(inside(&own_files, own, open_own), HOLE);
	assert_int_equal(inside(&own_files, own, open_passwd), REFUSED);
	assert_int_equal(inside(&own_files, own, open_other), REFUSED);
	assert_int_equal(inside(&own_files, own, open_other_around), REFUSED);
	assert_int_equal(inside(&read_files, other, open_other), HOLE);
	assert_int_equal(inside(&read_files, other, open_own), REFUSED);
}

static int
make_directories(void **state)
{
	char path[128];
	int fd;

	(void)state;
	strlcpy(own, "/tmp/postern-own-XXXXXX", sizeof(own));
	strlcpy(other, "/tmp/postern-other-XXXXXX", sizeof(other));
	if (mkdtemp(own) == NULL || mkdtemp(other) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/secret", other);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	return fd == -1 ? -1 : 0;
}

static int
remove_directories(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/new", own);
	unlink(path);
	snprintf(path, sizeof(path), "%s/secret", other);
	unlink(path);
	return rmdir(own) == 0 && rmdir(other) == 0 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_quiet_process_lives),
	    cmocka_unit_test(unlisted_calls_kill),
	    cmocka_unit_test(only_the_own_directory_opens),
	};

	return cmocka_run_group_tests(tests, make_directories, remove_directories);
}
