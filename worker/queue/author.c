/* SPDX-License-Identifier: ISC */
/*
 * AUTHOR: before a submitter's mail is kept, accounts looks at whom it says it is from. What is
 * kept is what accounts saw: nobody can write to the body any more (spool_seal()), or queue has it
 * in memory.
 */
#include <event2/event.h>
#include <stddef.h>

#include "worker/queue/transaction.h"

/* How long the answer may take, also over a restart of accounts. */
#define AUTHOR_SECONDS 15

/*
 * What has no sender to begin with, a report, need not have a From field: without one it pretends
 * to be nobody. One without an address is no such thing: what is shown of it may be any name.
 */
static bool
may_pass(const struct transaction *transaction, enum author_verdict verdict)
{
	return verdict == AUTHOR_OWN ||
	       (verdict == AUTHOR_MISSING && transaction->sender[0] == '\0');
}

static void
on_judged(struct question *question, enum author_verdict verdict, const char *foreign)
{
	struct transaction *transaction =
	    (struct transaction *)(void *)((char *)question -
					   offsetof(struct transaction, author_question));
	struct gq_failed failed = {.failure = QUEUE_AUTHOR, .detail = verdict};

	event_del(transaction->deadline);
	if (may_pass(transaction, verdict))
		transaction_authored(transaction);
	else
		transaction_fail_with(transaction, &failed, foreign);
}

void
transaction_check_author(struct transaction *transaction)
{
	static const struct timeval wait = {.tv_sec = AUTHOR_SECONDS};
	struct queue *queue = transaction->queue;

	if (transaction->submitter[0] == '\0' || queue->settings.check_author != 1) {
		transaction_authored(transaction);
		return;
	}
	transaction->state = TRANSACTION_AUTHOR;
	transaction->author_question.kind = QUESTION_AUTHOR;
	transaction->author_question.submitter = transaction->submitter;
	transaction->author_question.message = transaction->body;
	transaction->author_question.length = (size_t)transaction->size;
	transaction->author_question.fd = transaction->fd;
	transaction->author_question.judged = on_judged;
	(void)evtimer_add(transaction->deadline, &wait);
	asker_ask(queue->asker, &transaction->author_question);
}
