/* SPDX-License-Identifier: ISC */
#include "certd/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

const char *
audit_refusal_text(int reason)
{
	switch ((enum gc_refusal)reason) {
	case GC_REFUSED_KEY:
		return "no key of this channel";
	case GC_REFUSED_SCHEME:
		return "a scheme that this key or version of TLS can't use";
	case GC_REFUSED_LENGTH:
		return "a hash or point of a wrong length";
	case GC_REFUSED_CURVE:
		return "not a known curve, or not a point of it";
	case GC_REFUSED_FAILED:
		return "the library failed";
	case GC_REFUSED_RATE:
		return "more requests than a gate can have handshakes";
	case GC_REFUSED_TRANSCRIPT:
		return "no handshake of a client that shows this certificate";
	}
	return "unknown";
}

void
audit_refused(struct audit_channel *channel, struct uses *uses, const struct audit_refusal *refusal)
{
	const struct use at = {.known = refusal->listener != NULL,
			       .listener = refusal->listener != NULL ? *refusal->listener
								     : (struct gc_listener){0}};
	char number[8], label[USE_LABEL_SIZE];

	if (uses != NULL)
		uses_count(uses, refusal->listener, USE_REFUSED);
	else
		channel->unnamed++;
	if (channel->refused++ >= AUDIT_REFUSALS_MAX)
		return;
	snprintf(number, sizeof(number), "0x%04x", refusal->scheme);
	log_event(LOG_WARNING, "certd.refused", KV_STR("peer", refusal->peer),
		  KV_STR("key", refusal->key != NULL ? refusal->key : "-"),
		  KV_STR("listener", use_label(&at, label)), KV_STR("scheme", number),
		  KV_STR("what", audit_refusal_text(refusal->reason)),
		  KV_STR("why", refusal->why != NULL ? refusal->why : "-"));
}

void
audit_summary(struct uses *uses, const char *peer, const char *key)
{
	uint64_t sums[USE_KINDS] = {0};
	char listeners[LOG_VALUE_MAX] = "", label[USE_LABEL_SIZE];

	for (size_t i = 0; i < uses->count; i++) {
		struct use *use = &uses->list[i];
		uint64_t here = use->recent[USE_TLS13] + use->recent[USE_TLS12];
		size_t used = strlen(listeners);

		for (int kind = 0; kind < USE_KINDS; kind++) {
			sums[kind] += use->recent[kind];
			use->recent[kind] = 0;
		}
		if (here > 0)
			snprintf(listeners + used, sizeof(listeners) - used, "%s%s=%" PRIu64,
				 used > 0 ? " " : "", use_label(use, label), here);
	}
	if (sums[USE_TLS13] == 0 && sums[USE_TLS12] == 0 && sums[USE_REFUSED] == 0)
		return;
	log_event(LOG_INFO, "certd.use", KV_STR("key", key), KV_STR("peer", peer),
		  KV_U64("tls13", sums[USE_TLS13]), KV_U64("tls12", sums[USE_TLS12]),
		  KV_U64("refused", sums[USE_REFUSED]), KV_STR("listeners", listeners));
}

void
audit_interval(struct audit_channel *channel, const char *peer)
{
	if (channel->unnamed != 0 || channel->refused > AUDIT_REFUSALS_MAX)
		log_event(LOG_WARNING, "certd.refusals", KV_STR("peer", peer),
			  KV_U64("count", channel->refused), KV_U64("unnamed", channel->unnamed));
	*channel = (struct audit_channel){0};
}
