/* SPDX-License-Identifier: ISC */
/* report_parts - body parts of a report (RFC 2046 5.1), so that any host can carry them. Pure. */
#ifndef POSTERN_WORKER_QUEUE_REPORT_PARTS_H
#define POSTERN_WORKER_QUEUE_REPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether it is lines of ASCII that RFC 5322 2.1.1 lets through: 998 octets at most, CRLF. */
bool report_is_seven_bit(const char *text, size_t length);
/* Whether it is lines (no bare CR or LF, no NUL, none too long), of any other octets. */
bool report_is_lines(const char *text, size_t length);

/*
 * Writes "--BOUNDARY" and a part of that Content-Type. What is not 7-bit is in quoted-printable
 * (RFC 2045 6.7); RFC 6532 and 6533 allow that for the types of UTF-8.
 */
void report_part(FILE *, const char *boundary, const char *type, const char *text, size_t length);

/* The same as it is, with Content-Transfer-Encoding 8bit where it is not 7-bit. It is lines. */
void report_part_as_is(FILE *, const char *boundary, const char *type, const char *text,
		       size_t length);

#endif
