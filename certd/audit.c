/* SPDX-License-Identifier: ISC */
#include "certd/audit.h"

#include <stdio.h>

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
	}
	return "unknown";
}

void
audit_refused(struct audit_channel *channel, struct audit_use *use, const char *peer,
	      const char *key, uint16_t scheme, int reason, const char *why)
{
	char number[8];

	if (use != NULL)
		use->refused++;
	else
		channel->unnamed++;
	if (channel->refused++ >= AUDIT_REFUSALS_MAX)
		return;
	snprintf(number, sizeof(number), "0x%04x", scheme);
	log_event(LOG_WARNING, "certd.refused", KV_STR("peer", peer),
		  KV_STR("key", key != NULL ? key : "-"), KV_STR("scheme", number),
		  KV_STR("what", audit_refusal_text(reason)),
		  KV_STR("why", why != NULL ? why : "-"));
}

void
audit_summary(struct audit_use *use, const char *peer, const char *key)
{
	if (use->tls13 == 0 && use->tls12 == 0 && use->refused == 0)
		return;
	log_event(LOG_INFO, "certd.use", KV_STR("key", key), KV_STR("peer", peer),
		  KV_U64("tls13", use->tls13), KV_U64("tls12", use->tls12),
		  KV_U64("refused", use->refused));
	*use = (struct audit_use){0};
}

void
audit_interval(struct audit_channel *channel, const char *peer)
{
	if (channel->unnamed != 0 || channel->refused > AUDIT_REFUSALS_MAX)
		log_event(LOG_WARNING, "certd.refusals", KV_STR("peer", peer),
			  KV_U64("count", channel->refused), KV_U64("unnamed", channel->unnamed));
	*channel = (struct audit_channel){0};
}
