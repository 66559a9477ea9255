/* SPDX-License-Identifier: ISC */
/* queue (IPC_CLIENT) - session (IPC_SERVER): delivery into one mailbox, exactly once. */
#ifndef POSTERN_COMMON_PROTO_QUEUE_SESSION_H
#define POSTERN_COMMON_PROTO_QUEUE_SESSION_H

#include "common/proto/types.h"

/* A delivery's name: the queue id and the recipient's index. The mailbox records those it stored.
 */
#define DELIVERY_ID_SIZE 24

/*
 * The message comes along, opened for reading at its start. The tail: the reverse-path; if it is
 * known, a NUL and the forward-path that it came by.
 */
struct qs_deliver {
	char delivery_id[DELIVERY_ID_SIZE];
	conn_id conn;
	uint64_t size;    /* bytes of the message */
	int64_t received; /* seconds since the epoch: INTERNALDATE */
	uint32_t junk;    /* 1: into the folder for it */
	uint32_t binary;  /* 1: its body is not lines (BODY_BINARYMIME) */
};

struct qs_delivered {
	uint32_t duplicate; /* 1: it had been stored before */
};
struct qs_failed {
	uint32_t permanent; /* 1: bounce; 0: try again later */
};

#define QUEUE_SESSION_MESSAGES(X)                                                                  \
	/* A request. The reply comes after the mailbox has it on disk. */                         \
	X(QS_DELIVER, 1, IPC_CLIENT, struct qs_deliver, 2 * PATH_SIZE, IPC_WITH_FD, IPC_ANY_STATE) \
	X(QS_DELIVERED, 2, IPC_SERVER, struct qs_delivered, 0, IPC_NO_FD, IPC_ANY_STATE)           \
	X(QS_FAILED, 3, IPC_SERVER, struct qs_failed, REASON_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { QUEUE_SESSION_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary queue_session_boundary;

#endif
