/* SPDX-License-Identifier: ISC */
#include "common/scores.h"

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

struct entry {
	RB_ENTRY(entry) tree;
	TAILQ_ENTRY(entry) use; /* the first is the one unused longest */
	struct in6_addr address;
	uint32_t group;
	uint32_t count;
	int64_t updated; /* up to when it has faded */
};
RB_HEAD(entries, entry);
TAILQ_HEAD(uses, entry);

struct scores {
	struct entries entries;
	struct uses uses;
	size_t count;
	size_t max;
};

static int
compare(const struct entry *a, const struct entry *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return memcmp(&a->address, &b->address, sizeof(a->address));
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(entries, entry, tree, compare, static __attribute__((unused)))

struct scores *
scores_new(size_t max)
{
	struct scores *scores = calloc(1, sizeof(*scores));

	if (scores == NULL)
		return NULL;
	TAILQ_INIT(&scores->uses);
	scores->max = max;
	return scores;
}

static void
drop(struct scores *scores, struct entry *entry)
{
	RB_REMOVE(entries, &scores->entries, entry);
	TAILQ_REMOVE(&scores->uses, entry, use);
	scores->count--;
	free(entry);
}

void
scores_free(struct scores *scores)
{
	struct entry *entry;

	if (scores == NULL)
		return;
	while ((entry = TAILQ_FIRST(&scores->uses)) != NULL)
		drop(scores, entry);
	free(scores);
}

struct in6_addr
counted_address(const struct in6_addr *address)
{
	struct in6_addr key = *address;

	if (!IN6_IS_ADDR_V4MAPPED(address) && !IN6_IS_ADDR_LOOPBACK(address))
		memset(&key.s6_addr[8], 0, 8);
	return key;
}

static void
fade(struct entry *entry, int64_t forget, int64_t now)
{
	int64_t forgotten = (now - entry->updated) / forget;

	if (forgotten >= entry->count) {
		entry->count = 0;
		entry->updated = now;
		return;
	}
	entry->count -= (uint32_t)forgotten;
	entry->updated += forgotten * forget;
}

/* NULL: there is none. */
static struct entry *
find(struct scores *scores, const struct score *score, int64_t now)
{
	struct entry key = {.group = score->group, .address = counted_address(&score->address)};
	struct entry *entry = RB_FIND(entries, &scores->entries, &key);

	if (entry == NULL)
		return NULL;
	fade(entry, score->forget, now);
	TAILQ_REMOVE(&scores->uses, entry, use);
	TAILQ_INSERT_TAIL(&scores->uses, entry, use);
	return entry;
}

uint32_t
scores_get(struct scores *scores, const struct score *score, int64_t now)
{
	const struct entry *entry = find(scores, score, now);

	return entry == NULL ? 0 : entry->count;
}

uint32_t
scores_add(struct scores *scores, const struct score *score, int64_t now)
{
	struct entry *entry = find(scores, score, now);

	if (entry == NULL) {
		if (scores->count >= scores->max)
			drop(scores, TAILQ_FIRST(&scores->uses));
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return 1;
		entry->address = counted_address(&score->address);
		entry->group = score->group;
		entry->updated = now;
		RB_INSERT(entries, &scores->entries, entry);
		TAILQ_INSERT_TAIL(&scores->uses, entry, use);
		scores->count++;
	}
	if (entry->count < UINT32_MAX)
		entry->count++;
	return entry->count;
}

size_t
scores_size(const struct scores *scores)
{
	return scores->count;
}
