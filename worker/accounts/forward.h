/* SPDX-License-Identifier: ISC */
/* forward - what becomes of a reverse-path when an alias leads a mail to another host. */
#ifndef POSTERN_WORKER_ACCOUNTS_FORWARD_H
#define POSTERN_WORKER_ACCOUNTS_FORWARD_H

#include "worker/accounts/resolve.h"

/*
 * SENDER: a reverse-path, "" for the null one. It stays as it is where it is null (RFC 5321 6.1),
 * or at a domain of ours and SUBMITTED by a user, or made here before; else it is rewritten
 * (srs.h), if that is wanted and possible: a server that checks SPF would refuse it, and its
 * bounces would tell nobody. A stranger who calls himself one of ours is none the less not sent on
 * as one.
 */
void forward_sender(const struct resolver *, const struct ma_srs *, const char *sender,
		    bool submitted, char out[PATH_SIZE]);

#endif
