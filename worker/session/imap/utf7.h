/* SPDX-License-Identifier: ISC */
/* utf7 - modified UTF-7 (RFC 3501 5.1.3; parse.h) and UTF-8. Pure. */
#ifndef POSTERN_WORKER_SESSION_IMAP_UTF7_H
#define POSTERN_WORKER_SESSION_IMAP_UTF7_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads one character; returns its octets, 0 if it is none: overlong, a surrogate, beyond U+10FFFF,
 * cut (RFC 3629 4).
 */
size_t imap_utf8_next(const char *bytes, size_t length, uint32_t *character);
bool imap_is_utf8(const char *bytes, size_t length);

#endif
