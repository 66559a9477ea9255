/* SPDX-License-Identifier: ISC */
/* A transaction's questions to accounts: whose mailbox is a forward-path, is the sender his own? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/ascii.h"
#include "worker/queue/transaction.h"

/* Of one gate's transactions together: the largest takes 10,000 connections. */
#define ADDRESS_BYTES_MAX (32 * 1024 * 1024)

/* Two at another host are the same if their local parts are: its domain is the mailbox. */
static int
compare_mailboxes(const struct recipient *a, const struct recipient *b)
{
	int order = strcmp(a->mailbox, b->mailbox);
	size_t length;

	if (order != 0 || a->mailbox[0] != '@')
		return order;
	length = (size_t)(strrchr(a->path, '@') - a->path) + 1;
	return strncmp(a->path, b->path, length);
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

/* Another domain's, if mail leaves at all. False if it doesn't. */
static bool
choose_remote(struct recipient *recipient)
{
	uint32_t reach = recipient->transaction->queue->settings.relay;
	struct address address;
	char name[ADDRESS_SIZE];

	if (reach == REACH_HERE ||
	    address_parse_utf8(recipient->path, strlen(recipient->path), &address) != ADDRESS_OK ||
	    (address.domain[0] == '[' && reach != REACH_LITERALS))
		return false;
	(void)snprintf(name, sizeof(name), "@%s", address.domain);
	choose(recipient, name);
	return true;
}

/*
 * To whom anything may be sent: who has logged in, and this host when it says that it could not
 * deliver. All others' mail leaves only where accounts.conf leads it (choose_forwards()).
 */
static bool
may_relay(const struct transaction *transaction)
{
	return transaction->submitter[0] != '\0' || transaction->report != NULL;
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

/*
 * What the other host is told to report of the INDEX-th of COUNT ones that an alias leads to (RFC
 * 3461 5.2.7.2, 5.2.7.3): all that was asked for of one alone; of several only the first says that
 * it has arrived, for whoever wants to know of one address need not hear from each.
 */
static uint32_t
notify_of(uint32_t notify, size_t index, size_t count)
{
	uint32_t rest = notify & ~DSN_NOTIFY_SUCCESS;

	if (count == 1 || index == 0 || rest == notify)
		return notify;
	return rest == 0 ? DSN_NOTIFY_NEVER : rest;
}

/* An alias leads to several: each further one is a recipient with the same path. */
static void
choose_mailboxes(struct recipient *named, uint32_t notify, const struct ways *ways)
{
	const char *mailbox = ways->mailboxes;
	struct recipient *recipient = named;

	for (size_t i = 0; i < ways->mailbox_count && recipient != NULL; i++) {
		if (i > 0)
			recipient =
			    recipient_new(named->transaction, named->path, notify, named->orcpt);
		if (recipient != NULL)
			choose(recipient, mailbox);
		mailbox += strlen(mailbox) + 1;
	}
}

/* RFC 3461 5.2.1: who had not said how he calls the recipient, called it that. */
static void
name_original(const struct recipient *named, char out[ORCPT_SIZE])
{
	const char *type = has_utf8(named->path) ? "utf-8" : "rfc822";

	strlcpy(out, named->orcpt, ORCPT_SIZE);
	if (out[0] == '\0' &&
	    (snprintf(out, ORCPT_SIZE, "%s;%s", type, named->path) >= ORCPT_SIZE ||
	     !orcpt_is_sound(out, strlen(out))))
		out[0] = '\0';
}

/*
 * What it has been delivered to here, in one form however it was written: where it comes back, it
 * is recognised by that. "" where that would be no ASCII: then its Received: fields have to do.
 */
static void
name_alias(const char *path, char out[PATH_SIZE])
{
	struct address address;

	if (address_parse_utf8(path, strlen(path), &address) == ADDRESS_OK)
		(void)address_format(&address, out, PATH_SIZE);
	else
		strlcpy(out, path, PATH_SIZE); /* "postmaster" */
	for (char *p = out; *p != '\0'; p++)
		*p = ascii_lower(*p);
	if (has_utf8(out))
		out[0] = '\0';
}

/* One that an alias leads to another host. False if no mail leaves. */
static bool
choose_forward(const struct recipient *named, const char *path, const char *sender, uint32_t notify)
{
	struct recipient *recipient;
	char orcpt[ORCPT_SIZE], alias[PATH_SIZE];

	name_original(named, orcpt);
	name_alias(named->path, alias);
	recipient = recipient_new(named->transaction, path, notify, orcpt);
	if (recipient == NULL)
		return true;
	recipient->sender = strdup(sender);
	recipient->alias = strdup(alias);
	if (recipient->sender == NULL || recipient->alias == NULL) {
		transaction_note_failure(named->transaction, QUEUE_UNAVAILABLE);
		return true;
	}
	return choose_remote(recipient);
}

/* Accounts says that an alias leads there: it is no stranger who sends it out. */
static void
choose_forwards(const struct recipient *named, uint32_t notify, const struct ways *ways)
{
	size_t count = ways->mailbox_count + ways->forward_count;
	const char *forward = ways->forwards;

	for (size_t i = 0; i < ways->forward_count && named->transaction->failed == 0; i++) {
		if (!choose_forward(named, forward, ways->sender,
				    notify_of(notify, ways->mailbox_count + i, count)))
			transaction_note_failure(named->transaction, QUEUE_REFUSED);
		forward += strlen(forward) + 1;
	}
}

static void
on_answered(struct question *question, enum rcpt_verdict verdict, const struct ways *ways)
{
	struct recipient *recipient =
	    (struct recipient *)(void *)((char *)question - offsetof(struct recipient, question));
	struct transaction *transaction = recipient->transaction;
	uint32_t notify = recipient->notify; /* another path may change its own */

	transaction->unanswered--;
	if (verdict == RCPT_LOCAL) {
		choose_mailboxes(recipient, notify, ways);
		choose_forwards(recipient, notify, ways);
	} else if (verdict != RCPT_NOT_LOCAL || !may_relay(transaction) ||
		   !choose_remote(recipient)) {
		transaction_note_failure(
		    transaction, verdict == RCPT_UNAVAILABLE ? QUEUE_UNAVAILABLE : QUEUE_REFUSED);
	}
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
	recipient->question.sender = transaction->sender;
	recipient->question.answered = on_answered;
	transaction->paths++;
	transaction->unanswered++;
	asker_ask(queue->asker, &recipient->question);
}
