/* SPDX-License-Identifier: ISC */
#include "worker/queue/check_mail.h"

#include <string.h>

#include "worker/queue/check.h"
#include "worker/queue/queue.h"
#include "worker/queue/sign.h"
#include "worker/queue/transaction.h"

enum filter_kind
check_kind(const struct transaction *transaction)
{
	if (transaction->source == transaction->queue->own)
		return FILTER_OWN;
	return transaction->submitter[0] != '\0' ? FILTER_SUBMITTER : FILTER_STRANGER;
}

/* Will it be signed, if filter finds a key for its domain? */
static bool
is_to_be_signed(const struct transaction *transaction)
{
	return transaction->queue->settings.filter_sign == 1 &&
	       signer_has_keys(transaction->queue->signer) &&
	       check_kind(transaction) != FILTER_STRANGER;
}

/* Does it go to another host? */
static bool
leaves(const struct transaction *transaction)
{
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &transaction->recipients, entry) {
		if (recipient->mailbox != NULL && recipient->mailbox[0] == '@')
			return true;
	}
	return false;
}

/*
 * Is it signed, and converted to 7 bits for that? Whether there is anything to convert its octets
 * say, which filter has: many clients send more than 7 bits without BODY=8BITMIME.
 */
static enum filter_leaves
leaves_signed(const struct transaction *transaction, enum filter_envelope envelope)
{
	if (!is_to_be_signed(transaction))
		return FILTER_STAYS;
	if (leaves(transaction))
		return FILTER_LEAVES;
	return envelope == FILTER_ENVELOPE_OFF ? FILTER_STAYS : FILTER_LEAVES_IF_ADDED;
}

static enum filter_envelope
envelope_of(const struct transaction *transaction)
{
	const struct mq_settings *settings = &transaction->queue->settings;

	switch (check_kind(transaction)) {
	case FILTER_STRANGER:
		return (enum filter_envelope)settings->filter_envelope_strangers;
	case FILTER_SUBMITTER:
		return (enum filter_envelope)settings->filter_envelope_submitters;
	default:
		return FILTER_ENVELOPE_OFF;
	}
}

void
check_describe(const struct transaction *transaction, uint32_t number, struct qf_mail *mail)
{
	memset(mail, 0, sizeof(*mail));
	mail->conn = transaction->conn;
	mail->id = transaction->id;
	mail->peer = transaction->peer;
	mail->check = number;
	mail->kind = check_kind(transaction);
	mail->tls = transaction->tls;
	mail->envelope = (uint8_t)envelope_of(transaction);
	mail->utf8 = (transaction->parameters.flags & MAIL_SMTPUTF8) != 0 ? 1 : 0;
	mail->mechanism = (uint8_t)transaction->source->mechanism;
	mail->seven_bit = leaves_signed(transaction, (enum filter_envelope)mail->envelope);
	if (transaction->helo != NULL)
		strlcpy(mail->helo, transaction->helo, sizeof(mail->helo));
	strlcpy(mail->submitter, transaction->submitter, sizeof(mail->submitter));
}

static bool
is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

size_t
check_recipients(const struct transaction *transaction)
{
	const struct recipient *recipient;
	size_t count = 0;

	STAILQ_FOREACH (recipient, &transaction->recipients, entry)
		count += recipient->question.path != NULL ? 1 : 0;
	return count;
}

bool
check_wanted(const struct transaction *transaction)
{
	const struct mq_settings *settings = &transaction->queue->settings;
	enum filter_kind kind = check_kind(transaction);
	uint32_t kinds = settings->filter_kinds;

	if (is_to_be_signed(transaction))
		kinds |= kind;
	if ((kinds & kind) == 0)
		return false;
	return kind != FILTER_STRANGER || settings->filter_local == 1 ||
	       !is_loopback(&transaction->peer.address);
}
