/* SPDX-License-Identifier: ISC */
/*
 * What check.c has in common with check_asks.c.
 *
 *   check.c       checks, their questions and answers
 *   check_asks.c  what filter asks for, and says, before its verdict
 */
#ifndef POSTERN_WORKER_QUEUE_CHECK_PRIVATE_H
#define POSTERN_WORKER_QUEUE_CHECK_PRIVATE_H

#include <sys/queue.h>

#include "common/proto/queue_filter.h"
#include "worker/queue/check.h"
#include "worker/queue/check_envelope.h"
#include "worker/queue/check_turns.h"

/* QF_ENVELOPE as it came: check_envelope_read() has had no objection. */
struct envelope_wish {
	struct qf_envelope fixed;
	size_t length;
	char tail[]; /* and a NUL */
};

enum check_state { CHECK_WAITING, CHECK_ASKED };

struct check {
	TAILQ_ENTRY(check) entry; /* while ASKED */
	struct check_turn turn;
	struct checker *checker;
	struct transaction *transaction;
	enum check_state state;
	uint32_t number;                /* while ASKED */
	uint32_t request;               /* likewise */
	struct qf_mail mail;            /* likewise */
	unsigned deaths;                /* of filter, while it had this one */
	bool room;                      /* it has been given a file, */
	uint32_t slot;                  /* this one of the spool */
	struct wish *wish;              /* for signatures, or NULL; */
	uint32_t sign_request;          /* filter's request for them */
	struct envelope_wish *envelope; /* what it wants of the envelope, or NULL */
	struct event *deadline;
};
TAILQ_HEAD(check_list, check);

struct checker {
	struct queue *queue;
	struct ipc_channel *channel; /* NULL while there is none */
	struct check_turns turns;
	struct check_list asked;
	uint32_t last_number;
};

/* -- check.c -- */

int check_on_leaving(struct ipc_channel *, struct ipc_message *, void *checker);

/* -- check_asks.c -- */

extern const struct ipc_handler check_handlers[];
/* What was done for filter as it had the mail, and what it said, counts no more. */
void check_forget_asked(struct check *);

#endif
