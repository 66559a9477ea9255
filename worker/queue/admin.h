/* SPDX-License-Identifier: ISC */
/* admin - the channels to administrators (ctl_queue.h): what is in the queue, and changes to it. */
#ifndef POSTERN_WORKER_QUEUE_ADMIN_H
#define POSTERN_WORKER_QUEUE_ADMIN_H

struct queue;

/* Takes a channel (FD is taken). Without memory it is closed. */
void admin_open(struct queue *, int fd);

#endif
