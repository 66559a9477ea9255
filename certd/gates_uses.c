/* SPDX-License-Identifier: ISC */
/* What each key was used for, on the channels that are there and on those that have ended. */
#include <stdlib.h>
#include <string.h>

#include "certd/gates_internal.h"

/* The counts of a channel that ends outlive it. */
void
uses_keep(struct gates *gates, const struct slot *slot)
{
	struct past *past;
	size_t count = 0;

	if (slot->uses.count == 0)
		return;
	STAILQ_FOREACH (past, &gates->past, entry) {
		if (strcmp(past->name, slot->name) == 0)
			break;
		count++;
	}
	if (past == NULL) {
		if (count == VAULT_MAX || (past = calloc(1, sizeof(*past))) == NULL)
			return;
		strlcpy(past->name, slot->name, sizeof(past->name));
		STAILQ_INSERT_TAIL(&gates->past, past, entry);
	}
	uses_add(&past->uses, &slot->uses);
}

void
uses_forget(struct gates *gates)
{
	struct past *past;

	while ((past = STAILQ_FIRST(&gates->past)) != NULL) {
		STAILQ_REMOVE_HEAD(&gates->past, entry);
		uses_free(&past->uses);
		free(past);
	}
}

static const struct uses *
uses_of(const struct gate *gate, const char *name)
{
	for (size_t i = 0; i < gate->slots.count; i++) {
		if (strcmp(gate->slots.list[i].name, name) == 0)
			return &gate->slots.list[i].uses;
	}
	return NULL;
}

static void
tell_uses(uint32_t gate, const struct uses *uses, gates_use_fn *each, void *arg)
{
	for (size_t i = 0; i < uses->count; i++)
		each(gate, &uses->list[i], arg);
}

void
gates_each_use(const struct gates *gates, const char *name, gates_use_fn *each, void *arg)
{
	struct uses others = {NULL, 0};
	const struct past *past;
	const struct gate *gate;
	size_t told = 0;

	TAILQ_FOREACH (gate, &gates->list, entry) {
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
		const struct uses *uses = uses_of(gate, name);

		if (uses == NULL)
			continue;
		told += uses->count;
		if (told > GATE_USES_MAX)
			uses_add(&others, uses);
		else
			tell_uses(gate->number, uses, each, arg);
	}
	tell_uses(GATE_OTHERS, &others, each, arg);
	uses_free(&others);
	STAILQ_FOREACH (past, &gates->past, entry) {
		if (strcmp(past->name, name) == 0)
			tell_uses(GATE_ENDED, &past->uses, each, arg);
	}
}
