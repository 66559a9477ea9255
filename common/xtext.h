/* SPDX-License-Identifier: ISC */
/*
 * xtext - the encodings of ENVID and ORCPT in MAIL and RCPT, as pure functions: xtext (RFC 3461 4)
 * and the address type "utf-8" (RFC 6533 3).
 */
#ifndef POSTERN_COMMON_XTEXT_H
#define POSTERN_COMMON_XTEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes all of TEXT into OUT, with a NUL. Only what stands for printable ASCII is taken: the
 * result goes into a header line. Returns its length, or -1: not xtext, or no room in SIZE.
 */
int xtext_decode(const char *text, size_t length, char *out, size_t size);

/* The reverse, of a string. Returns its length, or -1 if there is no room in SIZE. */
int xtext_encode(const char *text, char *out, size_t size);

/*
 * The same for utf-8-addr-xtext and utf-8-addr-unitext: "\x{HEX}" stands for a character. The
 * result is UTF-8 without controls. WIDE: octets above 127 may be there as they are.
 */
int unitext_decode(const char *text, size_t length, bool wide, char *out, size_t size);

/* The reverse, all in ASCII (utf-8-addr-xtext). TEXT is UTF-8. */
int unitext_encode(const char *text, char *out, size_t size);

#endif
