/* SPDX-License-Identifier: ISC */
#include "certd/arena.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define SMALLEST 32
#define IN_USE 0x75736564u
#define FREED 0x66726565u

/* In front of every block; keeps its alignment. */
struct block {
	uint32_t state;
	uint32_t class;
	uint64_t zero;
};
_Static_assert(sizeof(struct block) == ALIGNMENT, "blocks stay aligned");

/* 32, 48, 64, 96, 128, 192, ...: at most a third of a block is wasted. */
static size_t
class_size(uint32_t class)
{
	size_t size = (size_t)SMALLEST << (class / 2);

	return class % 2 == 0 ? size : size + size / 2;
}

static struct block *
block_of(const void *p)
{
	return (struct block *)(void *)((uint8_t *)(uintptr_t)p - sizeof(struct block));
}

void
arena_init(struct arena *arena, void *memory, size_t size)
{
	*arena = (struct arena){.base = memory, .size = size};
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct block *block;
	uint32_t class = 0;
	size_t whole;

	while (class < ARENA_CLASSES && class_size(class) < size)
		class ++;
	if (class == ARENA_CLASSES)
		return NULL;
	if (arena->free[class] != NULL) {
		void *p = arena->free[class];

		memcpy(&arena->free[class], p, sizeof(void *));
		memset(p, 0, sizeof(void *));
		block_of(p)->state = IN_USE;
		return p;
	}
	whole = sizeof(struct block) + class_size(class);
	if (arena->size - arena->used < whole)
		return NULL;
	block = (struct block *)(void *)(arena->base + arena->used);
	arena->used += whole;
	block->state = IN_USE;
	block->class = class;
	return block + 1;
}

void
arena_free(struct arena *arena, void *p)
{
	struct block *block = block_of(p);

	if (block->state != IN_USE || block->class >= ARENA_CLASSES)
		abort();
	explicit_bzero(p, class_size(block->class));
	block->state = FREED;
	memcpy(p, &arena->free[block->class], sizeof(void *));
	arena->free[block->class] = p;
}

size_t
arena_size(const struct arena *arena, const void *p)
{
	(void)arena;
	return class_size(block_of(p)->class);
}

bool
arena_owns(const struct arena *arena, const void *p)
{
	uintptr_t at = (uintptr_t)p, base = (uintptr_t)arena->base;

	return at >= base && at - base < arena->size;
}
