/* SPDX-License-Identifier: ISC */
#ifndef POSTERN_COMMON_WRITE_ALL_H
#define POSTERN_COMMON_WRITE_ALL_H

#include <stddef.h>

/* write(2) until all LENGTH bytes are written. 0, or -1 with errno. For files, not for sockets. */
int write_all(int fd, const void *bytes, size_t length);

#endif
