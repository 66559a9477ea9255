/* SPDX-License-Identifier: ISC */
/*
 * job - one mail to one domain: finds its hosts, tries them in order until one has answered for
 * each recipient, and tells queue.
 */
#ifndef POSTERN_WORKER_RELAY_JOB_H
#define POSTERN_WORKER_RELAY_JOB_H

#include "worker/relay/relay.h"

/* Takes QR_SEND up. -1: it is nothing that queue would say, or there is no memory. */
int job_start(struct relay *, struct ipc_message *);

/* An event's: those that wait for a connection look again whether they may have one. */
void jobs_try_again(int fd, short what, void *relay);

/* Forgets all of them: nobody waits for their results. */
void jobs_drop(struct relay *);

#endif
