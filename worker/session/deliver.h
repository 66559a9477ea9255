/* SPDX-License-Identifier: ISC */
/*
 * deliver - queue's deliveries into this mailbox (queue_session.h). What has arrived in one turn of
 * the event loop is stored as one batch, with few syncs to disk; each is answered after that.
 */
#ifndef POSTERN_WORKER_SESSION_DELIVER_H
#define POSTERN_WORKER_SESSION_DELIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/master_session.h"
#include "worker/session/store.h"

struct event_base;
struct deliver;

struct deliver_options {
	const char *mailbox;        /* user@domain; outlives it */
	const struct ms_tags *tags; /* which folders; likewise, and may change */
	/* Gives the open store, or NULL with RESULT and ERR filled. */
	struct store *(*store)(void *arg, enum store_result *, struct error *);
	void (*activity)(void *arg); /* something arrived, was stored, or a channel ended */
	void *arg;
};

/* NULL without memory. */
struct deliver *deliver_new(struct event_base *, const struct deliver_options *);

/* Takes a channel to queue (FD, also on failure). -1 without memory. */
int deliver_add_channel(struct deliver *, int fd);

/* Deliveries that have not been answered. */
size_t deliver_pending(const struct deliver *);

#endif
