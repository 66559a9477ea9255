/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK 1024u
#define LARGEST_CHUNK 65536u /* but for one thing that is larger */

struct imap_arena_chunk {
	struct imap_arena_chunk *next;
	alignas(max_align_t) char bytes[];
};

static int
add_chunk(struct imap_arena *arena, size_t size)
{
	size_t room = arena->room == 0 ? FIRST_CHUNK : arena->room * 2;
	struct imap_arena_chunk *chunk;

	if (room > LARGEST_CHUNK)
		room = LARGEST_CHUNK;
	if (room < size)
		room = size;
	if (room > arena->max - arena->total)
		return -1;
	chunk = malloc(sizeof(*chunk) + room);
	if (chunk == NULL)
		return -1;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->room = room;
	arena->used = 0;
	arena->total += room;
	return 0;
}

void *
imap_arena_alloc(struct imap_arena *arena, size_t size)
{
	const size_t step = alignof(max_align_t);
	void *bytes;

	if (size > arena->max)
		return NULL;
	size = (size + step - 1) / step * step;
	if (size > arena->room - arena->used && add_chunk(arena, size) != 0)
		return NULL;
	if (arena->chunks == NULL && add_chunk(arena, step) != 0)
		return NULL; /* of size 0 */
	bytes = arena->chunks->bytes + arena->used;
	arena->used += size;
	return memset(bytes, 0, size);
}

void *
imap_arena_grow(struct imap_arena *arena, void *array, size_t count, size_t element)
{
	void *larger;

	if (count != 0 && (count & (count - 1)) != 0)
		return array;
	if (count > SIZE_MAX / 2 / element)
		return NULL;
	larger = imap_arena_alloc(arena, (count == 0 ? 1 : count * 2) * element);
	if (larger != NULL && count > 0)
		memcpy(larger, array, count * element);
	return larger;
}

void
imap_arena_clear(struct imap_arena *arena)
{
	struct imap_arena_chunk *chunk;

	while ((chunk = arena->chunks) != NULL) {
		arena->chunks = chunk->next;
		free(chunk);
	}
	arena->used = arena->room = arena->total = 0;
}

void
imap_arena_move(struct imap_arena *arena, struct imap_arena *to)
{
	*to = *arena;
	arena->chunks = NULL;
	arena->used = arena->room = arena->total = 0;
}
