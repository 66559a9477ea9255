/* SPDX-License-Identifier: ISC */
/*
 * pop3 - one client in POP3's TRANSACTION state (RFC 1939 5), on a stream of plaintext whose other
 * end is the gate. The login is done; the first line on the stream answers PASS or AUTH.
 *
 * Messages are removed at QUIT, all of those marked or none. A connection that ends in any other
 * way removes nothing.
 */
#ifndef POSTERN_WORKER_SESSION_POP3_POP3_H
#define POSTERN_WORKER_SESSION_POP3_POP3_H

#include "common/log.h"
#include "worker/session/store.h"

struct event_base;
struct pop3;

struct pop3_options {
	conn_id conn;
	const char *mailbox;   /* for the log; outlives the session */
	unsigned idle_timeout; /* seconds without a command or progress of output (RFC 1939 3) */
};

/* The session is over; it is freed when this returns. */
typedef void pop3_closed_fn(struct pop3 *, void *arg);

/*
 * Starts with a "+OK" line. Takes FD, also on failure. NULL with ERR filled: the client has been
 * told, as far as that was possible.
 */
struct pop3 *pop3_start(struct event_base *base, int fd, const struct pop3_options *options,
			struct store *store, pop3_closed_fn *closed, void *arg, struct error *err);

/* Ends it at once, without calling the closed function. NULL is fine. */
void pop3_abort(struct pop3 *, const char *why);

/* Answers a login that can't have the mailbox, and closes FD. */
enum pop3_refusal {
	POP3_IN_USE,    /* RFC 2449 8.1.2: another session has it */
	POP3_TEMPORARY, /* RFC 3206: SYS/TEMP */
	POP3_PERMANENT, /* RFC 3206: SYS/PERM */
};
void pop3_refuse(int fd, enum pop3_refusal);

/* The one that speaks of a store's failure. */
enum pop3_refusal pop3_refusal_for(enum store_result);

#endif
