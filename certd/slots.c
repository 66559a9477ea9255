/* SPDX-License-Identifier: ISC */
#include "certd/slots.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 16 /* of a handle; the rest is the generation */
#define SLOTS_MAX (4 * VAULT_MAX)
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

static uint16_t
generation_of(const struct slot *slot)
{
	return (uint16_t)(slot->entry->generation + slot->offset);
}

struct slot *
slots_for(struct slots *slots, const char *name)
{
	struct slot *slot;

	for (size_t i = 0; i < slots->count; i++) {
		if (strcmp(slots->list[i].name, name) == 0)
			return &slots->list[i];
	}
	if (slots->count == SLOTS_MAX)
		return NULL;
	if (slots->count == slots->size) {
		size_t size = slots->size == 0 ? 8 : slots->size * 2;

		slot = recallocarray(slots->list, slots->size, size, sizeof(*slot));
		if (slot == NULL)
			return NULL;
		slots->list = slot;
		slots->size = size;
	}
	slot = &slots->list[slots->count++];
	strlcpy(slot->name, name, sizeof(slot->name));
	return slot;
}

bool
slots_have(const struct slots *slots, const struct vault_entry *entry)
{
	for (size_t i = 0; i < slots->count; i++) {
		if (slots->list[i].entry == entry)
			return true;
	}
	return false;
}

/* Handle 0 is none: slots count from 1. */
uint32_t
slots_handle(const struct slots *slots, const struct slot *slot)
{
	return (uint32_t)(slot - slots->list + 1) | (uint32_t)generation_of(slot) << SLOT_BITS;
}

struct slot *
slots_find(struct slots *slots, uint32_t handle, bool weak, struct pair **pair)
{
	uint32_t number = handle & SLOT_MASK;
	uint16_t age;
	struct slot *slot;

	if (number == 0 || number > slots->count)
		return NULL;
	slot = &slots->list[number - 1];
	if (slot->entry == NULL)
		return NULL;
	age = (uint16_t)(generation_of(slot) - (uint16_t)(handle >> SLOT_BITS));
	if (age == 0)
		*pair = slot->entry->pair;
	else if (age <= VAULT_PREVIOUS)
		*pair = slot->entry->previous[age - 1].pair;
	else
		*pair = NULL;
	/* What was weak and has been replaced is as weak as it was. */
	if (*pair != NULL && key_is_weak((*pair)->key) && !weak)
		*pair = NULL;
	return *pair == NULL ? NULL : slot;
}

/* Room for the earlier keys of whatever comes: their handles must not be of use again. */
void
slot_withdraw(struct slot *slot)
{
	slot->offset = (uint16_t)(generation_of(slot) + VAULT_PREVIOUS + 1);
	slot->entry = NULL;
}
