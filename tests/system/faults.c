/* SPDX-License-Identifier: ISC */
/*
 * Faults of the system below a process, for tests: preloaded (faults.py), it reads from a page that
 * it shares with the test how far the wall clock is off, after how many writes to files the disk is
 * full, and which sync of a file fails. The page is mapped before the sandbox closes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* As faults.py has it. */
struct faults {
	int64_t clock_off;   /* seconds */
	int64_t writes_left; /* none: the disk is full */
	int64_t syncs_left;  /* 1: the next one fails, once */
	int64_t failed;      /* how many calls have */
};

static struct faults none = {.writes_left = INT64_MAX, .syncs_left = INT64_MAX};
static struct faults *faults = &none;

#define REAL(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

__attribute__((constructor)) static void
find_page(void)
{
	const char *path = getenv("POSTERN_FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *page;

	if (fd == -1)
		return;
	page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		faults = page;
	close(fd);
}

static int
fail(int number)
{
	__atomic_add_fetch(&faults->failed, 1, __ATOMIC_SEQ_CST);
	errno = number;
	return -1;
}

static int
is_full(void)
{
	return __atomic_sub_fetch(&faults->writes_left, 1, __ATOMIC_SEQ_CST) < 0;
}

/* fstat(3) of today is another system call, which sandboxes forbid. */
static int
is_file(int fd)
{
	struct stat status;

	return syscall(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* -- The disk ---------------------------------------------------------------------------------- */

ssize_t
write(int fd, const void *data, size_t size)
{
	static __typeof__(&write) real;

	if (real == NULL)
		real = REAL(write);
	if (faults->writes_left != INT64_MAX && is_file(fd) && is_full())
		return fail(ENOSPC);
	return real(fd, data, size);
}

#define FILLS(type, function, parameters, arguments)               \
	type function parameters                                   \
	{                                                          \
		static __typeof__(&function) real;                 \
                                                                   \
		if (real == NULL)                                  \
			real = REAL(function);                     \
		if (faults->writes_left != INT64_MAX && is_full()) \
			return fail(ENOSPC);                       \
		return real arguments;                             \
	}

FILLS(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
FILLS(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
FILLS(int, ftruncate, (int fd, off_t size), (fd, size))
FILLS(int, ftruncate64, (int fd, off64_t size), (fd, size))
FILLS(int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
FILLS(int, rename, (const char *from, const char *to), (from, to))
FILLS(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FILLS(int, linkat, (int a, const char *from, int b, const char *to, int flags),
      (a, from, b, to, flags))
FILLS(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))

#define SYNCS(function)                                                                \
	int function(int fd)                                                           \
	{                                                                              \
		static __typeof__(&function) real;                                     \
                                                                                       \
		if (real == NULL)                                                      \
			real = REAL(function);                                         \
		if (faults->syncs_left != INT64_MAX &&                                 \
		    __atomic_sub_fetch(&faults->syncs_left, 1, __ATOMIC_SEQ_CST) == 0) \
			return fail(EIO);                                              \
		return real(fd);                                                       \
	}

SYNCS(fsync)
SYNCS(fdatasync)

#define OPENS(function)                                                                      \
	int function(int folder, const char *path, int flags, ...)                           \
	{                                                                                    \
		static __typeof__(&function) real;                                           \
		va_list arguments;                                                           \
		mode_t mode;                                                                 \
                                                                                             \
		if (real == NULL)                                                            \
			real = REAL(function);                                               \
		va_start(arguments, flags);                                                  \
		mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;               \
		va_end(arguments);                                                           \
		if ((flags & O_CREAT) != 0 && faults->writes_left != INT64_MAX && is_full()) \
			return fail(ENOSPC);                                                 \
		return real(folder, path, flags, mode);                                      \
	}

OPENS(openat)
OPENS(openat64)

/* -- The clock -----------------------------------------------------------------------------------
 */

int
clock_gettime(clockid_t which, struct timespec *now)
{
	static __typeof__(&clock_gettime) real;
	int result;

	if (real == NULL)
		real = REAL(clock_gettime);
	result = real(which, now);
	if (result == 0 && which == CLOCK_REALTIME)
		now->tv_sec += faults->clock_off;
	return result;
}

time_t
time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec real;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &real);
	now->tv_sec = real.tv_sec;
	now->tv_usec = real.tv_nsec / 1000;
	return 0;
}
