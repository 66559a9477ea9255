/* SPDX-License-Identifier: ISC */
/*
 * bounce - the mail that tells a sender that his could not be delivered (RFC 3464, in a
 * multipart/report of RFC 6522).
 *
 * It becomes durable in one transaction with the end of the delivery it is about: neither a crash
 * nor a restart sends it twice, or loses the mail without it. It has the null reverse-path, and
 * what has that is never bounced (RFC 5321 6.1).
 */
#ifndef POSTERN_WORKER_QUEUE_BOUNCE_H
#define POSTERN_WORKER_QUEUE_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/proto/gate_queue.h"
#include "worker/queue/db.h"

struct queue;
struct transaction;

/* The delivery that ends with it; hangs at its transaction. */
struct bounce {
	uint64_t message;
	uint32_t index;
	uint32_t attempts;
	bool left_file; /* its message has gone, and left the body */
	char mailbox[]; /* the delivery's "@domain" */
};

/* Why, for the sender. */
struct bounce_reason {
	const char *path;   /* the recipient */
	const char *host;   /* who refused it; "": this one */
	unsigned code;      /* of its reply, or 0 */
	const char *status; /* RFC 3463 */
	const char *text;
	bool expired; /* it was tried long enough */
};

/*
 * Sends one for the delivery, which is over with it. If that is not possible now, the delivery is
 * put off. A message with the null reverse-path is dropped, with a line in the log.
 */
void bounce_send(struct queue *, const struct bounce *, const struct bounce_reason *);

/* One is on its way to the disk for this delivery. */
bool bounce_is_under_way(const struct queue *, uint64_t message, uint32_t index);

/* -- For the batch and its transactions ------------------------------------------------- */

/* Ends the delivery, within the batch's transaction. */
enum db_status bounce_write(struct db *, struct bounce *);
/* That is durable. */
void bounce_written(struct queue *, const struct transaction *);
/* It is not: the delivery is put off, or dropped if its sender does not exist. */
void bounce_failed(struct transaction *, enum queue_failure);

/* -- A pure function (bounce_text.c) ----------------------------------------------------- */

struct bounce_facts {
	const char *hostname;
	time_t now;
	uint64_t message;
	uint32_t index;
	int64_t received;   /* seconds since the epoch */
	const char *sender; /* whom it is for */
	const struct bounce_reason *reason;
	const char *header; /* the message, from its start */
	size_t header_length;
};

#define BOUNCE_HEADER_MAX 32768 /* octets of the message's header that come along */

/* The whole mail, malloc'd; NULL without memory. */
char *bounce_text(const struct bounce_facts *, size_t *length);

#endif
