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
	mail->seven_bit = transaction->parameters.body != BODY_7BIT &&
				  is_to_be_signed(transaction) && leaves(transaction)
			      ? 1
			      : 0;
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
