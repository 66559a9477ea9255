/* SPDX-License-Identifier: ISC */
#include "certd/refusals.h"

#include <stdlib.h>
#include <string.h>

void
refusals_init(struct refusals *refusals)
{
	STAILQ_INIT(&refusals->list);
	refusals->count = 0;
}

static struct refusal *
find(const struct refusals *refusals, const char *name)
{
	struct refusal *refusal;

	STAILQ_FOREACH (refusal, &refusals->list, entry) {
		if (strcmp(refusal->name, name) == 0)
			return refusal;
	}
	return NULL;
}

const struct refusal *
refusals_find(const struct refusals *refusals, const char *name)
{
	return find(refusals, name);
}

void
refusals_set(struct refusals *refusals, const char *name, const char *why)
{
	char key[CERT_NAME_SIZE];
	struct refusal *refusal;

	strlcpy(key, name, sizeof(key));
	refusal = find(refusals, key);
	if (refusal == NULL) {
		if (refusals->count == REFUSALS_MAX ||
		    (refusal = calloc(1, sizeof(*refusal))) == NULL)
			return;
		strlcpy(refusal->name, key, sizeof(refusal->name));
		STAILQ_INSERT_TAIL(&refusals->list, refusal, entry);
		refusals->count++;
	}
	strlcpy(refusal->why, why, sizeof(refusal->why));
}

void
refusals_clear(struct refusals *refusals, const char *name)
{
	struct refusal *refusal, *next;

	for (refusal = STAILQ_FIRST(&refusals->list); refusal != NULL; refusal = next) {
		next = STAILQ_NEXT(refusal, entry);
		if (name != NULL && strcmp(refusal->name, name) != 0)
			continue;
		STAILQ_REMOVE(&refusals->list, refusal, refusal, entry);
		refusals->count--;
		free(refusal);
	}
}
