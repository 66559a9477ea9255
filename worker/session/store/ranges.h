/* SPDX-License-Identifier: ISC */
/* ranges - a growing list of UID ranges. */
#ifndef POSTERN_WORKER_SESSION_STORE_RANGES_H
#define POSTERN_WORKER_SESSION_STORE_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

struct ranges {
	struct store_range *list; /* free() it, or give it away */
	size_t count;
	size_t room;
};

/* What a NULL list of ranges stands for. */
extern const struct store_range ranges_all;

/* Adds FIRST..LAST behind, or joins it with the last range. 0, or -1 without memory. */
int ranges_add(struct ranges *, uint32_t first, uint32_t last);

/* Sorts them and joins what touches or overlaps. */
void ranges_normalize(struct ranges *);

#endif
