/* SPDX-License-Identifier: ISC */
/* What aliases.c (the list as the file has it) and alias_ways.c (where it leads) share. */
#ifndef POSTERN_COMMON_ALIASES_PRIVATE_H
#define POSTERN_COMMON_ALIASES_PRIVATE_H

#include <search.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/aliases.h"

/* An address of another host. */
struct elsewhere {
	const char *address; /* an alias' target */
	uint32_t seen;       /* the last alias that leads to it, counted from 1 */
};

struct aliases {
	struct alias *list;
	size_t count;
	struct hsearch_data index;
	bool indexed;
	const struct accounts *accounts;
};

/* Works out where all of the list leads. -1 with ERR and *LINE filled. */
int aliases_lead_all(struct aliases *, unsigned *line, struct error *);

#endif
