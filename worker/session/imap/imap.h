/* SPDX-License-Identifier: ISC */
/*
 * imap - an IMAP session behind the login (RFC 9051 and RFC 3501), over a stream of plaintext that
 * the gate pumps. One of many on the same mailbox, in one process.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_IMAP_H
#define POSTERN_WORKER_SESSION_IMAP_IMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/log.h"
#include "common/proto/master_session.h"
#include "worker/session/store.h"

struct event_base;
struct imap;

/* What all sessions of a mailbox share. */
struct imap_budget {
	uint32_t command_seconds; /* of CPU time, a command; 0: no limit */
	uint64_t memory;          /* octets that their commands and answers may need; 0: no limit */
	uint64_t used;            /* of them; the sessions keep it */
};

struct imap_options {
	conn_id conn;
	const char *mailbox;        /* whose it is, for the log; outlives the session */
	uint32_t idle_timeout;      /* seconds without input, also in IDLE; 0: for ever */
	struct imap_budget *budget; /* outlives the session */
	void (*worked)(void);       /* called each time that the session has worked */
	bool administrator;         /* posternctl: there is no login, and some commands more */
};

/* The session has ended by itself; it is freed after this returns. */
typedef void imap_closed_fn(struct imap *, void *arg);

/*
 * Starts a session on FD (taken, also on failure). The stream's first line is the tag of the
 * command that logged in, and is answered; an administrator is greeted instead (PREAUTH). NULL with
 * ERR filled: no memory; the client has been told.
 */
struct imap *imap_start(struct event_base *base, int fd, const struct imap_options *options,
			struct store *store, imap_closed_fn *closed, void *arg, struct error *err);

/*
 * A connection that waits in IDLE and has nothing else going on can be left to another process.
 * True: PARKED is filled, and the session goes on with imap_leave() or as if nothing had been
 * asked.
 */
bool imap_can_park(const struct imap *, struct ms_parked *parked);
/* Frees it; the descriptor stays open and is returned. CLOSED is not called. */
int imap_leave(struct imap *);
/*
 * Takes up what another process has left, as imap_start() does. NULL with ERR filled: it can't be
 * taken up, and FD was closed.
 */
struct imap *imap_resume(struct event_base *base, int fd, const struct imap_options *options,
			 struct store *store, const struct ms_parked *parked,
			 imap_closed_fn *closed, void *arg, struct error *err);

/* Ends it at once, with an untagged BYE if the client takes it; CLOSED is not called. */
void imap_abort(struct imap *, const char *why);

/* Tells a client that the mailbox can't be opened (RFC 5530 UNAVAILABLE), and closes FD. */
void imap_refuse(int fd, const char *why);

#endif
