/* SPDX-License-Identifier: ISC */
/* trusted_file - files that say who may do what: nobody but the administrator may write them. */
#ifndef POSTERN_MASTER_TRUSTED_FILE_H
#define POSTERN_MASTER_TRUSTED_FILE_H

#include "common/error.h"

/*
 * Opens PATH for reading, if it is a regular file that belongs to root or to the master's user and
 * that nobody else can write. Returns the descriptor, the caller's, or -1 with ERR saying what is
 * wrong and how to mend it; PATH is in it.
 */
int trusted_file_open(const char *path, struct error *);

#endif
