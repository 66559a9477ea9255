/* SPDX-License-Identifier: ISC */
/*
 * body - a message as it goes out: read piece by piece, dot-stuffed behind DATA (RFC 5321 4.5.2),
 * as it is behind BDAT (RFC 3030).
 */
#ifndef POSTERN_WORKER_RELAY_BODY_H
#define POSTERN_WORKER_RELAY_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/dot_stuff.h"
#include "common/mime/seven_bit.h"

struct evbuffer;

struct body {
	int fd;                      /* stays the caller's */
	uint64_t size;               /* octets of the message */
	uint64_t offset;             /* of them, that have been read */
	bool whole;                  /* all of them, and the final dot */
	bool plain;                  /* as it is, without a final dot */
	const char *prefix;          /* what comes before it, NULL: nothing (more) */
	struct seven_bit *converted; /* read from there instead; NULL: as it is */
	struct dot_stuffer stuffer;
};

/* The message of SIZE octets that FD has, from its start; PLAIN: for BDAT. */
void body_start(struct body *, int fd, uint64_t size, bool plain);
/* The message that a conversion makes of it (which stays the caller's). */
void body_start_converted(struct body *, int fd, struct seven_bit *);
/* Behind either: lines that come before it (and stay the caller's). */
void body_put_before(struct body *, const char *prefix);
/* As much of it into OUT as waits there at a time; with the last of it the final dot, and then it
 * is whole. -1 if it can't be read. */
int body_fill(struct body *, struct evbuffer *out);

/* What the octets of a message need of who carries it. */
struct body_facts {
	bool eight_bit;   /* above 127: 8BITMIME (RFC 6152) */
	bool wide_header; /* above 127 in the header: SMTPUTF8, if its sender said so (RFC 6532) */
	bool binary; /* a bare CR or LF, or a NUL: DATA would not carry it, or as another (RFC 3030)
		      */
};
void body_look(int fd, struct body_facts *);
/* Whether it has passed more servers than any honest one does (RFC 5321 6.3). */
bool body_goes_in_circles(int fd);
/* Whether it is to go whatever the domain publishes about TLS (RFC 8689 3). */
bool body_tls_is_optional(int fd);
/* Whether it has been led on from ADDRESS before. */
bool body_has_been(int fd, const char *address);

#endif
