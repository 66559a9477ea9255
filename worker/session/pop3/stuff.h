/* SPDX-License-Identifier: ISC */
/*
 * stuff - a message's octets as a POP3 multi-line response: dot-stuffed (RFC 1939 3), cut for TOP,
 * ended with CRLF and a dot. Pure; the octets come in pieces of any size.
 */
#ifndef POSTERN_WORKER_SESSION_POP3_STUFF_H
#define POSTERN_WORKER_SESSION_POP3_STUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pop3_stuffer {
	bool top;       /* stop after the header, the empty line and `lines` lines */
	uint32_t lines; /* of the body, still to come */
	bool in_body;
	bool in_line;    /* something of the current line has come */
	bool blank_line; /* what has come of it is at most a CR */
	char end[2];     /* the last two octets */
};

/* For RETR. */
void pop3_stuff_start(struct pop3_stuffer *);
/* For TOP msg n (RFC 1939 7). */
void pop3_stuff_start_top(struct pop3_stuffer *, uint32_t lines);

/*
 * Writes to OUT, which has room for twice LENGTH, and returns how much. *ENOUGH is set when TOP
 * wants no more: the rest of the input is not used.
 */
size_t pop3_stuff(struct pop3_stuffer *, const char *in, size_t length, char *out, bool *enough);

/* The end, at most 5 octets: a CRLF if the last line had none, and the dot. */
#define POP3_STUFF_END_MAX 5
size_t pop3_stuff_end(const struct pop3_stuffer *, char out[POP3_STUFF_END_MAX]);

#endif
