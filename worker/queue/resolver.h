/* SPDX-License-Identifier: ISC */
/*
 * resolver - asks accounts whose mailbox a forward-path is.
 *
 * Many questions are on their way at once, but not so many that the channel overflows. Questions
 * that accounts did not answer, because it died or was silent, wait for its next channel; how long
 * is up to who asked.
 */
#ifndef POSTERN_WORKER_QUEUE_RESOLVER_H
#define POSTERN_WORKER_QUEUE_RESOLVER_H

#include <sys/queue.h>

#include <stdint.h>

#include "common/proto/accounts_queue.h"

struct queue;
struct resolver;

enum question_state { QUESTION_NONE, QUESTION_WAITING, QUESTION_ASKED };

struct question {
	TAILQ_ENTRY(question) entry;
	struct resolver *resolver;
	enum question_state state;
	uint32_t request;
	const char *path;
	/* MAILBOX is valid during the call only, and "" unless the verdict is RCPT_LOCAL. */
	void (*answered)(struct question *, enum rcpt_verdict, const char *mailbox);
};

struct resolver *resolver_new(struct queue *);
void resolver_free(struct resolver *);

/* Takes a new channel to accounts in place of the old one. */
int resolver_open(struct resolver *, int fd);

/* path and answered are set, all else is zero. Answered later, from the loop. */
void resolver_ask(struct resolver *, struct question *);
void resolver_forget(struct question *);

#endif
