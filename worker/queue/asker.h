/* SPDX-License-Identifier: ISC */
/*
 * asker - asks accounts whose mailbox a forward-path is, and whose a reverse-path.
 *
 * Many questions are on their way at once, but not so many that the channel overflows. Questions
 * that accounts did not answer, because it died or was silent, wait for its next channel; how long
 * is up to who asked.
 */
#ifndef POSTERN_WORKER_QUEUE_ASKER_H
#define POSTERN_WORKER_QUEUE_ASKER_H

#include <sys/queue.h>

#include <stdint.h>

#include "common/proto/accounts_queue.h"

struct queue;
struct asker;

enum question_state { QUESTION_NONE, QUESTION_WAITING, QUESTION_ASKED };

struct question {
	TAILQ_ENTRY(question) entry;
	struct asker *asker;
	enum question_state state;
	uint32_t request;
	const char *path;
	/* MAILBOXES: COUNT strings one behind the other, valid during the call only; none unless
	 * the verdict is RCPT_LOCAL. */
	const char
	    *submitter; /* NULL: path is a forward-path. Else: may he use the reverse-path? */
	void (*checked)(struct question *, enum sender_verdict);
	void (*answered)(struct question *, enum rcpt_verdict, const char *mailboxes, size_t count);
};

struct asker *asker_new(struct queue *);
void asker_free(struct asker *);

/* Takes a new channel to accounts in place of the old one. */
int asker_open(struct asker *, int fd);

/* path and answered, or path, submitter and checked are set, all else is zero. Answered later, from
 * the loop. */
void asker_ask(struct asker *, struct question *);
void asker_forget(struct question *);

#endif
