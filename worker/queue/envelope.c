/* SPDX-License-Identifier: ISC */
#include "worker/queue/envelope.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/transaction.h"

#define RESOLVE_SECONDS 15 /* for accounts, also over its restart */

static void
log_change(const struct transaction *transaction, const struct envelope_change *change,
	   size_t removed)
{
	char id[QUEUE_ID_SIZE];

	(void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)transaction->id);
	log_event(LOG_NOTICE, "queue.envelope", KV_STR("id", id), KV_CONN(transaction->conn),
		  KV_STR("from", transaction->sender),
		  KV_U64("sender_changed", change->sender != NULL), KV_U64("removed", removed),
		  KV_U64("added", change->added_count));
}

/* False without memory. */
static bool
take_sender(struct transaction *transaction, const struct envelope_change *change)
{
	char *sender;

	if (change->sender == NULL)
		return true;
	sender = strdup(change->sender);
	if (sender == NULL)
		return false;
	free(transaction->sender);
	transaction->sender = sender;
	if (change->parameters) {
		transaction->parameters.ret = change->ret;
		(void)strlcpy(transaction->parameters.envid, change->envid, ENVID_SIZE);
	}
	return true;
}

/* Those of OLD that the client named and no milter has removed. Returns how many it has. */
static size_t
keep_some(struct transaction *transaction, const struct recipients *old,
	  const struct envelope_change *change)
{
	const struct recipient *recipient;
	uint32_t index = 0, at = 0;
	size_t removed = 0;

	STAILQ_FOREACH (recipient, old, entry) {
		if (recipient->question.path == NULL)
			continue; /* an alias's */
		if (check_envelope_removes(change, index++, &at))
			removed++;
		else
			transaction_add(transaction, recipient->path, recipient->asked,
					recipient->orcpt);
	}
	return removed;
}

static void
add_more(struct transaction *transaction, const struct envelope_change *change)
{
	const char *entry = change->added;
	struct envelope_added added;

	for (uint32_t i = 0; i < change->added_count; i++) {
		entry = check_envelope_added(entry, &added);
		transaction_add_more(transaction, &added);
	}
}

void
envelope_change(struct transaction *transaction, const struct envelope_change *change)
{
	static const struct timeval wait = {.tv_sec = RESOLVE_SECONDS};
	struct recipients old;

	if (!take_sender(transaction, change)) {
		transaction_fail(transaction, QUEUE_UNAVAILABLE);
		return;
	}
	transaction->state = TRANSACTION_RESOLVE;
	transaction_take_recipients(transaction, &old);
	log_change(transaction, change, keep_some(transaction, &old, change));
	transaction_free_recipients(&old);
	add_more(transaction, change);
	if (transaction->failed != 0) {
		transaction_fail(transaction, transaction->failed);
	} else if (transaction->paths == 0) {
		log_event(LOG_NOTICE, "queue.discarded", KV_CONN(transaction->conn),
			  KV_STR("why", "milters have removed all recipients"));
		transaction_discard(transaction);
	} else {
		(void)evtimer_add(transaction->deadline, &wait);
	}
}

void
envelope_resolved(struct transaction *transaction)
{
	event_del(transaction->deadline);
	if (transaction->failed == 0 && transaction->deliveries == 0) {
		log_event(LOG_WARNING, "queue.no_recipient_left", KV_CONN(transaction->conn),
			  KV_STR("why", "milters have removed all recipients but those that can't "
					"be delivered to"));
		transaction_note_failure(transaction, QUEUE_UNAVAILABLE);
	}
	if (transaction->failed != 0)
		transaction_fail(transaction, transaction->failed);
	else
		transaction_checked(transaction);
}
