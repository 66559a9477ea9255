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
#include "master/conf.h"

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

/*
 * Does what an alias leads to that is neither an account nor an alias of its file reach nobody? Its
 * domain is one of ours, or it is at this host; to the file's reader, which does not know them, it
 * looks like another host's if nobody in the file has it.
 */
bool store_is_nobodys(const struct configuration *, const char *forward);

/*
 * Puts TEXT, which was read as NEW, in place of the file: temporary file, fsync, rename, fsync of
 * the folder. Not if an alias would lead to nobody that does not now. 0, or -1 with ERR filled.
 */
int store_replace(struct accounts_store *, const char *text, const struct accounts *new,
		  const struct configuration *, struct error *);

#endif
