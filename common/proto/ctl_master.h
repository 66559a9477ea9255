/* SPDX-License-Identifier: ISC */
/*
 * posternctl (IPC_CLIENT) - master (IPC_SERVER), over the control socket STATE/control, which only
 * the user the master runs as can open. All client messages are requests.
 */
#ifndef POSTERN_COMMON_PROTO_CTL_MASTER_H
#define POSTERN_COMMON_PROTO_CTL_MASTER_H

#include "common/proto/types.h"

#define CTL_TEXT_MAX 16384

struct cm_result {
	uint32_t ok; /* 0: the tail says why not */
};

/* With the mailbox's address as tail. */
struct cm_mailbox {
	uint32_t purpose; /* enum mailbox_purpose */
};

#define CTL_MASTER_MESSAGES(X)                                                                    \
	/* As SIGHUP; answered when the new configuration is in force, or refused. */             \
	X(CM_RELOAD, 1, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	/* Processes, listeners, connections as text, a line each. */                             \
	X(CM_STATUS, 2, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	/* accounts.conf has changed; answered when accounts has taken or refused it. */          \
	X(CM_ACCOUNTS, 3, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	/* A channel to certd (ctl_certd.h): CM_CHANNEL, or CM_RESULT if certd is not there. */   \
	X(CM_CERTD, 4, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CM_RESULT, 5, IPC_SERVER, struct cm_result, CTL_TEXT_MAX, IPC_NO_FD, IPC_ANY_STATE)     \
	X(CM_CHANNEL, 6, IPC_SERVER, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)             \
	/*                                                                                        \
	 * A mailbox: CM_CHANNEL with a stream, or CM_RESULT says why not. MAILBOX_MAIL: of IMAP; \
	 * else of what common/proto/checkup.h says.                                              \
	 */                                                                                       \
	X(CM_MAILBOX, 7, IPC_CLIENT, struct cm_mailbox, ADDRESS_SIZE, IPC_NO_FD, IPC_ANY_STATE)   \
	/* A channel to queue (ctl_queue.h): CM_CHANNEL, or CM_RESULT if it is not there. */      \
	X(CM_QUEUE, 8, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { CTL_MASTER_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary ctl_master_boundary;

#endif
