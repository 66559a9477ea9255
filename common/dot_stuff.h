/* SPDX-License-Identifier: ISC */
/*
 * dot_stuff - a message's octets as SMTP's DATA (RFC 5321 4.5.2) and POP3's multi-line responses
 * (RFC 1939 3) carry them: dot-stuffed, cut for TOP, ended with CRLF and a dot. Pure; the octets
 * come in pieces of any size.
 */
#ifndef POSTERN_COMMON_DOT_STUFF_H
#define POSTERN_COMMON_DOT_STUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dot_stuffer {
	bool top;       /* stop after the header, the empty line and `lines` lines */
	uint32_t lines; /* of the body, still to come */
	bool in_body;
	bool in_line;    /* something of the current line has come */
	bool blank_line; /* what has come of it is at most a CR */
	char end[2];     /* the last two octets */
};

/* For a whole message: DATA, RETR. */
void dot_stuff_start(struct dot_stuffer *);
/* For TOP msg n (RFC 1939 7). */
void dot_stuff_start_top(struct dot_stuffer *, uint32_t lines);

/*
 * Writes to OUT, which has room for twice LENGTH, and returns how much. *ENOUGH is set when TOP
 * wants no more: the rest of the input is not used.
 */
size_t dot_stuff(struct dot_stuffer *, const char *in, size_t length, char *out, bool *enough);

/* The end, at most 5 octets: a CRLF if the last line had none, and the dot. */
#define DOT_STUFF_END_MAX 5
size_t dot_stuff_end(const struct dot_stuffer *, char out[DOT_STUFF_END_MAX]);

#endif
