/* SPDX-License-Identifier: ISC */
/*
 * context - searches whose results are kept up to date while their mailbox is selected (RFC 5267
 * 4.3): what comes to match or ceases to is told with the EXISTS, FETCH or EXPUNGE that causes it.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_CONTEXT_H
#define POSTERN_WORKER_SESSION_IMAP_CONTEXT_H

#include "worker/session/imap/imap_private.h"

struct search_task;

/* Is there one of the command with this tag? */
bool contexts_have(const struct imap *, const char *tag);
/*
 * Keeps what a search of the selected mailbox has found, and its searcher, which are the context's
 * from now on. If it can't, it says so (NOUPDATE).
 */
void contexts_add(struct search_task *);
/* "* NO [NOUPDATE tag] WHY" (RFC 5267 4.3.1). */
void contexts_refuse(struct imap *, const char *tag, const char *why);
/* What store_scan() is to give for contexts_changed(): STORE_WANT_ bits. */
unsigned contexts_want(const struct imap *);
/* Before the client is told that these UIDs are expunged. */
void contexts_gone(struct imap *, const struct store_range *, size_t count);
/* A message is new in the view (FRESH), or its flags have changed; ascending UIDs. */
void contexts_changed(struct imap *, const struct store_message *, bool fresh);
/* After the client was told of these messages: what that does to the results. */
void contexts_tell(struct imap *);
/* UIDONLY is enabled: those that are told by message numbers end (RFC 9586 3). */
void contexts_end_numbers(struct imap *);
/* Octets they take. */
size_t contexts_memory(const struct imap *);
void contexts_free(struct imap *);

#endif
