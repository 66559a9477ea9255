/* SPDX-License-Identifier: ISC */
#include "worker/filter/suffix.h"

#include <libpsl.h>
#include <stddef.h>

/* Loaded for the life of the process; NULL: the one that is built in. */
static const psl_ctx_t *loaded;

void
suffix_load(void)
{
	if (loaded == NULL)
		loaded = psl_latest(NULL);
}

const char *
suffix_organization(const char *name)
{
	const char *found = psl_registrable_domain(loaded != NULL ? loaded : psl_builtin(), name);

	return found != NULL ? found : name;
}
