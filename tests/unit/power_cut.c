/* SPDX-License-Identifier: ISC */
#include "tests/unit/power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTIC "attic" /* where removed files wait, in the current directory's parent's place */

enum kind { CONTENTS, CREATED, RENAMED, REMOVED, FOLDER };

/* Something that is not on disk yet. */
struct record {
	enum kind kind;
	bool done;      /* it is, or was undone */
	int fd;         /* CONTENTS: the file */
	ino_t node;     /* CONTENTS: the file; else: the folder in which the name is */
	off_t old_size; /* CONTENTS */
	off_t offset;
	size_t length;
	char *bytes; /* CONTENTS: what was there */
	char from[64], to[64];
};

static struct record *records;
static size_t record_count, record_room;
static unsigned steps_left;
static enum power_cut how;
static bool armed, refuses;

/* -- The calls themselves ------------------------------------------------------------------ */

static int
raw_rename(const char *from, const char *to)
{
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static ssize_t
raw_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

/* -- The end --------------------------------------------------------------------------------- */

static void
undo(const struct record *record)
{
	switch (record->kind) {
	case CONTENTS:
		if (record->length > 0 &&
		    raw_pwrite(record->fd, record->bytes, record->length, record->offset) == -1)
			abort();
		if (syscall(SYS_ftruncate, record->fd, record->old_size) == -1)
			abort();
		break;
	case CREATED:
		syscall(SYS_unlinkat, AT_FDCWD, record->to, 0);
		break;
	case RENAMED:
	case REMOVED:
		raw_rename(record->to, record->from);
		break;
	case FOLDER:
		syscall(SYS_unlinkat, AT_FDCWD, record->to, AT_REMOVEDIR);
		break;
	}
}

static void
end(void)
{
	armed = false;
	for (size_t i = record_count; i > 0 && how != POWER_CUT_NONE; i--) {
		const struct record *record = &records[i - 1];

		if (record->done || (how == POWER_CUT_CONTENTS && record->kind != CONTENTS) ||
		    (how == POWER_CUT_NAMES && record->kind == CONTENTS))
			continue;
		undo(record);
	}
	syscall(SYS_kill, getpid(), SIGKILL);
}

static void
step(void)
{
	if (armed && --steps_left == 0)
		end();
}

void
power_cut_at(unsigned at, enum power_cut kind)
{
	mkdir(ATTIC, 0700);
	steps_left = at;
	how = kind;
	armed = true;
}

void
power_cut_off(void)
{
	armed = false;
}

void
power_cut_refuse(void)
{
	refuses = true;
}

/* -- What is remembered ------------------------------------------------------------------------ */

static struct record *
remember(enum kind kind, ino_t node)
{
	struct record *record;

	if (record_count == record_room) {
		record_room = record_room * 2 + 64;
		records = reallocarray(records, record_room, sizeof(*records));
		if (records == NULL)
			abort();
	}
	record = &records[record_count++];
	memset(record, 0, sizeof(*record));
	record->kind = kind;
	record->node = node;
	record->fd = -1;
	return record;
}

static ino_t
folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (slash == NULL)
		strlcpy(folder, ".", sizeof(folder));
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return stat(folder, &st) == 0 ? st.st_ino : 0;
}

static void
remember_contents(int fd, off_t offset, size_t length)
{
	struct record *record;
	struct stat st;
	off_t end_offset = offset + (off_t)length;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	record = remember(CONTENTS, st.st_ino);
	record->fd = dup(fd);
	record->old_size = st.st_size;
	record->offset = offset;
	if (end_offset > st.st_size)
		end_offset = st.st_size;
	if (end_offset <= offset)
		return;
	record->length = (size_t)(end_offset - offset);
	record->bytes = malloc(record->length);
	if (record->bytes == NULL ||
	    syscall(SYS_pread64, fd, record->bytes, record->length, offset) != (long)record->length)
		abort();
}

static void
synced(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return;
	for (size_t i = 0; i < record_count; i++)
		if (records[i].node == st.st_ino &&
		    (records[i].kind == CONTENTS) == (S_ISDIR(st.st_mode) == 0))
			records[i].done = true;
}

static int
synced_all(void)
{
	for (size_t i = 0; i < record_count; i++)
		records[i].done = true;
	return 0;
}

/* -- In libc's place -----------------------------------------------------------------------------
 */

ssize_t
write(int fd, const void *bytes, size_t length)
{
	struct stat st;

	if (armed && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		step();
		remember_contents(fd, st.st_size, length); /* they only append */
	}
	return syscall(SYS_write, fd, bytes, length);
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	step();
	if (armed)
		remember_contents(fd, offset, length);
	return raw_pwrite(fd, bytes, length, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
	return pwrite(fd, bytes, length, offset);
}

int
ftruncate(int fd, off_t size)
{
	struct stat st;

	step();
	if (armed && fstat(fd, &st) == 0 && st.st_size > size)
		remember_contents(fd, size, (size_t)(st.st_size - size));
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int
fsync(int fd)
{
	if (refuses) {
		refuses = false;
		errno = EIO;
		return -1;
	}
	step();
	if (armed)
		synced(fd);
	return 0;
}

int
fdatasync(int fd)
{
	return fsync(fd);
}

int
syncfs(int fd)
{
	(void)fd;
	step();
	return armed ? synced_all() : 0;
}

static int
open_any(const char *path, int flags, mode_t mode)
{
	bool made = armed && (flags & O_CREAT) != 0 && access(path, F_OK) == -1;
	int fd;

	if (made)
		step();
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (made && fd != -1)
		strlcpy(remember(CREATED, folder_of(path))->to, path, sizeof(records->to));
	return fd;
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return open_any(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return open_any(path, flags, mode);
}

int
renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	struct record *record;
	int result;

	step();
	result = (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
	if (armed && result == 0) {
		record = remember(RENAMED, folder_of(to));
		strlcpy(record->from, from, sizeof(record->from));
		strlcpy(record->to, to, sizeof(record->to));
	}
	return result;
}

int
unlink(const char *path)
{
	static unsigned number;
	struct record *record;
	char to[64];
	int result;

	step();
	if (!armed)
		return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	snprintf(to, sizeof(to), ATTIC "/%u", number++);
	result = raw_rename(path, to);
	if (result == 0) {
		record = remember(REMOVED, folder_of(path));
		strlcpy(record->from, path, sizeof(record->from));
		strlcpy(record->to, to, sizeof(record->to));
	}
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	int result;

	step();
	result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	if (armed && result == 0)
		strlcpy(remember(FOLDER, folder_of(path))->to, path, sizeof(records->to));
	return result;
}
