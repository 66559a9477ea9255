/* SPDX-License-Identifier: ISC */
#include "worker/relay/taken.h"

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct item {
	RB_ENTRY(item) by_name;
	TAILQ_ENTRY(item) by_age;
	uint64_t id;
	bool dsn;
	struct reply reply;
	const char *path;
	char text[];
};
RB_HEAD(items, item);
TAILQ_HEAD(ages, item);

struct taken {
	struct items items;
	struct ages ages; /* the oldest first */
	size_t count, max;
};

static int
compare(const struct item *a, const struct item *b)
{
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return strcmp(a->path, b->path);
}

RB_GENERATE_INTERNAL(items, item, by_name, compare, static __attribute__((unused)))

struct taken *
taken_new(size_t max)
{
	struct taken *taken = calloc(1, sizeof(*taken));

	if (taken == NULL)
		return NULL;
	RB_INIT(&taken->items);
	TAILQ_INIT(&taken->ages);
	taken->max = max;
	return taken;
}

static void
item_free(struct taken *taken, struct item *item)
{
	RB_REMOVE(items, &taken->items, item);
	TAILQ_REMOVE(&taken->ages, item, by_age);
	taken->count--;
	free(item);
}

void
taken_free(struct taken *taken)
{
	struct item *item;

	if (taken == NULL)
		return;
	while ((item = TAILQ_FIRST(&taken->ages)) != NULL)
		item_free(taken, item);
	free(taken);
}

static void
add(struct taken *taken, uint64_t id, const struct client_recipient *recipient)
{
	size_t size = strlen(recipient->path) + 1;
	struct item *item = calloc(1, sizeof(*item) + size);

	if (item == NULL)
		return;
	item->id = id;
	item->dsn = recipient->dsn;
	item->reply = recipient->reply;
	item->path = memcpy(item->text, recipient->path, size);
	if (RB_INSERT(items, &taken->items, item) != NULL) {
		free(item);
		return;
	}
	TAILQ_INSERT_TAIL(&taken->ages, item, by_age);
	if (++taken->count > taken->max)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the one before has left the list */
		item_free(taken, TAILQ_FIRST(&taken->ages));
}

void
taken_add(struct taken *taken, uint64_t id, const struct client_mail *mail)
{
	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome == OUTCOME_DELIVERED)
			add(taken, id, &mail->recipients[i]);
	}
}

size_t
taken_apply(struct taken *taken, uint64_t id, struct client_mail *mail)
{
	size_t count = 0;

	for (size_t i = 0; i < mail->count; i++) {
		struct client_recipient *recipient = &mail->recipients[i];
		struct item key = {.id = id, .path = recipient->path};
		const struct item *item = RB_FIND(items, &taken->items, &key);

		if (item == NULL)
			continue;
		recipient->outcome = OUTCOME_DELIVERED;
		recipient->dsn = item->dsn;
		recipient->reply = item->reply;
		count++;
	}
	return count;
}
