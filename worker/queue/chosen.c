/* SPDX-License-Identifier: ISC */
#include "worker/queue/chosen.h"

#include <stdlib.h>
#include <string.h>

#include "worker/queue/transaction.h"

/* Of one gate's transactions together: the largest takes 10,000 connections. */
#define ADDRESS_BYTES_MAX (32 * 1024 * 1024)
/* Of them, of one client's transactions, if they are several. */
#define SHARE_BYTES_MAX (ADDRESS_BYTES_MAX / 8)
/* Of them, of what aliases lead one transaction to besides what the gate has named. */
#define FURTHER_BYTES_MAX (ADDRESS_BYTES_MAX / 8)

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

/* One alone would never be taken if it was too large for its share: it has to fit into the total.
 */
static bool
fits_share(const struct transaction *transaction, size_t bytes)
{
	const struct share *share = transaction->share;

	return share == NULL || share->bytes == transaction->bytes ||
	       share->bytes + bytes <= SHARE_BYTES_MAX;
}

/* Is there room for so much more? The client is who the gate says: the total is for all of it. */
static bool
fits(const struct transaction *transaction, size_t bytes, bool further)
{
	return bytes <= ADDRESS_BYTES_MAX - transaction->source->bytes &&
	       fits_share(transaction, bytes) &&
	       (!further || bytes <= FURTHER_BYTES_MAX - transaction->further_bytes);
}

/* Counts what is held for the source; false if that is too much. */
static bool
account(struct transaction *transaction, size_t bytes, bool further)
{
	if (!fits(transaction, bytes, further))
		return false;
	transaction->bytes += bytes;
	transaction->source->bytes += bytes;
	if (transaction->share != NULL)
		transaction->share->bytes += bytes;
	if (further)
		transaction->further_bytes += bytes;
	return true;
}

void
chosen_release(struct transaction *transaction, size_t bytes)
{
	transaction->bytes -= bytes;
	transaction->source->bytes -= bytes;
	if (transaction->share != NULL)
		transaction->share->bytes -= bytes;
}

static size_t
size_of(const struct recipient *recipient)
{
	return sizeof(*recipient) + strlen(recipient->path) + 1 + strlen(recipient->orcpt) + 1;
}

void
recipient_free(struct recipient *recipient)
{
	asker_forget(&recipient->question);
	free(recipient->mailbox);
	free(recipient->sender);
	free(recipient->alias);
	free(recipient);
}

void
recipient_drop(struct recipient *recipient)
{
	struct transaction *transaction = recipient->transaction;
	size_t size = size_of(recipient);

	if (!recipient->further)
		return;
	transaction->further_bytes -= size;
	chosen_release(transaction, size);
	recipient_free(recipient);
}

static void
keep_further(struct recipient *recipient)
{
	if (recipient->further)
		STAILQ_INSERT_TAIL(&recipient->transaction->recipients, recipient, entry);
}

struct recipient *
recipient_new(struct transaction *transaction, const char *path, uint32_t notify, const char *orcpt,
	      bool further)
{
	size_t size = strlen(path) + 1, orcpt_size = strlen(orcpt) + 1;
	struct recipient *recipient = NULL;

	if (!account(transaction, sizeof(*recipient) + size + orcpt_size, further)) {
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
	recipient->notify = recipient->asked = notify;
	recipient->further = further;
	recipient->transaction = transaction;
	return recipient;
}

/* The delivery is the second one's from now on. */
static void
take_over(struct recipient *first, struct recipient *second)
{
	struct transaction *transaction = first->transaction;

	RB_REMOVE(mailboxes_seen, &transaction->mailboxes, first);
	(void)RB_INSERT(mailboxes_seen, &transaction->mailboxes, second);
	first->chosen = false;
	second->chosen = true;
	keep_further(second);
	if (first->further)
		STAILQ_REMOVE(&transaction->recipients, first, recipient, entry);
	recipient_drop(first);
}

/*
 * Two forward-paths that lead to one mailbox make one delivery. Of it is reported what was wished
 * of either, by the name of the first of which anything was.
 */
static bool
join(struct recipient *first, struct recipient *second)
{
	uint32_t both = notify_both(first->notify, second->notify);

	if (first->notify == DSN_NOTIFY_NEVER && second->notify != DSN_NOTIFY_NEVER) {
		second->notify = both;
		take_over(first, second);
		return true;
	}
	first->notify = both;
	recipient_drop(second);
	return false;
}

bool
recipient_choose(struct recipient *recipient, const char *mailbox)
{
	struct transaction *transaction = recipient->transaction;
	struct recipient *first;

	recipient->mailbox = strdup(mailbox);
	if (recipient->mailbox == NULL) {
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
		recipient_drop(recipient);
		return false;
	}
	first = RB_INSERT(mailboxes_seen, &transaction->mailboxes, recipient);
	if (first != NULL)
		return join(first, recipient);
	recipient->chosen = true;
	transaction->deliveries++;
	keep_further(recipient);
	return true;
}
