/* SPDX-License-Identifier: ISC */
/*
 * asker - asks accounts where a forward-path leads, whose a reverse-path, and whose a message.
 *
 * Many questions are on their way at once, but not so many that the channel overflows. Questions
 * that accounts did not answer, because it died or was silent, wait for its next channel; how long
 * is up to who asked.
 */
#ifndef POSTERN_WORKER_QUEUE_ASKER_H
#define POSTERN_WORKER_QUEUE_ASKER_H

#include <sys/queue.h>

#include <stdint.h>

#include "worker/queue/ways.h"

struct queue;
struct asker;

enum question_state { QUESTION_NONE, QUESTION_WAITING, QUESTION_ASKED };

/* What is asked says which of its members are set; one of the last three hears the answer. */
enum question_kind {
	QUESTION_RECIPIENT, /* path, sender, answered: where does this forward-path lead? */
	QUESTION_SENDER,    /* path, submitter, checked: may he use this reverse-path? */
	QUESTION_AUTHOR,    /* submitter, judged: may he be whom the message is from? */
};

struct question {
	TAILQ_ENTRY(question) entry;
	struct asker *asker;
	enum question_state state;
	uint32_t request;
	enum question_kind kind;
	const char *path;
	const char *submitter;
	const char *sender; /* the reverse-path of the mail, */
	bool submitted;     /* which is of who has logged in, or this host's own */
	/* The message: its bytes, or, if that is NULL, a descriptor for reading. */
	const char *message;
	size_t length;
	int fd;
	void (*answered)(struct question *, enum rcpt_verdict, const struct ways *);
	void (*checked)(struct question *, enum sender_verdict);
	/* FOREIGN: the address that is not his, with AUTHOR_FOREIGN. */
	void (*judged)(struct question *, enum author_verdict, const char *foreign);
};

struct asker *asker_new(struct queue *);
void asker_free(struct asker *);

/* Takes a new channel to accounts in place of the old one. */
int asker_open(struct asker *, int fd);

/* What belongs to its kind is set, all else is zero. Answered later, from the loop. */
void asker_ask(struct asker *, struct question *);
void asker_forget(struct question *);

#endif
