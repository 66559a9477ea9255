/* SPDX-License-Identifier: ISC */
/*
 * notify - what a client wants to hear of without asking (RFC 5465): which events of which folders.
 * What happens is only noted when it happens, and told when no command is in progress.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_NOTIFY_H
#define POSTERN_WORKER_SESSION_IMAP_NOTIFY_H

#include "worker/session/imap/imap_private.h"

/* Events of messages. */
#define NOTIFY_MESSAGES \
	(IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE | IMAP_EVENT_FLAG_CHANGE)

/* Is the client told of the selected folder's events also when no command is in progress? */
bool notify_is_on(const struct imap *);
/* May that be an EXPUNGE (SELECTED, not SELECTED-DELAYED)? */
bool notify_expunges(const struct imap *);

/*
 * Something has changed in FOLDER (0: the tree of folders); an annotation ENTRY of FOLDER (0: the
 * server) has. True: there may be something to tell.
 */
bool notify_changed(struct imap *, int64_t folder);
bool notify_noted(struct imap *, int64_t folder, const char *entry);
/* These messages are this client's own: it is not told what is in them. */
void notify_own(struct imap *, int64_t folder, const struct store_range *, size_t count);
/* The client is told that this message is new in the selected folder; ascending. */
void notify_new(struct imap *, uint32_t uid);
/* The client has been told of all those: what it wants to know of them is told next. */
void notify_fetch_new(struct imap *);

/*
 * The selected mailbox is being left: what the client has not been told of it is told as of any
 * other.
 */
void notify_left(struct imap *);
/* Tells what has been noted of folders that are not selected. */
void notify_tell(struct imap *);
/* Octets it takes. */
size_t notify_memory(const struct imap *);
void notify_free(struct imap *);

#endif
