/* SPDX-License-Identifier: ISC */
/*
 * accounts_store - accounts.conf on disk: read, checked, and replaced as a whole. Whoever reads it
 * meanwhile sees the old file or the new one; after a crash too.
 */
#ifndef POSTERN_CTL_ACCOUNTS_STORE_H
#define POSTERN_CTL_ACCOUNTS_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/accounts_file.h"
#include "common/error.h"

struct accounts_store {
	char path[PATH_MAX]; /* with symbolic links followed */
	int folder;          /* locked, if asked for; or -1 */
	char *text;          /* "" if there is no file */
	size_t size;         /* of the block behind text */
	bool exists;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct accounts *accounts;
};

/*
 * Reads and parses PATH; a file that is not there is an empty one. LOCK: keeps others that lock
 * away until store_close() (waits for them). Returns 0, or -1 with ERR filled; store_close() is
 * due either way.
 */
int store_open(struct accounts_store *, const char *path, bool lock, struct error *);
void store_close(struct accounts_store *);

/* Puts TEXT in place of the file: temporary file, fsync, rename, fsync of the folder. 0, or -1. */
int store_replace(struct accounts_store *, const char *text, struct error *);

#endif
