/* SPDX-License-Identifier: ISC */
/*
 * unasked - FETCH responses of new messages, as NOTIFY (RFC 5465 5.2) or a search that is kept up
 * to date (RFC 5465 7) has asked for them: when no command is in progress, some at a time.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_UNASKED_H
#define POSTERN_WORKER_SESSION_IMAP_UNASKED_H

#include "worker/session/imap/arena.h"
#include "worker/session/imap/imap_private.h"

/* The arguments of a command that are needed when it is over; as long as anybody holds them. */
struct imap_kept {
	struct imap_arena arena;
	unsigned held;
};

/* Those of the command in progress, held once; again, if they are kept already. NULL: no memory. */
struct imap_kept *kept_take(struct imap *);
/* NULL is fine. */
void kept_drop(struct imap_kept *);

/* These messages of the selected folder, ascending, are to be told of. False: no memory. */
bool unasked_add(struct imap *, struct imap_kept *, const struct imap_fetch_items *,
		 const struct ranges *uids);
/* Begins with the next of them, as the session's step. */
void unasked_begin(struct imap *);
/* Forgets all. */
void unasked_free(struct imap *);

#endif
