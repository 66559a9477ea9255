/* SPDX-License-Identifier: ISC */
/*
 * child - the life of every child process, the same for the roles of postern-worker, for
 * postern-gate and for postern-certd, whether the master or posternctl started it.
 *
 * A child inherits descriptor 2 (the log) and descriptor 3 (its control channel), nothing else, and
 * an empty environment. Its arguments are its role's name and the log format. It then goes through
 * the states of master_child.h:
 *
 *   becomes its identity (uid, gid, chroot), role->init()
 *   CHILD_STARTING   the role's handlers take settings, listeners, channels, its directory
 *   MC_START         files are closed off, role->prepare(), system calls are, role->run()
 *   CHILD_RUNNING    the role calls child_ready() as soon as it can serve
 *   MC_DRAIN         role->drain(): takes no new work, calls child_exit() when the last is done
 *   MC_SHUTDOWN      (or the master is gone) role->shutdown(), exit
 */
#ifndef POSTERN_COMMON_CHILD_H
#define POSTERN_COMMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/proto/master_child.h"
#include "common/sandbox.h"

struct event_base;

#define CHILD_CONTROL_FD 3

/*
 * -- In the child ---------------------------------------------------------------
 */

struct child;

/* What a role is. Functions that return int return -1 with ERR filled: the child logs it and dies.
 */
struct child_role {
	const char *name; /* "gate": the first argument, the log's name */
	const struct ipc_boundary *control;
	const struct ipc_handler *handlers; /* its own control messages; context: struct child * */
	const struct sandbox_rules *rules;
	int (*init)(struct child *, struct error *);
	int (*prepare)(struct child *, struct error *); /* threads are started here; may be NULL */
	int (*run)(struct child *, struct error *);
	void (*drain)(struct child *);
	void (*shutdown)(struct child *);    /* may be NULL */
	void (*log_changed)(struct child *); /* descriptor 2 is another log; may be NULL */
};

/* Of events in a child's loop (event_priority_set(3)); what says nothing is usual. */
enum child_priority {
	CHILD_FIRST,
	CHILD_USUAL,
	CHILD_LAST, /* when nothing else is left to do */
	CHILD_PRIORITIES,
};

struct child {
	const struct child_role *role;
	struct event_base *base;
	struct ipc_channel *control;
	struct mc_identity identity;
	int directory; /* the one directory the sandbox leaves (the role's handler sets it), or -1
			*/
	void *context; /* the role's own */
	struct event *missing; /* child_misses(); NULL before the first time */
	const char *missed;
};

/* Runs a child from its arguments; roles ends with a NULL name. Never returns. */
_Noreturn void child_main(int argc, char **argv, const struct child_role *const *roles);

/* Tells the master that this child serves now. */
void child_ready(struct child *);

/*
 * The child has lost WHAT (a constant), which it can't do without. Unless child_has() says within
 * so many seconds that there is another one, this child was cut off by a peer that lives on: it
 * ends, and the master starts one that has new channels.
 */
void child_misses(struct child *, const char *what, unsigned seconds);
void child_has(struct child *);

/* Ends the process with status 0, from a handler or a callback of the loop. */
_Noreturn void child_exit(struct child *);

/*
 * -- In the parent --------------------------------------------------------------
 */

struct child_spec {
	const char *program; /* path of the executable */
	const char *role;    /* its first argument */
	const struct mc_identity *identity;
	int log_fd; /* becomes its descriptor 2 */
};

/*
 * Forks and executes; *CONTROL is the parent's end of the control channel (non-blocking,
 * close-on-exec), the identity already sent. Returns the process id, or -1 with ERR filled.
 * A program that can't be executed makes the child log that and exit with status 127.
 */
pid_t child_spawn(const struct child_spec *, int *control, struct error *);

#endif
