/* SPDX-License-Identifier: ISC */
/* trusted_file - files that say who may do what: nobody but the administrator may write them. */
#ifndef POSTERN_MASTER_TRUSTED_FILE_H
#define POSTERN_MASTER_TRUSTED_FILE_H

#include <sys/types.h>

#include "common/error.h"

/* For files that nobody but the administrator may own. */
#define TRUST_NOBODY_ELSE ((uid_t)-1)

/*
 * Opens PATH for reading, if it is a regular file that belongs to root, to the master's user or to
 * ALSO, and that nobody else can write; in a folder of ALSO's, only if it is ALSO's and no link.
 * Returns the descriptor, the caller's, or -1 with ERR saying what is wrong and how to mend it;
 * PATH is in it.
 */
int trusted_file_open(const char *path, uid_t also, struct error *);

#endif
