/* SPDX-License-Identifier: ISC */
/*
 * process - the master's children: started, watched, given channels to each other, ended, buried.
 *
 * What is the same for all of them is here; what a kind of child is told and asks for is in its
 * struct master_role (certd.c, accounts.c, queue.c, gates.c, sessions.c).
 */
#ifndef POSTERN_MASTER_PROCESS_H
#define POSTERN_MASTER_PROCESS_H

#include <sys/tree.h>

#include <sys/types.h>

#include "common/child.h"
#include "common/ipc.h"

struct master;
struct process;
struct event;

enum process_phase {
	PROCESS_STARTING, /* told what it needs, MC_START sent */
	PROCESS_RUNNING,  /* said MC_READY */
	PROCESS_DRAINING, /* takes no new work, exits by itself (MC_DRAIN, or a gate that is full)
			   */
	PROCESS_STOPPING, /* MC_SHUTDOWN sent: is killed if it isn't gone in time */
	PROCESS_KILLED,
};
extern const char *const process_phase_names[];

struct master_role {
	enum role role;
	const char *name;    /* argument of its program */
	const char *program; /* in the libexec folder */
	const struct ipc_boundary *boundary;
	const struct ipc_handler *handlers; /* context: struct process * */
	bool chroot;

	/* Sends what it needs before MC_START, but no channels. -1 with ERR filled. */
	int (*configure)(struct process *, struct error *);
	/* Sends it one end of a channel to another child. NULL: it has none. */
	void (*give_channel)(struct process *, const struct process *peer, int fd);
	/* It said MC_READY (once). May be NULL. */
	void (*ready)(struct process *);
	/* It is dead and buried (STATUS as of waitpid(2)); the struct is freed afterwards. */
	void (*gone)(struct process *, int status);
};

struct process {
	RB_ENTRY(process) by_pid;
	struct master *master;
	const struct master_role *role;
	uint32_t number; /* of its kind; never used again */
	char name[ADDRESS_SIZE + 16];
	pid_t pid;
	enum process_phase phase;
	struct ipc_channel *control; /* NULL after its end */
	struct event *deadline;
	int64_t started; /* monotonic_milliseconds() */
	void *owner;     /* its slot (NULL: it has left it), or its session */
	void *data;      /* the role's own; gone() frees it */
};
RB_HEAD(process_tree, process);
RB_PROTOTYPE(process_tree, process, by_pid, process_compare)

/*
 * Starts a child of ROLE for OWNER, as uid and gid (UINT32_MAX: as the master), tells it what it
 * needs, wires it to the others and sends MC_START. NAME as in the log. NULL with ERR filled.
 */
struct process *process_start(struct master *, const struct master_role *, void *owner,
			      const char *name, uint32_t uid, uint32_t gid, struct error *);

/*
 * Ends it: MC_DRAIN, with MC_SHUTDOWN after so many seconds (0: never); MC_SHUTDOWN, with SIGKILL
 * after so many; SIGKILL at once.
 */
void process_drain(struct process *, unsigned seconds);
void process_shutdown(struct process *, unsigned seconds);
void process_kill(struct process *);

/* Can it be sent anything? */
bool process_alive(const struct process *);
uint64_t process_age(const struct process *); /* seconds */

/* Waits for all that are dead now, and buries them. */
void processes_reap(struct master *);

/* All of them, in turn; NULL after the last. */
struct process *processes_first(const struct master *);
struct process *processes_next(const struct process *);

/* Forgets all that are left, at the very end. */
void processes_free(struct master *);

/* How many of a kind there are, in whatever phase. */
size_t processes_count(const struct master *, enum role);
void processes_drain(struct master *, enum role, unsigned seconds);
void processes_shutdown(struct master *, enum role, unsigned seconds);
/* A new log descriptor for all. */
void processes_reopen_log(struct master *);

#define PROCESS_STATUS_SIZE 128
/* "was killed by signal 9 (Killed)". Returns OUT. */
const char *process_status_text(int status, char out[PROCESS_STATUS_SIZE]);

/* Handler for MC_READY: part of every role's table. */
int process_on_ready(struct ipc_channel *, struct ipc_message *, void *process);

/* Gives a child and its peers new channels to each other (wiring.c). */
void process_wire(struct process *);
/* A channel between these two, in place of an older one. */
void processes_wire(struct process *, struct process *);

#endif
