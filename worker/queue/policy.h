/* SPDX-License-Identifier: ISC */
/*
 * policy - what domains want of who sends to them (MTA-STS, RFC 8461), kept for relay, which has no
 * files: whatever becomes of its process, a policy counts for as long as it said.
 *
 * A relay that lies here can spoil mail to the domains it names, as it can anyway; it can't fill
 * the disk, nor keep it busy.
 */
#ifndef POSTERN_WORKER_QUEUE_POLICY_H
#define POSTERN_WORKER_QUEUE_POLICY_H

#include "common/ipc.h"
#include "worker/queue/queue.h"

#define POLICIES_MAX 2000    /* of more, those that end first go */
#define POLICIES_A_MINUTE 30 /* are written; others are not kept, and fetched again some time */

/*
 * Takes QR_KEEP_POLICY up. One that came with a stranger's mail, and of a domain that is new, has a
 * place only while the half is free. -1: it is none.
 */
int policy_keep(struct queue *, const struct ipc_message *);
/* Tells relay what is kept of DOMAIN, if anything is: before a mail for it. */
void policy_tell(struct queue *, struct ipc_channel *relay, const char *domain);

#endif
