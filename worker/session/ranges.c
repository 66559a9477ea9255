/* SPDX-License-Identifier: ISC */
#include "worker/session/ranges.h"

#include <stdlib.h>
#include <string.h>

const struct store_range ranges_all = {1, UINT32_MAX};

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

int
ranges_append(struct ranges *ranges, uint32_t first, uint32_t last)
{
	if (ranges->count > 0 && first > 0 && ranges->list[ranges->count - 1].last == first - 1)
		ranges->list[ranges->count - 1].last = last;
	else if (make_room(ranges))
		ranges->list[ranges->count++] = (struct store_range){first, last};
	else
		return -1;
	return 0;
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

int
ranges_intersect(const struct store_range *list, size_t count, const struct store_range *other,
		 size_t other_count, struct ranges *both)
{
	size_t i = 0, o = 0;

	while (i < count && o < other_count) {
		uint32_t first = list[i].first > other[o].first ? list[i].first : other[o].first;
		uint32_t last = list[i].last < other[o].last ? list[i].last : other[o].last;

		if (first <= last)
			ranges_append(both, first, last);
		if (list[i].last < other[o].last)
			i++;
		else
			o++;
	}
	return both->failed ? -1 : 0;
}

int
ranges_subtract(struct ranges *ranges, const struct ranges *other)
{
	struct ranges left = {.list = NULL};
	size_t o = 0;

	if (other->count == 0)
		return 0;
	for (size_t i = 0; i < ranges->count; i++) {
		uint64_t first = ranges->list[i].first, last = ranges->list[i].last;

		while (o < other->count && other->list[o].last < first)
			o++;
		for (size_t at = o; at < other->count && other->list[at].first <= last; at++) {
			if (other->list[at].first > first)
				ranges_append(&left, (uint32_t)first, other->list[at].first - 1);
			first = (uint64_t)other->list[at].last + 1;
		}
		if (first <= last)
			ranges_append(&left, (uint32_t)first, (uint32_t)last);
	}
	if (left.failed) {
		ranges_clear(&left);
		return -1;
	}
	ranges_clear(ranges);
	*ranges = left;
	return 0;
}

int
ranges_unite(struct ranges *ranges, const struct ranges *other)
{
	size_t room = ranges->count + other->count;
	struct store_range *list;

	if (other->count == 0)
		return 0;
	if (room > ranges->room) {
		list = reallocarray(ranges->list, room, sizeof(*list));
		if (list == NULL)
			return -1;
		ranges->list = list;
		ranges->room = room;
	}
	memcpy(ranges->list + ranges->count, other->list, other->count * sizeof(*other->list));
	ranges->count = ranges_normalise(ranges->list, room);
	return 0;
}
