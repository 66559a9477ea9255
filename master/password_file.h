/* SPDX-License-Identifier: ISC */
/* password_file - a password for another server, in a file that nobody else can read. */
#ifndef POSTERN_MASTER_PASSWORD_FILE_H
#define POSTERN_MASTER_PASSWORD_FILE_H

#include <stddef.h>

#include "common/error.h"

/*
 * Reads the file's one line and writes it to OUT as saslprep() makes it; whoever holds it wipes it.
 * 0, or -1 with ERR filled and OUT "": the file is not root's (or ours), somebody else may read it,
 * or there is no password in it. ERR never has any of its content.
 */
int password_file_read(const char *path, char *out, size_t size, struct error *err);

#endif
