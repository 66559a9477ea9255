/* SPDX-License-Identifier: ISC */
/*
 * posternctl (IPC_CLIENT) - queue (IPC_SERVER): what is in the queue, and what is to become of it.
 * The channel comes from the master (CM_QUEUE, MQ_ADMIN). All client messages are requests.
 */
#ifndef POSTERN_COMMON_PROTO_CTL_QUEUE_H
#define POSTERN_COMMON_PROTO_CTL_QUEUE_H

#include "common/mail_parameters.h"
#include "common/proto/types.h"

/* A recipient of a message. */
struct cq_name {
	uint64_t message; /* the queue id */
	uint32_t index;
	uint32_t zero;
};

/* Those behind AFTER, at most CQ_PAGE: CQ_ENTRY for each, then CQ_DONE with their number. */
#define CQ_PAGE 256
struct cq_list {
	struct cq_name after;
	uint32_t first; /* 1: from the start, AFTER is zero */
	uint32_t zero;
};

enum cq_state {
	CQ_WAITING = 1, /* for its next attempt */
	CQ_HELD,        /* for somebody to release it */
	CQ_BUSY,        /* it is being delivered */
};

/* The tail: sender, submitter, forward-path, mailbox, reason; a NUL behind each. */
struct cq_entry {
	struct cq_name name;
	int64_t received;     /* seconds since the epoch */
	int64_t next_attempt; /* the same; 0 unless CQ_WAITING */
	uint64_t size;
	uint32_t state;    /* enum cq_state */
	uint32_t attempts; /* that failed */
};
#define CQ_TEXTS 5
#define CQ_ENTRY_TAIL (4 * PATH_SIZE + 4096)

/* What takes longer to look up: CQ_SHOW is about one. The tail: ORCPT, ENVID; a NUL behind each. */
struct cq_shown {
	int64_t expires; /* seconds since the epoch; 0: it is held, or never does */
	uint32_t found;  /* 0: it is gone, and all else is zero */
	uint32_t notify; /* DSN_NOTIFY_... */
	uint32_t ret;    /* enum dsn_return */
	uint32_t zero;
};
#define CQ_SHOWN_TAIL (ORCPT_SIZE + ENVID_SIZE)

enum cq_action { CQ_HOLD = 1, CQ_RELEASE, CQ_RETRY, CQ_REMOVE };

/* The tail is COUNT struct cq_name. Those that are being delivered, or are gone, are left alone. */
#define CQ_CHANGES_MAX 512
struct cq_change {
	uint32_t action; /* enum cq_action */
	uint32_t count;  /* 1 or more */
};

/* The tail says what was wrong, if there was something. */
struct cq_done {
	uint32_t count; /* entries sent, or changed */
	uint32_t busy;  /* left alone, because they are being delivered */
	uint32_t failed;
	uint32_t zero;
};

#define CTL_QUEUE_MESSAGES(X)                                                                  \
	X(CQ_LIST, 1, IPC_CLIENT, struct cq_list, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CQ_CHANGE, 2, IPC_CLIENT, struct cq_change, CQ_CHANGES_MAX * sizeof(struct cq_name), \
	  IPC_NO_FD, IPC_ANY_STATE)                                                            \
	X(CQ_ENTRY, 3, IPC_SERVER, struct cq_entry, CQ_ENTRY_TAIL, IPC_NO_FD, IPC_ANY_STATE)   \
	X(CQ_DONE, 4, IPC_SERVER, struct cq_done, REASON_MAX, IPC_NO_FD, IPC_ANY_STATE)        \
	X(CQ_SHOW, 5, IPC_CLIENT, struct cq_name, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CQ_SHOWN, 6, IPC_SERVER, struct cq_shown, CQ_SHOWN_TAIL, IPC_NO_FD, IPC_ANY_STATE)

enum { CTL_QUEUE_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary ctl_queue_boundary;

#endif
