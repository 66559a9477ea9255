/* SPDX-License-Identifier: ISC */
/*
 * pool - threads for what would hold up the event loop: crypt(3), which is slow by design, and a
 * large accounts.conf.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_POOL_H
#define POSTERN_WORKER_ACCOUNTS_POOL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct event_base;
struct pool;

/* First in the struct of what is to be done. The owner keeps the memory until done() was called. */
struct pool_job {
	STAILQ_ENTRY(pool_job) entry;
	void (*run)(struct pool_job *);  /* on a thread: touches nothing but the job */
	void (*done)(struct pool_job *); /* on the event loop */
};

/*
 * Starts THREADS threads, which have made their last unusual system call when this returns.
 * QUEUE_MAX bounds the jobs that wait. Returns NULL with ERR filled.
 */
struct pool *pool_new(struct event_base *, unsigned threads, size_t queue_max, struct error *);

/* Takes a job, or returns -1 if QUEUE_MAX wait already. */
int pool_submit(struct pool *, struct pool_job *);
/* The same in front of all that wait, without a bound. */
void pool_submit_first(struct pool *, struct pool_job *);

#endif
