/* SPDX-License-Identifier: ISC */
/*
 * link - a channel to relay, and how many jobs it has. New ones go over the last that came; one
 * that has a successor lives until its jobs are done: then it is closed, and its relay goes.
 */
#ifndef POSTERN_WORKER_QUEUE_LINK_H
#define POSTERN_WORKER_QUEUE_LINK_H

#include <sys/queue.h>

struct ipc_channel;
struct schedule;

struct link {
	LIST_ENTRY(link) entry; /* of schedule->links */
	struct schedule *schedule;
	struct ipc_channel *channel;
	unsigned jobs;
};
LIST_HEAD(links, link);

/* Takes FD, also on failure, and new jobs from now on. -1: there is no memory. */
int link_open(struct schedule *, int fd);
/* All of them, with jobs or not. Nobody hears of their requests any more. */
void links_close(struct schedule *);

/* A job more, a job less: it may be gone when this returns. */
void link_hold(struct link *);
void link_release(struct link *);

#endif
