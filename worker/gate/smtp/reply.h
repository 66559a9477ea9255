/* SPDX-License-Identifier: ISC */
/* reply - the text of one reply line (RFC 5321 4.2), for functions that do no output themselves. */
#ifndef POSTERN_WORKER_GATE_SMTP_REPLY_H
#define POSTERN_WORKER_GATE_SMTP_REPLY_H

#include <stddef.h>

#define SMTP_REPLY_SIZE 511 /* RFC 5321 4.5.3.1.5: 512 octets with CRLF; here with NUL instead */
#define SMTP_QUOTE_SIZE 68  /* of what a client said, at most so much is said back to it */

/* "501 5.5.4 ...": without CRLF. */
struct smtp_reply {
	char text[SMTP_REPLY_SIZE];
};

/* Sets the text, cut where it is too long. Returns -1, so that a parser can return it. */
int smtp_reply_set(struct smtp_reply *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Makes a client's bytes fit to stand in a reply: others than printable ASCII become "?", more than
 * SMTP_QUOTE_SIZE - 1 are cut and end with "...". Returns OUT.
 */
const char *smtp_quote(const char *bytes, size_t length, char out[SMTP_QUOTE_SIZE]);

#endif
