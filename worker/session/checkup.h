/* SPDX-License-Identifier: ISC */
/*
 * checkup - posternctl's mailbox check and repair, in the mailbox's own process: the store looks
 * (store_check.h), and what it finds goes to the administrator as text (common/proto/checkup.h).
 */
#ifndef POSTERN_WORKER_SESSION_CHECKUP_H
#define POSTERN_WORKER_SESSION_CHECKUP_H

#include <stdbool.h>

#include "worker/session/store.h"

struct event_base;
struct checkup;

/* All was said, or nobody listens any more; it is freed after this returns. */
typedef void checkup_closed_fn(struct checkup *, void *arg);

/* FD is taken, also on failure. MAILBOX: for the log. NULL without memory. */
struct checkup *checkup_new(struct event_base *, int fd, const char *mailbox,
			    checkup_closed_fn *closed, void *arg);

/*
 * Looks at the mailbox, blocking. OPEN: the store that clients use meanwhile, NULL: nobody has it
 * open. True if all is well there. Once more forgets what the last time found.
 */
bool checkup_look(struct checkup *, struct store *open);

/* Looks, and puts right what is wrong. Nobody has the store open. */
void checkup_repair(struct checkup *);

/* Says what was found; the closed function is called from the loop, in a minute at the latest. */
void checkup_answer(struct checkup *);

#endif
