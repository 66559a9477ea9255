/* SPDX-License-Identifier: ISC */
/*
 * parked - connections whose session process has gone to sleep: their clients wait in IMAP's IDLE.
 * The master keeps the descriptor and sees whether something comes, and reads none of it.
 */
#ifndef POSTERN_MASTER_PARKED_H
#define POSTERN_MASTER_PARKED_H

#include <stdbool.h>

#include "common/proto/master_session.h"

struct master;

#define PARKED_A_MAILBOX 64 /* what a session process may leave behind */

enum parked_verdict {
	PARKED_KEPT,    /* FD is taken */
	PARKED_FULL,    /* there are too many already: its process is to keep it */
	PARKED_REFUSED, /* FD is no socket, or the mailbox has more than it can have */
};

/* Keeps FD until the mailbox NAME has a process again. */
enum parked_verdict parked_add(struct master *, const char *name, const struct ms_parked *, int fd);

/* Takes one of the mailbox's: its descriptor is the caller's. -1: there is none (any more). */
int parked_take(struct master *, const char *name, struct ms_parked *);

/* Has one of them got something to say? */
bool parked_want(const struct master *, const char *name);

/* Closes those of a mailbox, or all. */
void parked_drop(struct master *, const char *name);
void parked_free(struct master *);

#endif
