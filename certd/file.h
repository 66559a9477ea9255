/* SPDX-License-Identifier: ISC */
/*
 * file - reads files of the certs folder, after making sure that they are what they should be.
 */
#ifndef POSTERN_CERTD_FILE_H
#define POSTERN_CERTD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

#define FILE_MAX 65536 /* bytes; a key or a chain is far smaller */

/* A file's bytes, in the secure heap. */
struct contents {
	char *bytes; /* LENGTH of them and a NUL */
	size_t length;
};

/* Wipes it. Also good for one that is all zero. */
void contents_free(struct contents *);

enum file_kind {
	FILE_KEY,    /* owner's alone: owned by OWNER, mode 0600 or less */
	FILE_PUBLIC, /* owned by OWNER or root, written by nobody else */
};

/*
 * Reads FILE below DIRECTORY: a regular file (no symbolic link, no second name), of the right owner
 * and mode, not empty, FILE_MAX bytes at most. Returns 0, or -1 with ERR: what, and what to do;
 * errno is ENOENT only if there is no such file.
 */
int file_read(int directory, const char *file, enum file_kind, uid_t owner, struct contents *,
	      struct error *);

/* Writes a new file (there is none of the name), durably. 0, or -1 with errno. */
int file_write_new(int directory, const char *file, mode_t mode, const void *bytes, size_t length);

/* Waits for the lock (flock(2)) on FD, which goes when FD does. 0, or -1 with errno. */
int file_lock(int fd);

/* Checks the certs folder itself: a directory of OWNER that nobody else can enter. */
int file_check_folder(int directory, uid_t owner, struct error *);

#endif
