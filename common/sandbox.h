/* SPDX-License-Identifier: ISC */
/*
 * sandbox - what a process may still do once it is set up.
 *
 * One struct sandbox_rules a role, defined next to the role's code, names everything: the system
 * calls (all others kill the process), and what may be done below the one directory that is handed
 * to it. sandbox_enter() applies no_new_privs, non-dumpable, resource limits, Landlock and seccomp,
 * in that order. There is no way back.
 */
#ifndef POSTERN_COMMON_SANDBOX_H
#define POSTERN_COMMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* What may be done below the role's directory (Landlock). */
enum sandbox_files {
	SANDBOX_NO_FILES,   /* nothing: no path can be opened at all */
	SANDBOX_READ,       /* open and list */
	SANDBOX_READ_WRITE, /* also create, write, truncate, rename, remove */
};

/* A system call that is allowed only where argument INDEX, masked with MASK, equals VALUE. */
struct sandbox_argument {
	const char *syscall;
	unsigned index;
	uint64_t mask;
	uint64_t value;
};

struct sandbox_rules {
	const char *role;
	enum sandbox_files files;
	const char *const *syscalls;              /* NULL-terminated, beside sandbox_base */
	const struct sandbox_argument *arguments; /* ends with a NULL syscall; may be NULL */
	uint64_t file_size;                       /* RLIMIT_FSIZE in bytes; 0: no limit */
	uint64_t descriptors;                     /* RLIMIT_NOFILE; 0: keep */
};

/* What every child needs: memory, clocks, its event loop, its channels, exit. */
extern const char *const sandbox_base[];

enum sandbox_mode {
	SANDBOX_REQUIRED,    /* refuse to start where the kernel lacks a part */
	SANDBOX_BEST_EFFORT, /* warn loudly and go on */
};

/*
 * Closes the sandbox around the calling process (all threads). DIRECTORY is the role's one
 * directory, or -1 with SANDBOX_NO_FILES. Returns 0, or -1 with ERR filled.
 */
int sandbox_enter(const struct sandbox_rules *, int directory, enum sandbox_mode, struct error *);

/* Landlock's version in this kernel, 0 where there is none. */
int sandbox_landlock_abi(void);

#endif
