/* SPDX-License-Identifier: ISC */
/* authority_files - the folder certs/authority/ and the files in it, for authority.c. */
#ifndef POSTERN_CERTD_AUTHORITY_FILES_H
#define POSTERN_CERTD_AUTHORITY_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "certd/authority.h"

/*
 * Opens it, checked (owner, mode 0700) and locked until it is closed. Returns a descriptor, or -1
 * with ERR filled; errno is ENOENT only if there is no such folder.
 */
int authority_folder_open(const struct authority_place *, struct error *);

/*
 * Begins a new one, under a hidden name, in place of one that was begun and not ended; returns a
 * descriptor, or -1. authority_folder_end() closes that, and gives it its name if RESULT is 0, else
 * removes it. Returns RESULT, or -1. FILES, ending with NULL, are all that can be in it.
 */
int authority_folder_begin(const struct authority_place *, const char *const *files,
			   struct error *);
int authority_folder_end(const struct authority_place *, const char *const *files, int folder,
			 int result, struct error *);

/* Removes one that was begun and not ended. */
void authority_folder_clean(const struct authority_place *, const char *const *files);

/*
 * Reads a regular file of OWNER or root that nobody else can write. For free(), followed by a NUL
 * that LENGTH does not count; NULL with ERR filled, errno ENOENT only if there is none.
 */
char *authority_file_read(int folder, const char *file, uid_t owner, size_t max, size_t *length,
			  struct error *);

/* Replaces a file as a whole, durably: whoever reads it has the old one or the new one. 0, or -1.
 */
int authority_file_replace(int folder, const char *file, mode_t, const void *bytes, size_t length,
			   struct error *);

#endif
