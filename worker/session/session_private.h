/* SPDX-License-Identifier: ISC */
/* What the files of the session role share: one process is one mailbox. */
#ifndef POSTERN_WORKER_SESSION_SESSION_PRIVATE_H
#define POSTERN_WORKER_SESSION_SESSION_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/proto/master_session.h"
#include "worker/roles.h"
#include "worker/session/deliver.h"
#include "worker/session/imap/imap.h"
#include "worker/session/indexing.h"
#include "worker/session/store.h"

#define IMAPS_A_USER 64
#define IMAPS_MAX (IMAPS_A_USER + 1) /* the last is posternctl's */

struct pop3;

struct session {
	struct child *child;
	struct ms_settings settings;
	struct ms_limits limits;
	struct ms_tags tags;
	struct store *store; /* NULL: not open, or it could not be opened */
	struct deliver *deliver;
	struct pop3 *pop3; /* one POP3 session a mailbox (RFC 1939 4) */
	struct imap_budget budget;
	unsigned imaps; /* IMAP sessions: any number, up to IMAPS_MAX */
	struct imap *imap[IMAPS_MAX];
	unsigned checkups; /* whose answers are on their way */
	struct indexing *indexing;
	uint32_t seen;    /* connections and delivery channels, for MS_IDLE */
	unsigned waiting; /* arrivals that are not started yet */
	bool running;     /* the sandbox is closed: what has come may be started */
};

extern struct session session;

/*
 * -- life.c: when the process may end ---------------------------------------------------
 */

/* -1: no memory. */
int life_init(struct event_base *);

/* Something happened: the time to linger begins anew. When draining there is none. ARG: not used.
 */
void life_touch(void *arg);

/* Ends all clients with WHY, and closes the store. */
void life_close_all(const char *why);

/*
 * -- clients.c: the store's users -----------------------------------------------------------
 */

/*
 * The store, opened when it is needed first, and tried again each time if that failed; NULL: RESULT
 * and ERR are filled, and the log has it. ARG: not used.
 */
struct store *clients_store(void *arg, enum store_result *result, struct error *err);

/* A client that has logged in; one that slept and goes on. FD is taken. */
void clients_start(const struct ms_connection *, int fd);
void clients_resume(const struct ms_parked *, int fd);

/* For indexing_new(). */
struct store *clients_store_to_index(void);

#endif
