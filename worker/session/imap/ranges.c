/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/ranges.h"

#include <stdlib.h>

void
ranges_clear(struct ranges *ranges)
{
	free(ranges->list);
	*ranges = (struct ranges){.list = NULL};
}

static bool
make_room(struct ranges *ranges)
{
	struct store_range *bigger;
	size_t room = ranges->room + ranges->room / 2 + 16;

	if (ranges->count < ranges->room)
		return true;
	bigger = reallocarray(ranges->list, room, sizeof(*bigger));
	if (bigger == NULL) {
		ranges->failed = true;
		return false;
	}
	ranges->list = bigger;
	ranges->room = room;
	return true;
}

void
ranges_append(struct ranges *ranges, uint32_t first, uint32_t last)
{
	if (ranges->count > 0 && first > 0 && ranges->list[ranges->count - 1].last == first - 1)
		ranges->list[ranges->count - 1].last = last;
	else if (make_room(ranges))
		ranges->list[ranges->count++] = (struct store_range){first, last};
}

static int
compare(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

size_t
ranges_normalise(struct store_range *list, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(list, count, sizeof(*list), compare);
	for (size_t i = 1; i < count; i++) {
		struct store_range *last = &list[kept];

		if (last->last == UINT32_MAX || list[i].first <= last->last + 1) {
			if (list[i].last > last->last)
				last->last = list[i].last;
		} else {
			list[++kept] = list[i];
		}
	}
	return kept + 1;
}

bool
ranges_contain(const struct store_range *list, size_t count, uint32_t number)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && list[low].first <= number;
}

uint64_t
ranges_total(const struct store_range *list, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += (uint64_t)list[i].last - list[i].first + 1;
	return total;
}
