/* SPDX-License-Identifier: ISC */
/* arena - memory that is given back all at once: what one command became. */
#ifndef POSTERN_WORKER_SESSION_IMAP_ARENA_H
#define POSTERN_WORKER_SESSION_IMAP_ARENA_H

#include <stddef.h>

struct imap_arena_chunk;

/* All zero is an empty one. */
struct imap_arena {
	struct imap_arena_chunk *chunks;
	size_t used, room; /* of the newest chunk */
	size_t total;      /* octets of all chunks */
	size_t max;        /* of those */
};

/* Zeroed, fit for any type; NULL without memory or beyond the bound. */
void *imap_arena_alloc(struct imap_arena *, size_t size);

/*
 * Makes room for one more in an array of COUNT elements that only this function made: doubles it
 * when COUNT is a power of two. NULL as above; the old array stays.
 */
void *imap_arena_grow(struct imap_arena *, void *array, size_t count, size_t element);

/* Moves everything out of it, as it is, into TO, which must be empty. */
void imap_arena_move(struct imap_arena *, struct imap_arena *to);

/* Frees everything. */
void imap_arena_clear(struct imap_arena *);

#endif
