/* SPDX-License-Identifier: ISC */
#include "common/sqlite_dir.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VFS_NAME "postern-dir"
#define VFS_READ_ONLY "postern-dir-read-only" /* takes no locks: nobody writes there */
#define NAME_SIZE 64
#define BUSY_MS 5000

/*
 * SQLite opens its files with 0644 by default; what it creates beside a database (the WAL) takes
 * the database's mode. So only the first creation matters, and the umask does it.
 */
#define UMASK_PRIVATE 077

static sqlite3_vfs vfs, vfs_read_only;
static bool configured;

/* The name as it is: relative to the current directory. SQLITE_OPEN_NOFOLLOW works through this. */
static int
dir_full_pathname(sqlite3_vfs *self, const char *name, int size, char *out)
{
	struct stat st;

	(void)self;
	if (strlcpy(out, name, (size_t)size) >= (size_t)size)
		return SQLITE_CANTOPEN;
	if (lstat(name, &st) == 0 && S_ISLNK(st.st_mode))
		return SQLITE_OK_SYMLINK;
	return SQLITE_OK;
}

/* The stock one reads /dev/urandom, which the sandbox denies, and would fall back to the clock. */
static int
dir_randomness(sqlite3_vfs *self, int size, char *out)
{
	(void)self;
	arc4random_buf(out, (size_t)size);
	return size;
}

/* Our variant of a stock VFS. */
static int
derive_vfs(sqlite3_vfs *own, const char *name, const char *stock_name, struct error *err)
{
	const sqlite3_vfs *stock = sqlite3_vfs_find(stock_name);

	if (stock == NULL)
		return error_set(err, "SQLite has no \"%s\" VFS", stock_name);
	*own = *stock;
	own->zName = name;
	own->pNext = NULL;
	own->xFullPathname = dir_full_pathname;
	own->xRandomness = dir_randomness;
	if (sqlite3_vfs_register(own, 0) != SQLITE_OK)
		return error_set(err, "SQLite does not take our VFS");
	return 0;
}

/* Memory: no lookaside (120 KiB a connection), no page cache allocated ahead, no statistics. */
static int
configure(struct error *err)
{
	if (configured)
		return 0;
	if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0) != SQLITE_OK ||
	    sqlite3_initialize() != SQLITE_OK)
		return error_set(err, "SQLite can't be set up");
	if (derive_vfs(&vfs, VFS_NAME, "unix", err) == -1 ||
	    derive_vfs(&vfs_read_only, VFS_READ_ONLY, "unix-none", err) == -1)
		return -1;
	configured = true;
	return 0;
}

int
sqlite_dir_error(sqlite3 *db, const char *what, struct error *err)
{
	int code = sqlite3_errcode(db) & 0xff;
	int number = sqlite3_system_errno(db);

	/* "disk I/O error" alone doesn't say that the disk is full or read-only. */
	if (number != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
		return error_set(err, "%s: %s (%s)", what, sqlite3_errmsg(db), strerror(number));
	return error_set(err, "%s: %s", what, sqlite3_errmsg(db));
}

int
sqlite_dir_exec(sqlite3 *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_dir_error(db, sqlite3_db_filename(db, "main"), err);
	return 0;
}

int
sqlite_dir_sync(sqlite3 *db)
{
	sqlite3_file *wal = NULL;
	int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);

	if (code != SQLITE_OK || wal == NULL || wal->pMethods == NULL)
		return code;
	return wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

/* Asks for WAL and sees that it got it: SQLite says "delete" or "memory" instead of failing. */
static int
switch_to_wal(sqlite3 *db, const char *name, struct error *err)
{
	sqlite3_stmt *stmt;
	bool wal = false;

	if (sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_dir_error(db, name, err);
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite_dir_error(db, name, err);
		sqlite3_finalize(stmt);
		return -1;
	}
	wal = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
	sqlite3_finalize(stmt);
	if (!wal)
		return error_set(err, "%s: not in WAL mode", name);
	return 0;
}

static int
set_up(sqlite3 *db, const char *name, unsigned cache_kib, bool read_only, struct error *err)
{
	char sql[256];

	sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* EXCLUSIVE comes before the first access in WAL mode: then there is no -shm file. */
	snprintf(sql, sizeof(sql),
		 "PRAGMA locking_mode=EXCLUSIVE;"
		 "PRAGMA temp_store=MEMORY;"
		 "PRAGMA mmap_size=0;"
		 "PRAGMA cache_size=-%u;"
		 "PRAGMA foreign_keys=ON;"
		 "PRAGMA synchronous=FULL;"
		 "PRAGMA journal_size_limit=1048576;",
		 cache_kib);
	if (sqlite_dir_exec(db, sql, err) == -1)
		return -1;
	return read_only ? 0 : switch_to_wal(db, name, err);
}

static int
open_with(const char *name, int flags, unsigned cache_kib, sqlite3 **db, int *code,
	  struct error *err)
{
	bool read_only = (flags & SQLITE_OPEN_READONLY) != 0;
	mode_t mask = umask(UMASK_PRIVATE);
	int rc;

	rc = sqlite3_open_v2(name, db,
			     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
				 SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
			     read_only ? VFS_READ_ONLY : VFS_NAME);
	if (*db == NULL)
		error_set(err, "%s: out of memory", name);
	else if (rc != SQLITE_OK)
		sqlite_dir_error(*db, name, err);
	else if (set_up(*db, name, cache_kib, read_only, err) == -1 &&
		 (rc = sqlite3_extended_errcode(*db)) == SQLITE_OK)
		rc = SQLITE_CANTOPEN; /* our refusal, not SQLite's */
	umask(mask);
	if (rc == SQLITE_OK)
		return 0;
	*code = rc;
	sqlite3_close(*db);
	*db = NULL;
	return -1;
}

/*
 * On a read-only file system SQLite opens the database but can't make the WAL file it wants beside
 * it. Without one there is nothing to take into account, and the file can be read as it is
 * (immutable); a WAL that is there holds commits, and is read by SQLite's usual way.
 */
static int
open_read_only(const char *name, unsigned cache_kib, sqlite3 **db, int *code, struct error *err)
{
	char uri[NAME_SIZE + 32];
	struct stat st;

	snprintf(uri, sizeof(uri), "%s-wal", name);
	if (stat(uri, &st) == 0 && st.st_size > 0)
		snprintf(uri, sizeof(uri), "file:%s", name);
	else
		snprintf(uri, sizeof(uri), "file:%s?immutable=1", name);
	return open_with(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, cache_kib, db, code, err);
}

int
sqlite_dir_open(const char *name, unsigned cache_kib, sqlite3 **db, int *code, struct error *err)
{
	int unused;

	*db = NULL;
	if (code == NULL)
		code = &unused;
	*code = SQLITE_CANTOPEN;
	if (strlen(name) >= NAME_SIZE || strchr(name, '/') != NULL)
		return error_set(err, "%s: not a database's name", name);
	if (configure(err) == -1)
		return -1;
	if (access(name, W_OK) == -1 && errno == EROFS)
		return open_read_only(name, cache_kib, db, code, err);
	return open_with(name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, cache_kib, db, code,
			 err);
}
