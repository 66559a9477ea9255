/* SPDX-License-Identifier: ISC */
/*
 * sandbox - what a process may still do once it is set up.
 *
 * One struct sandbox_rules a role, defined next to the role's code, names everything: the system
 * calls (all others kill the process), and what may be done below the one directory that is handed
 * to it. It closes in two steps, so that threads a role needs can be started in between and are
 * inside both: sandbox_close_files() (no_new_privs, non-dumpable, limits, Landlock), then
 * sandbox_close_syscalls() (seccomp, for all threads). There is no way back from either.
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
	const char *const *syscalls;              /* NULL-terminated, beside the base list */
	const struct sandbox_argument *arguments; /* ends with a NULL syscall; may be NULL */
	uint64_t file_size;                       /* RLIMIT_FSIZE in bytes; 0: no limit */
	uint64_t descriptors;                     /* RLIMIT_NOFILE; 0: keep */
	bool forks;                               /* no limit of 0 to its processes */
	bool connects;                            /* TCP: no limit by Landlock to connect(2) */
};

/*
 * What every child needs: memory (never executable), clocks, its event loop, its channels, its log,
 * exit. NULL-terminated.
 */
extern const char *const sandbox_base_syscalls[];

enum sandbox_mode {
	SANDBOX_REQUIRED,    /* fail where the kernel lacks a part */
	SANDBOX_BEST_EFFORT, /* warn loudly and go on */
};

/*
 * From here on the process can't gain privileges, be traced or dumped, and reaches only what is
 * below DIRECTORY (-1 with SANDBOX_NO_FILES); descriptors that are already open go on working.
 * Where the kernel's Landlock knows them, also no TCP bind or connect, no signals and no abstract
 * sockets to processes outside. Call before threads are started: Landlock binds the calling thread
 * and its descendants. Returns 0, or -1 with ERR filled.
 */
int sandbox_close_files(const struct sandbox_rules *, int directory, enum sandbox_mode,
			struct error *);

/* From here on any system call that is not listed kills the process. 0, or -1 with ERR filled. */
int sandbox_close_syscalls(const struct sandbox_rules *, enum sandbox_mode, struct error *);

/* The version of Landlock in this kernel, 0 where there is none. */
int sandbox_landlock_abi(void);

#endif
