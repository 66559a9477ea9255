/* SPDX-License-Identifier: ISC */
/*
 * http - a response of HTTP/1.1 (RFC 9112) to one GET for a small text, as a pure function over
 * octets that come in pieces of any size.
 *
 * It is as narrow as what asks for it (RFC 8461 3.3): 200 and text/plain, no redirect, no
 * compression, and no more octets than a policy may have. Everything else is an error in words.
 */
#ifndef POSTERN_WORKER_RELAY_HTTP_H
#define POSTERN_WORKER_RELAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX 65536 /* octets */
#define HTTP_HEAD_MAX 32768 /* octets of status line and fields, and of trailers */
#define HTTP_LINE_SIZE 1024 /* what is longer is cut */

enum http_result {
	HTTP_MORE, /* it goes on */
	HTTP_DONE, /* response->body is whole */
	HTTP_BAD,  /* response->why says it; nothing more is to be fed */
};

enum http_state {
	HTTP_STATUS,
	HTTP_FIELDS,
	HTTP_LENGTH,  /* the body, of a length that was told */
	HTTP_TO_END,  /* the body, until the connection ends */
	HTTP_CHUNK,   /* the line with a chunk's size */
	HTTP_DATA,    /* of a chunk */
	HTTP_BEHIND,  /* the line end behind a chunk's data */
	HTTP_TRAILER, /* lines behind the last chunk */
	HTTP_OVER,
	HTTP_FAILED,
	HTTP_STATES
};

struct http_response {
	enum http_state state;
	const char *why; /* after HTTP_BAD */
	unsigned code;
	bool text;     /* Content-Type: text/plain */
	bool chunked;  /* Transfer-Encoding: chunked */
	bool measured; /* Content-Length was there */
	uint64_t left; /* octets of the body or of the chunk */
	size_t head;   /* octets of lines that have come */
	size_t column; /* octets in `line` */
	char line[HTTP_LINE_SIZE];
	size_t length; /* octets in `body` */
	char body[HTTP_BODY_MAX];
};

void http_start(struct http_response *);
enum http_result http_feed(struct http_response *, const char *data, size_t length);
/* The connection has ended; CLEANLY: TLS said so (close_notify), nobody has cut it. */
enum http_result http_end(struct http_response *, bool cleanly);

#endif
