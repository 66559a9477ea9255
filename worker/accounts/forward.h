/* SPDX-License-Identifier: ISC */
/* forward - what becomes of a reverse-path when an alias leads a mail to another host. */
#ifndef POSTERN_WORKER_ACCOUNTS_FORWARD_H
#define POSTERN_WORKER_ACCOUNTS_FORWARD_H

#include "worker/accounts/resolve.h"

/*
 * SENDER: a reverse-path, "" for the null one. It stays as it is where it is null (RFC 5321 6.1) or
 * at a domain of ours, which may send it from here; else it is rewritten (srs.h), if that is wanted
 * and possible: a server that checks SPF would refuse it, and its bounces would tell nobody.
 */
void forward_sender(const struct resolver *, const struct ma_srs *, const char *sender,
		    char out[PATH_SIZE]);

#endif
