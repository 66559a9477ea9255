/* SPDX-License-Identifier: ISC */
/* password - a new password from whoever runs posternctl, and its hash. */
#ifndef POSTERN_CTL_PASSWORD_H
#define POSTERN_CTL_PASSWORD_H

#include <crypt.h>
#include <stddef.h>

#include "common/error.h"

/*
 * From a terminal: prompts twice, without echo. Else: the first line of standard input, without its
 * line end. OUT: SIZE bytes, for the caller to wipe. Returns 0, or -1 with ERR filled.
 */
int password_read(const char *address, char *out, size_t size, struct error *);

/* Hashes with yescrypt (crypt(5)) at its default cost. 0, or -1 with ERR filled. */
int password_hash(const char *password, char out[CRYPT_OUTPUT_SIZE], struct error *);

#endif
