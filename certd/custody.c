/* SPDX-License-Identifier: ISC */
#include "certd/custody.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_of(const struct use *use, const struct gc_listener *listener)
{
	if (listener == NULL || !use->known)
		return listener == NULL && !use->known;
	return use->listener.service == listener->service && use->listener.port == listener->port;
}

static struct use *
use_of(struct uses *uses, const struct gc_listener *listener)
{
	struct use *list;

	for (size_t i = 0; i < uses->count; i++) {
		if (is_of(&uses->list[i], listener))
			return &uses->list[i];
	}
	list = reallocarray(uses->list, uses->count + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	uses->list = list;
	list += uses->count++;
	*list = (struct use){.known = listener != NULL};
	if (listener != NULL)
		list->listener = *listener;
	return list;
}

void
uses_count(struct uses *uses, const struct gc_listener *listener, enum use_kind kind)
{
	struct use *use = use_of(uses, listener);

	if (use == NULL)
		return;
	use->total[kind]++;
	use->recent[kind]++;
}

void
uses_add(struct uses *uses, const struct uses *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct use *other = &from->list[i];
		struct use *use = use_of(uses, other->known ? &other->listener : NULL);

		for (int kind = 0; use != NULL && kind < USE_KINDS; kind++)
			use->total[kind] += other->total[kind];
	}
}

void
uses_free(struct uses *uses)
{
	free(uses->list);
	*uses = (struct uses){NULL, 0};
}

const char *
use_label(const struct use *use, char *out)
{
	static const char *const services[SERVICE_COUNT] = {
	    [SERVICE_SMTP] = "smtp",
	    [SERVICE_SUBMISSION] = "submission",
	    [SERVICE_POP3] = "pop3",
	    [SERVICE_IMAP] = "imap",
	};

	if (use->known && use->listener.service == USE_OUTGOING)
		strlcpy(out, "relay", USE_LABEL_SIZE);
	else if (!use->known || use->listener.service >= SERVICE_COUNT)
		strlcpy(out, "unknown", USE_LABEL_SIZE);
	else
		snprintf(out, USE_LABEL_SIZE, "%s:%u", services[use->listener.service],
			 use->listener.port);
	return out;
}

bool
rate_take(struct rate *rate, int64_t now)
{
	const int64_t full = (int64_t)RATE_BURST * 1000;
	int64_t elapsed = rate->last == 0 ? 1000 : now - rate->last;

	if (elapsed > 1000)
		elapsed = 1000; /* fills it, and does not overflow */
	if (elapsed > 0)
		rate->tokens += elapsed * RATE_PER_SECOND;
	if (rate->tokens > full)
		rate->tokens = full;
	rate->last = now;
	if (rate->tokens < 1000)
		return false;
	rate->tokens -= 1000;
	return true;
}
