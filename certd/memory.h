/* SPDX-License-Identifier: ISC */
/*
 * memory - where keys live: locked (never swapped), left out of core files, wiped when given back.
 *
 * Two regions: OpenSSL's secure heap, with guard pages, for the private numbers themselves, and an
 * arena (arena.h) for everything else libcrypto allocates. Where RLIMIT_MEMLOCK allows, the whole
 * process is locked as well; elsewhere the stacks, as deep as signing uses them.
 */
#ifndef POSTERN_CERTD_MEMORY_H
#define POSTERN_CERTD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first thing in main(), before libcrypto has allocated anything and while the process may
 * still raise its limits. What can't be had is told by memory_report(). Without ARENA: for a
 * process that forks others, which would find their copy of the arena wiped.
 */
void memory_init(bool arena);

/*
 * Memory for the stack of a thread, locked and left out of core files as far as possible, with a
 * guard page below; for pthread_attr_setstack(3). It lives as long as the process. NULL with errno.
 */
void *memory_stack(size_t size);

/* Logs what is missing, and what to do about it. */
void memory_report(void);

#endif
