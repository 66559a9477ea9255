/* SPDX-License-Identifier: ISC */
/* body - a message as it goes out behind DATA: read piece by piece, dot-stuffed (RFC 5321 4.5.2).
 */
#ifndef POSTERN_WORKER_RELAY_BODY_H
#define POSTERN_WORKER_RELAY_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/dot_stuff.h"

struct evbuffer;

struct body {
	int fd;          /* stays the caller's */
	uint64_t size;   /* octets of the message */
	uint64_t offset; /* of them, that have been read */
	bool whole;      /* all of them, and the final dot */
	struct dot_stuffer stuffer;
};

/* The message of SIZE octets that FD has, from its start. */
void body_start(struct body *, int fd, uint64_t size);
/* As much of it into OUT as waits there at a time; with the last of it the final dot, and then it
 * is whole. -1 if it can't be read. */
int body_fill(struct body *, struct evbuffer *out);

/* Whether the message has octets above 127, which need 8BITMIME (RFC 6152). */
bool body_has_eight_bit(int fd);
/* Whether it has passed more servers than any honest one does (RFC 5321 6.3). */
bool body_goes_in_circles(int fd);

#endif
