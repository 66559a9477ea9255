/* SPDX-License-Identifier: ISC */
/*
 * arena - an allocator over one fixed piece of memory, which wipes what is given back.
 *
 * OpenSSL's secure heap holds the private numbers of a key, but not what it derives from them and
 * keeps (a Montgomery context has a copy of a prime) or has in passing (PEM text, a signature's
 * intermediate values). So all of libcrypto's memory comes from here, and the piece can be locked
 * and kept out of core files as a whole.
 *
 * Blocks are of fixed size classes, each with a list of free ones: constant time, no coalescing.
 * The caller locks.
 */
#ifndef POSTERN_CERTD_ARENA_H
#define POSTERN_CERTD_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_CLASSES 30

struct arena {
	uint8_t *base;
	size_t size;
	size_t used; /* bytes that have ever been handed out */
	void *free[ARENA_CLASSES];
};

/* MEMORY is 16-byte aligned, zero-filled, and stays the caller's. */
void arena_init(struct arena *, void *memory, size_t size);

/* 16-byte aligned; NULL if there is no room (or no class that large). */
void *arena_alloc(struct arena *, size_t size);

/* P is from arena_alloc(). Wipes it. A block that is given back twice aborts the process. */
void arena_free(struct arena *, void *p);

/* How many bytes P has room for: at least what was asked. */
size_t arena_size(const struct arena *, const void *p);

bool arena_owns(const struct arena *, const void *p);

#endif
