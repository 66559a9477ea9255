/* SPDX-License-Identifier: ISC */
#include "certd/ask.h"

#include "common/monotonic.h"

static int
refuse(const struct ask *ask, int reason, const char *why)
{
	const struct gc_refused refused = {.reason = (uint32_t)reason};
	const struct audit_refusal refusal = {
	    .peer = ipc_peer(ask->channel),
	    .key = ask->slot == NULL ? NULL : ask->slot->name,
	    .listener = ask->listener,
	    .scheme = ask->scheme,
	    .reason = reason,
	    .why = why,
	};

	audit_refused(ask->audit, ask->slot == NULL ? NULL : &ask->slot->uses, &refusal);
	(void)ipc_send(ask->channel, ask->refused_type, ask->id, &refused, NULL, 0, -1);
	return 0;
}

static int
sign(const struct ask *ask, const struct composed *composed, enum use_kind kind)
{
	const struct ipc_empty empty = {{0}};
	uint8_t signature[SIGNATURE_MAX];
	struct error err;
	size_t length;

	if (key_sign(ask->pair->key, composed, signature, &length, &err) == -1)
		return refuse(ask, GC_REFUSED_FAILED, err.text);
	uses_count(&ask->slot->uses, ask->listener, kind);
	(void)ipc_send(ask->channel, ask->signed_type, ask->id, &empty, (const char *)signature,
		       length, -1);
	return 0;
}

bool
ask_accept(struct ask *ask)
{
	ask->slot = slots_find(ask->slots, ask->key, ask->weak, &ask->pair);
	if (!rate_take(ask->rate, monotonic_milliseconds()))
		(void)refuse(ask, GC_REFUSED_RATE, NULL);
	else if (ask->slot == NULL)
		(void)refuse(ask, GC_REFUSED_KEY, NULL);
	else
		return true;
	return false;
}

int
ask_answer(const struct ask *ask, int reason, const struct composed *composed, enum use_kind kind)
{
	return reason != 0 ? refuse(ask, reason, NULL) : sign(ask, composed, kind);
}
