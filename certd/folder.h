/* SPDX-License-Identifier: ISC */
/*
 * folder - puts NAME.key, NAME.csr and NAME.crt into the certs folder: all three or none, whoever
 * is killed and whenever.
 *
 * Each is written to a hidden temporary name (".NAME.key.new": no NAME starts with a dot) and
 * fsync'd, then the folder is. Only then are they renamed, the key first: that one rename is the
 * commit. So after a crash
 *
 *   no NAME.key, but temporary files   nothing was promised: they are removed
 *   NAME.key and temporary files       committed: the renames are completed
 *
 * and folder_recover() never has to remove or replace a file with a final name, which could be one
 * the administrator put there. An error after the commit undoes the renames in reverse, the key
 * last, and so is always in one of those two states as well.
 *
 * A lock on the folder (flock(2)) keeps a certd that recovers away from one that writes, should two
 * be at it: the server's, and one that posternctl started.
 */
#ifndef POSTERN_CERTD_FOLDER_H
#define POSTERN_CERTD_FOLDER_H

#include <stddef.h>

#include "common/error.h"

enum folder_part { PART_KEY, PART_CSR, PART_CRT, PART_COUNT };

/* What is in each file: PEM. */
struct folder_set {
	struct {
		const void *bytes;
		size_t length;
	} part[PART_COUNT];
};

/* Is any of NAME's three files there? 1, 0, or -1 with ERR filled. */
int folder_exists(int directory, const char *name, struct error *);

/* Writes the set, durably. Returns 0, or -1 with ERR filled: then none is there. */
int folder_commit(int directory, const char *name, const struct folder_set *, struct error *);

/* Completes or removes what a crash left behind. Returns 0, or -1 with ERR filled. */
int folder_recover(int directory, struct error *);

/*
 * For the tests: called before each step of a commit and of its undoing. Returns 0 to go on, EIO to
 * make the step fail with it, or FOLDER_KILLED to stop dead there, as SIGKILL would.
 */
#define FOLDER_KILLED (-1)
extern int (*folder_hook)(void);

#endif
