/* SPDX-License-Identifier: ISC */
/*
 * reply - what a mail server answers, as a pure function over octets (RFC 5321 4.2, enhanced status
 * codes of RFC 2034 and 3463).
 *
 * The octets come in pieces of any size from somebody who may wish us ill: a line of any length
 * costs no more memory than one of the usual length, and a reply that does not end is an error.
 */
#ifndef POSTERN_WORKER_RELAY_REPLY_H
#define POSTERN_WORKER_RELAY_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINE_SIZE 513     /* RFC 5321 4.5.3.1.5: 512 octets; what is longer is cut */
#define REPLY_TEXT_SIZE 257     /* of what a person is told of a reply */
#define REPLY_OCTETS_MAX 131072 /* of one reply with all its lines */
#define REPLY_LINES_MAX 256
#define REPLY_STATUS_SIZE 10 /* "5.123.123" */

struct reply {
	unsigned code;                  /* 200..559 */
	char status[REPLY_STATUS_SIZE]; /* "5.1.1", or "" where the server says none */
	char text[REPLY_TEXT_SIZE];     /* of all lines, printable ASCII, without code and status */
	bool said;                      /* by the server; else it is our own */
};

enum reply_result {
	REPLY_MORE, /* all octets are used, and the reply goes on */
	REPLY_LINE, /* a line that is not the last: parser->line has its text */
	REPLY_END,  /* the last line: parser->line has its text, parser->reply is complete */
	REPLY_BAD,  /* it is no reply; nothing more can be expected of this server */
};

struct reply_parser {
	struct reply reply;
	char line[REPLY_LINE_SIZE]; /* the text behind the code, printable ASCII */
	size_t column;              /* octets of the line that have come, its end not counted */
	size_t length;              /* octets in `line` */
	size_t octets;              /* of the reply */
	unsigned lines;
	unsigned code; /* of the line */
	bool more;     /* the line says that others follow */
	bool cr;       /* a CR has come that may belong to the line's end */
	bool done;     /* a line is complete: the next octet begins another */
	bool last;     /* and it was the reply's last */
};

void reply_start(struct reply_parser *);

/* *USED of LENGTH octets are used when this returns; call it again with the rest. */
enum reply_result reply_feed(struct reply_parser *, const char *data, size_t length, size_t *used);

#endif
