/* SPDX-License-Identifier: ISC */
#include "worker/relay/dane.h"

#include <stdlib.h>

struct dane *
dane_new(void)
{
	struct dane *dane = calloc(1, sizeof(*dane));

	if (dane != NULL)
		dane->references = 1;
	return dane;
}

struct dane *
dane_hold(struct dane *dane)
{
	if (dane != NULL)
		dane->references++;
	return dane;
}

struct dane *
dane_failed(void)
{
	/* Has a reference too many: it is never freed. */
	static struct dane failed = {.references = 1, .state = DANE_FAILED};

	return dane_hold(&failed);
}

void
dane_release(struct dane *dane)
{
	if (dane != NULL && --dane->references == 0)
		free(dane);
}
