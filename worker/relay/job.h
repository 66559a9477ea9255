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

/* An event's: those that wait for a connection, or another job, look whether they may go on. */
void jobs_try_again(int fd, short what, void *relay);

/*
 * Nobody waits for their results any more. Those whose message a host is getting go on: whether it
 * takes it is remembered (taken.h), and a job for the same mail waits until that is known. The
 * others are forgotten.
 */
void jobs_orphan(struct relay *);

#endif
