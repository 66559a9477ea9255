/* SPDX-License-Identifier: ISC */
/* What engine.c (input, output, time) and commands.c (what each command does) share. */
#ifndef POSTERN_WORKER_SESSION_POP3_POP3_PRIVATE_H
#define POSTERN_WORKER_SESSION_POP3_POP3_PRIVATE_H

#include <event2/buffer.h>

#include "common/dot_stuff.h"
#include "worker/session/pop3/command.h"
#include "worker/session/pop3/maildrop.h"
#include "worker/session/pop3/pop3.h"

enum pop3_state {
	POP3_TRANSACTION,
	POP3_CLOSING, /* what is queued goes out, then the stream is closed */
};

/* A multi-line response that is made piece by piece, as the client takes it. */
enum pop3_producer {
	POP3_PRODUCE_NOTHING,
	POP3_PRODUCE_SCAN_LISTING, /* LIST */
	POP3_PRODUCE_UNIQUE_IDS,   /* UIDL */
	POP3_PRODUCE_MESSAGE,      /* RETR, TOP */
};

#define POP3_PIECE 8192 /* octets read from a message at a time */

/* Only while a message is being sent. */
struct pop3_sending {
	struct store_body *body;
	uint64_t offset;
	uint64_t size; /* what the index says: less is a damaged file */
	struct dot_stuffer stuffer;
	char in[POP3_PIECE];
	char out[2 * POP3_PIECE];
};

struct pop3 {
	struct pop3_options options;
	struct event_base *base;
	struct event *readable, *writable, *idle;
	struct evbuffer *out;
	int fd;
	pop3_closed_fn *closed;
	void *arg;

	enum pop3_state state;
	const char *why; /* of the end, for the log */
	bool broken;     /* nothing more can be said to the client */
	bool skipping;   /* inside a line that was too long */
	unsigned errors;
	size_t in_length;
	char in[4 * POP3_LINE_MAX]; /* a few commands, pipelined */

	struct maildrop drop;
	enum pop3_producer producer;
	size_t next; /* message index, for the listings */
	struct pop3_sending *sending;

	uint32_t retrieved; /* for the log */
	uint32_t removed;
	uint64_t sent;
};

/* Queues one line and its CRLF, 512 octets at most (RFC 2449 4). */
void pop3_say(struct pop3 *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* No more input; what is queued is sent, then the connection closed. */
void pop3_finish(struct pop3 *, const char *why);

/* Executes a command: queues its answer, or sets a producer. */
void pop3_execute(struct pop3 *, const struct pop3_command *);

/* Makes the next piece of a multi-line response. */
void pop3_produce(struct pop3 *);

/* Ends a message that was being sent. */
void pop3_stop_sending(struct pop3 *);

#endif
