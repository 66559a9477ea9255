/* SPDX-License-Identifier: ISC */
/*
 * sqlite_dir - SQLite databases in the current directory, for a process that may reach nothing
 * else.
 *
 * The stock VFS makes every name absolute, and so needs search permission on all parents; a
 * process that was handed a directory descriptor and did fchdir() to it has none. Here names stay
 * as they are, relative to the current directory. SQLite is set up for what all our databases are:
 * used by one thread of one process, durable at every commit, small in memory.
 */
#ifndef POSTERN_COMMON_SQLITE_DIR_H
#define POSTERN_COMMON_SQLITE_DIR_H

#include <sqlite3.h>

#include "common/error.h"

/*
 * System calls that SQLite makes beyond sandbox_base, for a role's list. The files it touches are
 * NAME, NAME-wal and NAME-journal: SANDBOX_READ_WRITE on the directory. No shared memory file.
 */
#define SQLITE_DIR_SYSCALLS                                                                        \
	"openat", "close", "fstat", "newfstatat", "lstat", "stat", "access", "faccessat", "fcntl", \
	    "pread64", "pwrite64", "lseek", "read", "write", "ftruncate", "fsync", "fdatasync",    \
	    "unlink", "unlinkat", "geteuid", "getpid", "fchmod", "fchown", "umask",                \
	    "clock_nanosleep"

/*
 * Opens (or creates, mode 0600) the database NAME, a file name without a slash, in the current
 * directory: journal in WAL mode, synchronous=FULL (a commit is on disk when it returns),
 * locking_mode=EXCLUSIVE (a second process gets SQLITE_BUSY: one writer, and no shared memory
 * file), foreign keys on, schema untrusted, temporary data in memory, no mapping of the file.
 * Where the file system is read-only the database is opened for reading alone: see
 * sqlite3_db_readonly(). CACHE_KIB bounds the page cache. Waits up to 5 seconds for a predecessor
 * to let go. The first call configures SQLite for the whole process; use no SQLite before it.
 *
 * Returns 0, or -1 with ERR filled, *DB NULL and *CODE SQLite's (extended) result code:
 * SQLITE_CORRUPT and SQLITE_NOTADB say that the file is damaged. CODE may be NULL.
 */
int sqlite_dir_open(const char *name, unsigned cache_kib, sqlite3 **db, int *code, struct error *);

/* Fills ERR with "WHAT: " and SQLite's words for the last failure on DB. Returns -1. */
int sqlite_dir_error(sqlite3 *db, const char *what, struct error *);

/*
 * Brings to disk what transactions with synchronous=NORMAL have left in the WAL. SQLITE_OK, or an
 * extended result code with errno set.
 */
int sqlite_dir_sync(sqlite3 *db);

/* Runs SQL statements that return nothing. 0, or -1 with ERR filled. */
int sqlite_dir_exec(sqlite3 *db, const char *sql, struct error *);

#endif
