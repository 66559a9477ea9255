/* SPDX-License-Identifier: ISC */
/*
 * mime/authors - whom a header says a message is from: the addresses of From and Sender (RFC 5322
 * 3.6.2), for a decision on whether they may stand there. Pure.
 *
 * Strict, unlike mime/address, which shows a reader what it can: a header or a field that one mail
 * program could read otherwise than another is a fault, and so is a second From. Taken is the
 * syntax of RFC 5322 3.4 (also with the groups of RFC 6854 and the UTF-8 of RFC 6532), and of what
 * is obsolete or wrong only that in which nobody sees another address: dots, brackets and 8-bit
 * octets in a display-name, empty elements of the list, "a@b <a@b>", where both count.
 */
#ifndef POSTERN_COMMON_MIME_AUTHORS_H
#define POSTERN_COMMON_MIME_AUTHORS_H

#include <stdbool.h>
#include <stddef.h>

enum authors_fault {
	AUTHORS_FINE,
	AUTHORS_STOPPED,    /* EACH said so */
	AUTHORS_MISSING,    /* no From */
	AUTHORS_TWICE,      /* a second From or Sender */
	AUTHORS_BAD_FIELD,  /* From or Sender is not what RFC 5322 says, or has no address in it */
	AUTHORS_BAD_HEADER, /* a line that is no field, a NUL, a CR or LF on its own */
	AUTHORS_CUT,        /* the header is longer than what is there */
};

#define AUTHOR_PART_SIZE 512 /* a local-part or a domain with its NUL: longer is a bad field */
#define AUTHORS_MAX 1000     /* addresses in From and Sender: more are a bad field */

/*
 * One address: LOCAL without its quotes, DOMAIN as it stands there, perhaps with U-labels, "" where
 * there is none. False: enough.
 */
typedef bool author_fn(const char *local, const char *domain, void *arg);

/* BYTES begin with the header; WHOLE: there is nothing behind them. */
enum authors_fault authors_read(const char *bytes, size_t length, bool whole, author_fn *each,
				void *arg);

#endif
