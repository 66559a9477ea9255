/* SPDX-License-Identifier: ISC */
/* secret_line - a password or a pass phrase from a file. */
#ifndef POSTERN_CTL_SECRET_LINE_H
#define POSTERN_CTL_SECRET_LINE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads up to the end of the line or of the file, byte for byte: no buffer of stdio keeps a copy,
 * and what follows is left unread. OUT of SIZE bytes gets the line without its end (LF or CRLF),
 * and a NUL. Returns its length, NUL bytes in it counted, or -1 with errno: EMSGSIZE if it has more
 * than SIZE - 1 bytes, of which OUT then has the first. OUT is the caller's to wipe, always.
 */
ssize_t secret_line(int fd, char *out, size_t size);

#endif
