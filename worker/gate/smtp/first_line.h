/* SPDX-License-Identifier: ISC */
/*
 * first_line - whether a stranger's message begins with a header. One that does not gets an empty
 * line in front: its text would be taken for more of our own Received field, if it begins with a
 * blank (RFC 5322 2.2.3), or else for a header that no mail program shows. Pure: bytes in, bytes
 * out.
 */
#ifndef POSTERN_WORKER_GATE_SMTP_FIRST_LINE_H
#define POSTERN_WORKER_GATE_SMTP_FIRST_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a field's name with the blanks behind it: what is longer is no field. */
#define FIRST_LINE_MAX 256

typedef void first_line_out_fn(void *arg, const char *bytes, size_t length);

/* All zero at first. */
struct first_line {
	bool over;   /* it is known: what comes passes */
	bool blanks; /* behind the name, before the colon (RFC 5322 4.5.8) */
	size_t held;
	char name[FIRST_LINE_MAX];
};

/* The next LENGTH > 0 octets of the message. What is to be kept is handed out once it is known. */
void first_line_next(struct first_line *, const char *bytes, size_t length, first_line_out_fn *,
		     void *arg);

/* The message is over. */
void first_line_end(struct first_line *, first_line_out_fn *, void *arg);

#endif
