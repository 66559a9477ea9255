/* SPDX-License-Identifier: ISC */
#include "worker/gate/defence.h"

#include <stdlib.h>
#include <string.h>

#include "common/monotonic.h"
#include "common/proto/master_gate.h"
#include "common/scores.h"
#include "worker/gate/networks.h"

#define ADDRESSES_MAX 65536    /* a table; 100 bytes each */
#define WAITED_FORGET 86400000 /* milliseconds: postscreen(8) has the same day */
#define ERROR_FORGET 60000

int
defence_step(uint32_t errors)
{
	if (errors <= DEFENCE_FREE)
		return -1;
	errors -= DEFENCE_FREE + 1;
	return errors < DEFENCE_STEPS ? (int)errors : DEFENCE_STEPS - 1;
}

int
defences_open(struct defences *d, struct event_base *base, const struct mg_settings *settings,
	      void (*greeted)(struct deadline *), void (*released)(struct deadline *),
	      struct error *err)
{
	d->waited = scores_new(ADDRESSES_MAX);
	d->errors = scores_new(ADDRESSES_MAX);
	if (d->waited == NULL || d->errors == NULL ||
	    deadlines_open(&d->greeting, base, settings->greeting_pause, greeted) == -1)
		return error_set(err, "out of memory");
	for (uint32_t i = 0; i < DEFENCE_STEPS; i++) {
		uint32_t seconds = 1U << i;

		if (seconds > settings->tarpit)
			seconds = settings->tarpit;
		if (deadlines_open(&d->tarpit[i], base, seconds, released) == -1)
			return error_set(err, "out of memory");
	}
	return 0;
}

int
defences_exempt(struct defences *d, enum mg_exempt_kind kind, const struct network *networks,
		size_t count)
{
	struct exempt *exempt = &d->exempt[kind];
	struct network *copy = NULL;

	if (count > 0) {
		copy = reallocarray(NULL, count, sizeof(*copy));
		if (copy == NULL)
			return -1;
		memcpy(copy, networks, count * sizeof(*copy));
	}
	free(exempt->networks);
	exempt->networks = copy;
	exempt->count = count;
	return 0;
}

bool
defences_is_exempt(const struct defences *d, enum mg_exempt_kind kind,
		   const struct in6_addr *address)
{
	for (unsigned i = 0; i <= (unsigned)kind; i++) {
		if (networks_contain(d->exempt[i].networks, d->exempt[i].count, address))
			return true;
	}
	return false;
}

bool
defences_has_waited(struct defences *d, const struct in6_addr *address)
{
	const struct score score = {.address = *address, .forget = WAITED_FORGET};

	return scores_get(d->waited, &score, monotonic_milliseconds()) > 0;
}

void
defences_note_waited(struct defences *d, const struct in6_addr *address)
{
	const struct score score = {.address = *address, .forget = WAITED_FORGET};

	if (scores_get(d->waited, &score, monotonic_milliseconds()) == 0)
		(void)scores_add(d->waited, &score, monotonic_milliseconds());
}

struct deadlines *
defences_note_error(struct defences *d, const struct in6_addr *address, uint32_t own)
{
	const struct score score = {.address = *address, .forget = ERROR_FORGET};
	uint32_t errors = scores_add(d->errors, &score, monotonic_milliseconds());
	int step = defence_step(errors > own ? errors : own);

	return step == -1 || d->tarpit[step].milliseconds == 0 ? NULL : &d->tarpit[step];
}
