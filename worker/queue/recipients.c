/* SPDX-License-Identifier: ISC */
/* A transaction's questions to accounts: whose mailbox is a forward-path, is the sender his own? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "worker/queue/transaction.h"

/* Of one gate's transactions together: the largest takes 10,000 connections. */
#define ADDRESS_BYTES_MAX (32 * 1024 * 1024)

static int
compare_mailboxes(const struct recipient *a, const struct recipient *b)
{
	return strcmp(a->mailbox, b->mailbox);
}

RB_GENERATE_INTERNAL(mailboxes_seen, recipient, by_mailbox, compare_mailboxes,
		     static __attribute__((unused)))

/* Counts what is held for the source; false if that is too much. */
static bool
account(struct transaction *transaction, size_t bytes)
{
	struct source *source = transaction->source;

	if (bytes > ADDRESS_BYTES_MAX - source->bytes)
		return false;
	transaction->bytes += bytes;
	source->bytes += bytes;
	return true;
}

void
transaction_note_failure(struct transaction *transaction, enum queue_failure why)
{
	if (transaction->failed == 0)
		transaction->failed = why;
}

/*
 * Two forward-paths that lead to one mailbox make one delivery. Of it is reported what was wished
 * of either, by the name of the first of which anything was.
 */
static void
join(struct recipient *first, struct recipient *second)
{
	struct transaction *transaction = first->transaction;
	uint32_t both = notify_both(first->notify, second->notify);

	if (first->notify == DSN_NOTIFY_NEVER && second->notify != DSN_NOTIFY_NEVER) {
		RB_REMOVE(mailboxes_seen, &transaction->mailboxes, first);
		(void)RB_INSERT(mailboxes_seen, &transaction->mailboxes, second);
		first->chosen = false;
		second->chosen = true;
	}
	(first->chosen ? first : second)->notify = both;
}

static void
choose(struct recipient *recipient, const char *mailbox)
{
	struct transaction *transaction = recipient->transaction;
	struct recipient *first;

	recipient->mailbox = strdup(mailbox);
	if (recipient->mailbox == NULL) {
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
		return;
	}
	first = RB_INSERT(mailboxes_seen, &transaction->mailboxes, recipient);
	if (first != NULL) {
		join(first, recipient);
		return;
	}
	recipient->chosen = true;
	transaction->deliveries++;
}

/*
 * Another domain's: only who has logged in sends there, and this host when it says that it could
 * not deliver. False if that isn't so here.
 */
static bool
choose_remote(struct recipient *recipient)
{
	struct transaction *transaction = recipient->transaction;
	struct address address;
	char name[ADDRESS_SIZE];

	uint32_t reach = transaction->queue->settings.relay;

	if (reach == REACH_HERE ||
	    (transaction->submitter[0] == '\0' && transaction->report == NULL) ||
	    address_parse_utf8(recipient->path, strlen(recipient->path), &address) != ADDRESS_OK ||
	    (address.domain[0] == '[' && reach != REACH_LITERALS))
		return false;
	(void)snprintf(name, sizeof(name), "@%s", address.domain);
	recipient->mailbox = strdup(name);
	if (recipient->mailbox == NULL) {
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
		return true;
	}
	recipient->chosen = true;
	transaction->deliveries++;
	return true;
}

/* A new one, without a question; NULL if that is too much. */
static struct recipient *
recipient_new(struct transaction *transaction, const char *path, uint32_t notify, const char *orcpt)
{
	size_t size = strlen(path) + 1, orcpt_size = strlen(orcpt) + 1;
	struct recipient *recipient = NULL;

	if (!account(transaction, sizeof(*recipient) + size + orcpt_size)) {
		transaction_note_failure(transaction, QUEUE_NO_SPACE);
		return NULL;
	}
	recipient = calloc(1, sizeof(*recipient) + size + orcpt_size);
	if (recipient == NULL) {
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
		return NULL;
	}
	memcpy(recipient->path, path, size);
	recipient->orcpt = memcpy(recipient->path + size, orcpt, orcpt_size);
	recipient->notify = notify;
	recipient->transaction = transaction;
	STAILQ_INSERT_TAIL(&transaction->recipients, recipient, entry);
	return recipient;
}

/* An alias leads to several: each further one is a recipient with the same path. */
static void
choose_all(struct recipient *recipient, const char *mailboxes, size_t count)
{
	const struct recipient *first = recipient;
	uint32_t notify = recipient->notify; /* another path may change its own */

	for (size_t i = 0; i < count && recipient != NULL; i++) {
		choose(recipient, mailboxes);
		mailboxes += strlen(mailboxes) + 1;
		if (i + 1 < count)
			recipient =
			    recipient_new(first->transaction, first->path, notify, first->orcpt);
	}
}

static void
on_answered(struct question *question, enum rcpt_verdict verdict, const char *mailboxes,
	    size_t count)
{
	struct recipient *recipient =
	    (struct recipient *)(void *)((char *)question - offsetof(struct recipient, question));
	struct transaction *transaction = recipient->transaction;

	transaction->unanswered--;
	if (verdict == RCPT_LOCAL)
		choose_all(recipient, mailboxes, count);
	else if (verdict != RCPT_NOT_LOCAL || !choose_remote(recipient))
		transaction_note_failure(
		    transaction, verdict == RCPT_UNAVAILABLE ? QUEUE_UNAVAILABLE : QUEUE_REFUSED);
	if (transaction->state == TRANSACTION_DATA && transaction->unanswered == 0)
		transaction_answer_data(transaction);
}

static void
on_sender_checked(struct question *question, enum sender_verdict verdict)
{
	struct transaction *transaction =
	    (struct transaction *)(void *)((char *)question -
					   offsetof(struct transaction, sender_question));

	transaction->unanswered--;
	if (verdict == SENDER_FOREIGN)
		transaction->failed = QUEUE_SENDER;
	else if (verdict != SENDER_OWN)
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
	if (transaction->state == TRANSACTION_DATA && transaction->unanswered == 0)
		transaction_answer_data(transaction);
}

/* Reports of a client's own (RFC 8098 2.1) have no sender. */
void
transaction_ask_sender(struct transaction *transaction)
{
	if (transaction->submitter[0] == '\0' || transaction->sender[0] == '\0')
		return;
	transaction->sender_question.kind = QUESTION_SENDER;
	transaction->sender_question.path = transaction->sender;
	transaction->sender_question.submitter = transaction->submitter;
	transaction->sender_question.checked = on_sender_checked;
	transaction->unanswered++;
	asker_ask(transaction->queue->asker, &transaction->sender_question);
}

void
transaction_add(struct transaction *transaction, const char *path, uint32_t notify,
		const char *orcpt)
{
	struct queue *queue = transaction->queue;
	struct recipient *recipient;

	/* What is refused anyway is not kept: the gate's numbers may be older than ours. */
	if (transaction->failed != 0)
		return;
	/* Of what an alias leads to, accounts.conf is the limit. */
	if (transaction->paths >= queue->settings.max_recipients) {
		transaction_note_failure(transaction, QUEUE_NO_SPACE);
		return;
	}
	recipient = recipient_new(transaction, path, notify, orcpt);
	if (recipient == NULL)
		return;
	recipient->question.path = recipient->path;
	recipient->question.answered = on_answered;
	transaction->paths++;
	transaction->unanswered++;
	asker_ask(queue->asker, &recipient->question);
}
