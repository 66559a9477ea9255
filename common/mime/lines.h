/* SPDX-License-Identifier: ISC */
/*
 * mime/lines - a message that is not lines of text (BODY=BINARYMIME, RFC 3030) as one that is, so
 * that IMAP and POP3 can show it. Pure.
 *
 * A part whose octets are no lines of RFC 5322 2.1.1 becomes base64 (RFC 2045 6.8): what it decodes
 * to is what it was. Around the parts, where only words for people stand, bare CRs and LFs become
 * line ends and NULs "?"; the same in a part that says that it is encoded, and is not lines.
 */
#ifndef POSTERN_COMMON_MIME_LINES_H
#define POSTERN_COMMON_MIME_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Takes what is written. 0, or -1: no more. */
typedef int mime_lines_fn(const char *bytes, size_t length, void *arg);

/* 0, or -1 without memory, or if PUT said so. */
int mime_to_lines(const char *bytes, size_t length, mime_lines_fn *put, void *arg);

/* Whether it is lines of at most 998 octets that end with CRLF, without NULs; the last may lack it.
 */
bool mime_is_lines(const char *bytes, size_t length);

#endif
