/* SPDX-License-Identifier: ISC */
/* quota - tells sessions how much their mailboxes may hold. */
#ifndef POSTERN_MASTER_QUOTA_H
#define POSTERN_MASTER_QUOTA_H

#include "master/process.h"

/*
 * Sends the session process of mailbox NAME the limits of postern.conf, and, when accounts has
 * answered, those of its account. Without accounts the former are in force until it is back.
 */
void quota_tell(struct process *session, const char *name);

#endif
