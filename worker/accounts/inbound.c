/* SPDX-License-Identifier: ISC */
#include "worker/accounts/inbound.h"

#include <stdlib.h>
#include <string.h>

int
inbound_add(struct inbound *inbound, const char *domain)
{
	char **names = reallocarray(inbound->names, inbound->count + 1, sizeof(*names));

	if (names == NULL)
		return -1;
	inbound->names = names;
	names[inbound->count] = strdup(domain);
	if (names[inbound->count] == NULL)
		return -1;
	inbound->count++;
	return 0;
}

bool
inbound_has(const struct inbound *inbound, const char *domain)
{
	for (size_t i = 0; i < inbound->count; i++) {
		if (strcmp(inbound->names[i], domain) == 0)
			return true;
	}
	return false;
}

void
inbound_clear(struct inbound *inbound)
{
	for (size_t i = 0; i < inbound->count; i++)
		free(inbound->names[i]);
	free(inbound->names);
	*inbound = (struct inbound){NULL, 0};
}
