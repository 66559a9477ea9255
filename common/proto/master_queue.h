/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - queue (IPC_SERVER), over queue's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_QUEUE_H
#define POSTERN_COMMON_PROTO_MASTER_QUEUE_H

#include "common/proto/master_child.h"

/* The spool folder comes along as a directory descriptor. */
struct mq_settings {
	char hostname[HOST_NAME_SIZE];
	uint64_t max_message_size; /* bytes */
	uint32_t max_recipients;
	uint32_t retry; /* seconds until a delivery that failed for now is tried again, at first */
};

#define MASTER_QUEUE_OWN_MESSAGES(X)                                                            \
	X(MQ_SETTINGS, 16, IPC_CLIENT, struct mq_settings, 0, IPC_WITH_FD, CHILD_STARTING)      \
	/* A channel to a gate (gate_queue.h) or to accounts (accounts_queue.h) comes along. */ \
	X(MQ_CHANNEL, 17, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)         \
	/* A request: a channel (queue_session.h) to the session process of the mailbox in the  \
	 * tail. */                                                                             \
	X(MQ_ATTACH, 18, IPC_SERVER, struct ipc_empty, ADDRESS_SIZE, IPC_NO_FD, IPC_ANY_STATE)  \
	X(MQ_ATTACHED, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)         \
	X(MQ_ATTACH_FAILED, 20, IPC_CLIENT, struct ipc_empty, REASON_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { MASTER_QUEUE_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_queue_boundary;

#endif
