/* SPDX-License-Identifier: ISC */
/*
 * sessions - one process a mailbox: found, or started, for logged-in connections and deliveries.
 */
#ifndef POSTERN_MASTER_SESSIONS_H
#define POSTERN_MASTER_SESSIONS_H

#include <sys/queue.h>
#include <sys/tree.h>

#include "common/proto/master_session.h"
#include "master/process.h"

enum attach_kind { ATTACH_CONNECTION, ATTACH_DELIVERY, ATTACH_ADMINISTRATION, ATTACH_COUNT };

/* Somebody who wants to speak with a mailbox's process. */
struct attach {
	STAILQ_ENTRY(attach) entry;
	enum attach_kind kind; /* asked by accounts, by queue, by posternctl */
	uint32_t asker;        /* its number: a successor's requests are others */
	uint32_t request;
	struct ms_connection connection; /* not ATTACH_DELIVERY */
	enum mailbox_purpose purpose;    /* ATTACH_ADMINISTRATION */
};
STAILQ_HEAD(attach_list, attach);

struct session;
RB_HEAD(session_tree, session);

struct parked;
RB_HEAD(parked_tree, parked);

struct sessions {
	struct session_tree tree;
	size_t count;
	struct parked_tree parked; /* parked.h */
	size_t parked_count;
	uint64_t parked_last;
};

/*
 * A request for the mailbox NAME (LENGTH bytes, from a less trusted process). It is answered now or
 * later, with the descriptor or the reason. Returns 0, or -1 if the asker broke the protocol.
 */
int sessions_attach(struct master *, const struct attach *, const char *name, size_t length);

/* The mailbox NAME, as sessions name it, has parked connections with something to do: starts it. */
void sessions_wake(struct master *, const char *name);

/* The process of the mailbox NAME; NULL if it has none. */
struct process *sessions_find(struct master *, const char *name);

/* There is a new configuration: all sessions are told which tags name folders. */
void sessions_tell_tags(struct master *);

/* The accounts' quotas may have changed: all sessions are told theirs. */
void sessions_tell_quota(struct master *);

void sessions_free(struct master *);

#endif
