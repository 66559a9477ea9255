/* SPDX-License-Identifier: ISC */
/*
 * hasher - verifies passwords on threads of its own, so that the event loop never waits for
 * crypt(3), which is slow by design.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_HASHER_H
#define POSTERN_WORKER_ACCOUNTS_HASHER_H

#include <sys/queue.h>

#include <crypt.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/proto/types.h"

struct event_base;
struct hasher;

/* One password to verify. The owner keeps the memory until done() has been called. */
struct hash_job {
	STAILQ_ENTRY(hash_job) entry;
	char password[PASSWORD_SIZE]; /* wiped by the hasher as soon as it is used */
	char hash[CRYPT_OUTPUT_SIZE]; /* or a setting alone: then nothing matches */
	bool match;
	void (*done)(struct hash_job *); /* on the event loop */
	void *arg;
};

/*
 * Starts THREADS threads, which have made their last unusual system call when this returns.
 * QUEUE_MAX bounds the jobs that wait. Returns NULL with ERR filled.
 */
struct hasher *hasher_new(struct event_base *, unsigned threads, size_t queue_max, struct error *);
/* Waits for the jobs that threads are at; done() is not called any more. For the tests. */
void hasher_free(struct hasher *);

/* Takes a job, or returns -1 if QUEUE_MAX wait already. */
int hasher_submit(struct hasher *, struct hash_job *);

/* What a thread does with a job, and the tests without one: sets match, wipes the password. */
void hash_job_run(struct hash_job *, struct crypt_data *);

#endif
