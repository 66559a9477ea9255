/* SPDX-License-Identifier: ISC */
#include "worker/session/store/ranges.h"

#include <stdlib.h>

const struct store_range ranges_all = {1, UINT32_MAX};

int
ranges_add(struct ranges *ranges, uint32_t first, uint32_t last)
{
	struct store_range *bigger;
	size_t more;

	if (ranges->count > 0 && first > 0 && ranges->list[ranges->count - 1].last == first - 1) {
		ranges->list[ranges->count - 1].last = last;
		return 0;
	}
	if (ranges->count == ranges->room) {
		more = ranges->room + ranges->room / 2 + 8;
		bigger = reallocarray(ranges->list, more, sizeof(*bigger));
		if (bigger == NULL)
			return -1;
		ranges->list = bigger;
		ranges->room = more;
	}
	ranges->list[ranges->count++] = (struct store_range){first, last};
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct store_range *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

void
ranges_normalize(struct ranges *ranges)
{
	size_t out = 0;

	if (ranges->count == 0)
		return;
	qsort(ranges->list, ranges->count, sizeof(*ranges->list), compare);
	for (size_t i = 1; i < ranges->count; i++) {
		struct store_range *last = &ranges->list[out];

		/* 64 bits: last may be the greatest UID. */
		if (ranges->list[i].first > (uint64_t)last->last + 1)
			ranges->list[++out] = ranges->list[i];
		else if (ranges->list[i].last > last->last)
			last->last = ranges->list[i].last;
	}
	ranges->count = out + 1;
}
