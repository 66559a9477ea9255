/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/relay/route.h"

void
route_explain(struct reply *why, unsigned code, const char *status, const char *text,
	      const char *name)
{
	memset(why, 0, sizeof(*why));
	why->code = code;
	snprintf(why->status, sizeof(why->status), "%s", status);
	snprintf(why->text, sizeof(why->text), "%s: %.200s", text, name);
}

/* The one that comes next behind PREFERENCE and those TAKEN of it already; NULL at the end. */
static const struct dns_record *
next_of(const struct dns_answer *answer, const bool *taken, uint32_t rotate, size_t *index)
{
	const struct dns_record *best = NULL;

	for (size_t n = 0; n < answer->count; n++) {
		size_t i = (n + rotate) % answer->count;

		if (taken[i] || (best != NULL && answer->records[i].preference >= best->preference))
			continue;
		best = &answer->records[i];
		*index = i;
	}
	return best;
}

/* The best preference that we are listed with ourselves; behind all others if we are not. */
static uint32_t
own_preference(const struct dns_answer *answer, const char *own)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->preference < best && strcasecmp(record->name, own) == 0)
			best = record->preference;
	}
	return best;
}

bool
route_order(const struct dns_answer *answer, const char *domain, const char *own, uint32_t rotate,
	    struct route_hosts *hosts, struct reply *why)
{
	uint32_t end = own_preference(answer, own);
	bool taken[DNS_RECORDS_MAX] = {false};
	const struct dns_record *record;
	size_t index = 0;

	hosts->count = 0;
	/* RFC 5321 5.1: the domain itself is the host only where there is no MX record at all. */
	if (answer->count == 0 && answer->left_out > 0) {
		route_explain(why, 550, "5.4.4", "no MX record names a host that there could be",
			      domain);
		return false;
	}
	if (answer->count == 0) {
		hosts->preferences[0] = 0;
		strlcpy(hosts->names[hosts->count++], domain, HOST_NAME_SIZE);
		return true;
	}
	while (hosts->count < ROUTE_HOSTS_MAX &&
	       (record = next_of(answer, taken, rotate, &index)) != NULL) {
		taken[index] = true;
		/* What is not preferred to us would send it back to us. */
		if (record->preference >= end)
			break;
		if (record->name[0] == '\0')
			continue;
		hosts->preferences[hosts->count] = record->preference;
		strlcpy(hosts->names[hosts->count++], record->name, HOST_NAME_SIZE);
	}
	if (hosts->count > 0)
		return true;
	if (end == UINT32_MAX)
		route_explain(why, 556, "5.1.10", "this domain takes no mail (null MX)", domain);
	else
		route_explain(why, ROUTE_LOOP_CODE, "5.4.6", ROUTE_LOOPS, domain);
	return false;
}
