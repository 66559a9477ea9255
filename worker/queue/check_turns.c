/* SPDX-License-Identifier: ISC */
#include "worker/queue/check_turns.h"

#include <stdlib.h>
#include <string.h>

#include "common/scores.h"
#include "worker/queue/flow.h"

enum { SUBMITTERS, STRANGERS };

TAILQ_HEAD(turn_list, check_turn);

/* There as long as it has a check. */
struct check_source {
	RB_ENTRY(check_source) by_key;
	TAILQ_ENTRY(check_source) in_ready;
	struct check_key key;
	struct turn_list waiting;
	size_t asked;
	bool ready; /* in its list of those who may have one more */
};

static int
compare_keys(const struct check_source *a, const struct check_source *b)
{
	if (a->key.stranger != b->key.stranger)
		return a->key.stranger ? 1 : -1;
	return memcmp(&a->key.address, &b->key.address, sizeof(a->key.address));
}

RB_GENERATE_INTERNAL(check_sources, check_source, by_key, compare_keys,
		     static __attribute__((unused)))

struct check_key
check_key_stranger(const struct in6_addr *address)
{
	return (struct check_key){.stranger = true, .address = counted_address(address)};
}

struct check_key
check_key_submitter(const char *name)
{
	struct check_key key = {.stranger = false};
	flow_id id = flow_of(name, "", "");

	memcpy(key.address.s6_addr, &id, sizeof(id));
	return key;
}

void
check_turns_init(struct check_turns *turns)
{
	*turns = (struct check_turns){.asked = 0};
	RB_INIT(&turns->sources);
	TAILQ_INIT(&turns->ready[SUBMITTERS]);
	TAILQ_INIT(&turns->ready[STRANGERS]);
}

static struct check_source *
source_of(struct check_turns *turns, const struct check_key *key)
{
	struct check_source wanted = {.key = *key};
	struct check_source *source = RB_FIND(check_sources, &turns->sources, &wanted);

	if (source != NULL)
		return source;
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return NULL;
	source->key = *key;
	TAILQ_INIT(&source->waiting);
	(void)RB_INSERT(check_sources, &turns->sources, source);
	return source;
}

/* Of those of its kind that may have one more. */
static struct check_source_list *
ready_list(struct check_turns *turns, const struct check_source *source)
{
	return &turns->ready[source->key.stranger ? STRANGERS : SUBMITTERS];
}

/* After any change: into its list or out of it. It may be gone when this returns. */
static void
settle(struct check_turns *turns, struct check_source *source)
{
	struct check_source_list *list = ready_list(turns, source);
	bool ready = !TAILQ_EMPTY(&source->waiting) && source->asked < CHECK_SOURCE_MAX;

	if (ready != source->ready) {
		source->ready = ready;
		if (ready)
			TAILQ_INSERT_TAIL(list, source, in_ready);
		else
			TAILQ_REMOVE(list, source, in_ready);
	}
	if (TAILQ_EMPTY(&source->waiting) && source->asked == 0) {
		(void)RB_REMOVE(check_sources, &turns->sources, source);
		free(source);
	}
}

int
check_turn_enter(struct check_turns *turns, const struct check_key *key, struct check_turn *turn)
{
	turn->source = source_of(turns, key);
	if (turn->source == NULL)
		return -1;
	turn->asked = false;
	TAILQ_INSERT_TAIL(&turn->source->waiting, turn, entry);
	settle(turns, turn->source);
	return 0;
}

struct check_turn *
check_turns_next(const struct check_turns *turns)
{
	const struct check_source *source = NULL;
	size_t asked_submitters = turns->asked - turns->asked_strangers;

	if (turns->asked >= CHECK_ASKED_MAX)
		return NULL;
	if (asked_submitters < CHECK_KIND_MAX)
		source = TAILQ_FIRST(&turns->ready[SUBMITTERS]);
	if (source == NULL && turns->asked_strangers < CHECK_KIND_MAX)
		source = TAILQ_FIRST(&turns->ready[STRANGERS]);
	return source == NULL ? NULL : TAILQ_FIRST(&source->waiting);
}

/* Counts it as asked (1), or not any more (-1). */
static void
count(struct check_turns *turns, struct check_turn *turn, int change)
{
	turn->asked = change > 0;
	turns->asked += (size_t)change;
	turn->source->asked += (size_t)change;
	if (turn->source->key.stranger)
		turns->asked_strangers += (size_t)change;
}

void
check_turn_ask(struct check_turns *turns, struct check_turn *turn)
{
	struct check_source *source = turn->source;
	struct check_source_list *list = ready_list(turns, source);

	TAILQ_REMOVE(&source->waiting, turn, entry);
	count(turns, turn, 1);
	/* It was ready, for its check was next. */
	TAILQ_REMOVE(list, source, in_ready);
	source->ready = false;
	settle(turns, source);
}

void
check_turn_back(struct check_turns *turns, struct check_turn *turn)
{
	count(turns, turn, -1);
	TAILQ_INSERT_HEAD(&turn->source->waiting, turn, entry);
	settle(turns, turn->source);
}

void
check_turn_leave(struct check_turns *turns, struct check_turn *turn)
{
	struct check_source *source = turn->source;

	if (turn->asked)
		count(turns, turn, -1);
	else
		TAILQ_REMOVE(&source->waiting, turn, entry);
	turn->source = NULL;
	settle(turns, source);
}
