/* SPDX-License-Identifier: ISC */
/* A transaction's questions to accounts: whose mailbox is a forward-path, is the sender his own? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/ascii.h"
#include "common/log.h"
#include "worker/queue/chosen.h"
#include "worker/queue/envelope.h"
#include "worker/queue/transaction.h"

void
transaction_note_failure(struct transaction *transaction, enum queue_failure why)
{
	if (transaction->failed == 0)
		transaction->failed = why;
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
	(void)recipient_choose(recipient, name);
	return true;
}

/*
 * Who sends anything anywhere: who has logged in, this host when it says that it could not deliver,
 * and milters that the administrator lets. All others' mail leaves only where accounts.conf leads
 * it (choose_forwards()), or a route that is for everybody's (RCPT_ROUTED).
 */
static bool
may_relay(const struct recipient *recipient, enum rcpt_verdict verdict)
{
	const struct transaction *transaction = recipient->transaction;

	if (verdict != RCPT_NOT_LOCAL)
		return verdict == RCPT_ROUTED;
	if (recipient->added)
		return recipient->anywhere;
	return transaction->submitter[0] != '\0' || transaction->report != NULL;
}

/*
 * It leads nowhere. What a milter has added is left out then: to tell the sender, who did not name
 * it, would tell somebody else if the sender is forged. What the client named, and has come to lead
 * nowhere since the data was asked for, has to be named again.
 */
static void
refuse(const struct recipient *recipient, enum queue_failure why)
{
	struct transaction *transaction = recipient->transaction;

	if (recipient->added && why == QUEUE_REFUSED)
		log_event(LOG_WARNING, "queue.recipient_left_out", KV_CONN(transaction->conn),
			  KV_STR("rcpt", recipient->path),
			  KV_STR("why", "a milter added it, and it can't be delivered to"));
	else if (transaction->state == TRANSACTION_RESOLVE)
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
	else
		transaction_note_failure(transaction, why);
}

/*
 * What is to be reported of a recipient that an alias leads to, here or by another host (RFC 3461
 * 5.2.7.2, 5.2.7.3): all that was asked for; but if it is TOLD that another one has the mail, not
 * that this one has it too, for whoever wants to know of one address need not hear from each.
 */
static uint32_t
notify_of(uint32_t notify, bool told)
{
	uint32_t rest = notify & ~DSN_NOTIFY_SUCCESS;

	if (!told || rest == notify)
		return notify;
	return rest == 0 ? DSN_NOTIFY_NEVER : rest;
}

/*
 * An alias leads to several: each further one is a recipient with the same path. Whether one of
 * them is delivered to by that path.
 */
static bool
choose_mailboxes(struct recipient *named, uint32_t notify, const struct ways *ways)
{
	bool told = false;
	const char *mailbox = ways->mailboxes;
	struct recipient *recipient = named;

	for (size_t i = 0; i < ways->mailbox_count; i++) {
		if (i > 0)
			recipient = recipient_new(named->transaction, named->path,
						  notify_of(notify, told), named->orcpt, true);
		if (recipient == NULL)
			break;
		told |= recipient_choose(recipient, mailbox);
		mailbox += strlen(mailbox) + 1;
	}
	return told;
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
	recipient = recipient_new(named->transaction, path, notify, orcpt, true);
	if (recipient == NULL)
		return true;
	recipient->sender = strdup(sender);
	recipient->alias = strdup(alias);
	if (recipient->sender == NULL || recipient->alias == NULL) {
		transaction_note_failure(named->transaction, QUEUE_UNAVAILABLE);
		recipient_drop(recipient);
		return true;
	}
	if (choose_remote(recipient))
		return true;
	recipient_drop(recipient);
	return false;
}

/* Accounts says that an alias leads there: it is no stranger who sends it out. */
static void
choose_forwards(const struct recipient *named, uint32_t notify, bool told, const struct ways *ways)
{
	const char *forward = ways->forwards;

	for (size_t i = 0; i < ways->forward_count && named->transaction->failed == 0; i++) {
		if (!choose_forward(named, forward, ways->sender, notify_of(notify, told || i > 0)))
			refuse(named, QUEUE_REFUSED);
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
		bool told = choose_mailboxes(recipient, notify, ways);

		choose_forwards(recipient, notify, told, ways);
	} else if (!may_relay(recipient, verdict) || !choose_remote(recipient)) {
		refuse(recipient, verdict == RCPT_UNAVAILABLE ? QUEUE_UNAVAILABLE : QUEUE_REFUSED);
	}
	if (transaction->state == TRANSACTION_DATA && transaction->unanswered == 0)
		transaction_answer_data(transaction);
	else if (transaction->state == TRANSACTION_RESOLVE && transaction->unanswered == 0)
		envelope_resolved(transaction);
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

/* One of MOST. NULL if it is none. */
static struct recipient *
add(struct transaction *transaction, const char *path, uint32_t notify, const char *orcpt,
    uint32_t most)
{
	struct recipient *recipient;

	/* What is refused anyway is not kept: the gate's numbers may be older than ours. */
	if (transaction->failed != 0)
		return NULL;
	/* Of what an alias leads to, accounts.conf is the limit. */
	if (transaction->paths >= most) {
		transaction_note_failure(transaction, QUEUE_NO_SPACE);
		return NULL;
	}
	recipient = recipient_new(transaction, path, notify, orcpt, false);
	if (recipient == NULL)
		return NULL;
	STAILQ_INSERT_TAIL(&transaction->recipients, recipient, entry);
	recipient->question.path = recipient->path;
	recipient->question.sender = transaction->sender;
	recipient->question.submitted =
	    transaction->submitter[0] != '\0' || transaction->report != NULL;
	recipient->question.answered = on_answered;
	transaction->paths++;
	transaction->unanswered++;
	asker_ask(transaction->queue->asker, &recipient->question);
	return recipient;
}

void
transaction_add(struct transaction *transaction, const char *path, uint32_t notify,
		const char *orcpt)
{
	(void)add(transaction, path, notify, orcpt, transaction->queue->settings.max_recipients);
}

void
transaction_add_more(struct transaction *transaction, const struct envelope_added *added)
{
	struct recipient *recipient =
	    add(transaction, added->path, added->notify, added->orcpt,
		transaction->queue->settings.max_recipients + QF_ADDED_MAX);

	if (recipient == NULL)
		return;
	recipient->added = true;
	recipient->anywhere = added->anywhere;
}

void
transaction_take_recipients(struct transaction *transaction, struct recipients *out)
{
	STAILQ_INIT(out);
	STAILQ_CONCAT(out, &transaction->recipients);
	RB_INIT(&transaction->mailboxes);
	chosen_release(transaction, transaction->bytes);
	transaction->further_bytes = 0;
	transaction->paths = 0;
	transaction->deliveries = 0;
}

void
transaction_free_recipients(struct recipients *recipients)
{
	struct recipient *recipient;

	while ((recipient = STAILQ_FIRST(recipients)) != NULL) {
		STAILQ_REMOVE_HEAD(recipients, entry);
		recipient_free(recipient);
	}
}
