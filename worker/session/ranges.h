/* SPDX-License-Identifier: ISC */
/*
 * ranges - lists of UIDs or sequence numbers as ranges: ascending, without overlap, neighbours
 * joined. Pure functions.
 */
#ifndef POSTERN_WORKER_SESSION_RANGES_H
#define POSTERN_WORKER_SESSION_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

struct ranges {
	struct store_range *list;
	size_t count, room;
	bool failed; /* no memory: the list is not whole */
};

void ranges_clear(struct ranges *);

/* What a NULL list of ranges stands for: all UIDs. */
extern const struct store_range ranges_all;

/*
 * Adds FIRST..LAST behind what is there. FIRST is greater than the last number, or the list is
 * normalised afterwards. 0, or -1 without memory, which FAILED keeps too.
 */
int ranges_append(struct ranges *, uint32_t first, uint32_t last);

/* Sorts and joins RANGES, which may be in any order and overlap. Returns how many are left. */
size_t ranges_normalise(struct store_range *, size_t count);

/* Is NUMBER in it? Logarithmic. */
bool ranges_contain(const struct store_range *, size_t count, uint32_t number);

/* Appends what is in both lists, each in order, to BOTH. -1: no memory. */
int ranges_intersect(const struct store_range *, size_t count, const struct store_range *other,
		     size_t other_count, struct ranges *both);
/* Takes out, or adds, what is in OTHER. -1: no memory, and nothing is changed. */
int ranges_subtract(struct ranges *, const struct ranges *other);
int ranges_unite(struct ranges *, const struct ranges *other);

/* How many numbers are in it. */
uint64_t ranges_total(const struct store_range *, size_t count);

#endif
