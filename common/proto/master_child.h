/* SPDX-License-Identifier: ISC */
/*
 * What the master (IPC_CLIENT) and every child (IPC_SERVER) say over the control channel; each
 * role's boundary (master_gate.h, ...) includes these and adds its own, from 16 on.
 *
 * A child's control channel is in one of these states, in this order:
 *
 *   CHILD_STARTING  settings, listeners, channels and directories arrive; ends with MC_START, upon
 *                   which the child closes its sandbox
 *   CHILD_RUNNING   the child answers MC_READY as soon as it can serve, then works
 *   CHILD_DRAINING  after MC_DRAIN: no new work; it exits with status 0 when the last is done
 *
 * MC_SHUTDOWN, or the end of the control channel (the master is gone), ends a child at once, with
 * everything acknowledged already on disk.
 */
#ifndef POSTERN_COMMON_PROTO_MASTER_CHILD_H
#define POSTERN_COMMON_PROTO_MASTER_CHILD_H

#include <limits.h>

#include "common/proto/types.h"

#define CHILD_STARTING 1u
#define CHILD_RUNNING 2u
#define CHILD_DRAINING 4u

/* Kinds of process, as in design section 2. */
enum role {
	ROLE_CERTD,
	ROLE_GATE,
	ROLE_ACCOUNTS,
	ROLE_SESSION,
	ROLE_QUEUE,
	ROLE_RELAY,
	ROLE_VERIFY,
	ROLE_FILTER,
	ROLE_COUNT
};

/* Who a child becomes before it reads anything else. */
struct mc_identity {
	uint32_t uid; /* UINT32_MAX: stay who you are (no chroot either) */
	uint32_t gid;
	uint8_t sandbox;   /* enum sandbox_mode */
	uint8_t chroot;    /* 1: chroot to root */
	uint8_t log_level; /* syslog(3) level */
	uint8_t zero;
	char root[PATH_MAX]; /* an empty directory that root owns */
};

/* One end of a new channel to another child comes along; an older one to the same peer is dead. */
struct mc_channel {
	uint32_t peer_role; /* enum role */
	uint32_t peer;      /* the peer's number among its role, for the log */
};

#define MASTER_CHILD_MESSAGES(X)                                                                   \
	X(MC_IDENTITY, 1, IPC_CLIENT, struct mc_identity, 0, IPC_NO_FD, CHILD_STARTING)            \
	X(MC_START, 2, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, CHILD_STARTING)                 \
	X(MC_READY, 3, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                  \
	X(MC_DRAIN, 4, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, CHILD_RUNNING | CHILD_DRAINING) \
	X(MC_SHUTDOWN, 5, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	/* A new log descriptor (after syslog restarted): dup2'ed over descriptor 2. */            \
	X(MC_LOG, 6, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)

enum { MASTER_CHILD_MESSAGES(IPC_ENUM) };

/* Only the first message, before the role's own boundary is in force. */
extern const struct ipc_boundary master_child_boundary;

#endif
