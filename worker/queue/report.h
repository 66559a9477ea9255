/* SPDX-License-Identifier: ISC */
/*
 * report - the mail that tells a sender what became of his (RFC 3464, in a multipart/report of RFC
 * 6522; RFC 6533 where there is UTF-8): that it could not be delivered, is late, or has arrived.
 *
 * What it is about is one mail and some of its recipients, which went the same way together. It
 * becomes durable in one transaction with the end of their deliveries (or their next attempt):
 * neither a crash nor a restart sends it twice, or loses the mail without it. It has the null
 * reverse-path, and of what has that nothing is reported (RFC 5321 6.1).
 */
#ifndef POSTERN_WORKER_QUEUE_REPORT_H
#define POSTERN_WORKER_QUEUE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/proto/gate_queue.h"
#include "common/proto/queue_relay.h"
#include "worker/queue/db.h"
#include "worker/queue/reason.h"

struct queue;
struct transaction;

/* RFC 3464 2.3.3 */
enum report_action {
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED, /* into a mailbox here */
	REPORT_RELAYED,   /* to a host that reports no more (RFC 3461 5.2.2) */
	REPORT_ACTIONS,
	REPORT_NONE = REPORT_ACTIONS,
};

struct report_recipient {
	uint32_t index;
	uint32_t attempts;    /* that failed */
	int64_t next_attempt; /* REPORT_DELAYED: microseconds since the epoch */
	bool expired;         /* REPORT_FAILED: it was tried long enough */
	bool unreached;       /* REPORT_DELAYED: no host of its domain could be connected to */
	bool said;            /* by the host, in a reply with this code; else they are our words */
	unsigned code;
	char path[PATH_SIZE];
	char orcpt[ORCPT_SIZE];           /* "": none */
	char host[HOST_NAME_SIZE];        /* who was asked; "": none */
	char status[RELAY_STATUS_SIZE];   /* RFC 3463 */
	char enhanced[RELAY_STATUS_SIZE]; /* the one that the host said; "": none */
	char text[REASON_MAX];            /* printable ASCII */
	char why[QUEUE_REASON_SIZE];      /* for the log and the database */
};

/* Hangs at its transaction, from report_send() on. */
struct report {
	struct queue *queue;
	uint64_t message;
	enum report_action action;
	bool left_file; /* its message has gone, and left the body */
	size_t count, max;
	char mailbox[ADDRESS_SIZE]; /* the deliveries' */
	flow_id flow;               /* of those that were put off; -1: there is none */
	struct report_recipient recipients[];
};

/* An empty one for at most MAX recipients of the message. NULL without memory. */
struct report *report_new(struct queue *, uint64_t message, enum report_action, const char *mailbox,
			  size_t max);
/* One more, all zero, to be filled; there is room. Its delivery is over with the report. */
struct report_recipient *report_add(struct report *);
/*
 * Sends it, with at least one recipient; it is taken. If that is not possible now, what failed or
 * is late is put off, and what has arrived has arrived without one. The same if its message has the
 * null reverse-path, or is junk of nobody who has logged in, whose sender may be forged; but what
 * failed is dropped then, with a line in the log, or held where no mail leaves.
 */
void report_send(struct report *);

/* One is on its way to the disk for this delivery. */
bool report_is_under_way(const struct queue *, uint64_t message, uint32_t index);

/* -- For the batch and its transactions ------------------------------------------------- */

/* Ends the deliveries or puts them off, within the batch's transaction; what has become due
 * meanwhile until POSITION. */
enum db_status report_write(struct db *, struct report *, int64_t position);
/* That is durable. */
void report_written(const struct transaction *);
/* It is not; if the sender does not exist, what failed is dropped, or held where no mail leaves. */
void report_lost(const struct transaction *, enum queue_failure);

/* -- Pure functions (report_text.c, report_parts.c) ---------------------------------------- */

#define REPORT_HEADER_MAX 32768  /* octets of a message's header that come along */
#define REPORT_CONTENT_MAX 65536 /* a message up to so large comes along whole (RET=FULL) */

struct report_facts {
	const char *hostname;
	time_t now;
	int64_t received;                         /* seconds since the epoch */
	uint32_t expire;                          /* seconds from then on until it fails */
	const char *sender;                       /* whom it is for */
	const struct mail_parameters *parameters; /* of the message */
	const struct report *report;
	const char *content; /* the message, from its start */
	size_t length;       /* of it, as far as it is there */
	bool whole;          /* all of it */
};

/* The whole mail, malloc'd, and what RFC 6152 calls its body; NULL without memory. */
char *report_text(const struct report_facts *, size_t *length, enum body_type *);

/* How much of a message a report has: REPORT_CONTENT_MAX at most. */
size_t report_content_size(const struct mail_parameters *, enum report_action, uint64_t size);

#endif
