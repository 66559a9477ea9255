/* SPDX-License-Identifier: ISC */
/* accounts (IPC_CLIENT) - queue (IPC_SERVER): who a submitter is, and whose mailbox an address is.
 */
#ifndef POSTERN_COMMON_PROTO_ACCOUNTS_QUEUE_H
#define POSTERN_COMMON_PROTO_ACCOUNTS_QUEUE_H

#include "common/proto/gate_accounts.h"

/* Queue's end of a channel to a gate (gate_queue.h); the tail is the account that logged in there.
 */
struct aq_submitter {
	conn_id conn;
	struct submit_limits limits; /* the account's own, before those of mq_settings */
	uint32_t mechanism;          /* enum login_way */
};

/* Who sends what is asked about? */
struct aq_resolve {
	uint32_t submitted; /* 1: who has logged in, or this host; 0: a stranger */
};

/*
 * Where it leads, with RCPT_LOCAL; else there is nothing. The tail, with a NUL between them: the
 * mailboxes (user@domain, lower case); the addresses of other hosts that the mail is forwarded to;
 * and, if there are such, the reverse-path that it has there ("": the null one).
 *
 * That a mail of a stranger may leave is nothing that a gate can say: accounts.conf does.
 */
struct aq_resolved {
	uint32_t verdict; /* enum rcpt_verdict */
	uint32_t mailboxes;
	uint32_t forwards;
	uint32_t zero;
};

/* May ACCOUNT, who has logged in, use the reverse-path in the tail? */
struct aq_sender {
	char account[ADDRESS_SIZE];
	uint8_t zero[3];
};

enum sender_verdict {
	SENDER_OWN = 1,
	SENDER_FOREIGN,     /* 550 5.7.1 */
	SENDER_UNAVAILABLE, /* can't tell now: 451 4.3.0 */
};
struct aq_sender_is {
	uint32_t verdict; /* enum sender_verdict */
};

/*
 * May ACCOUNT be whom the message is from? The message is the tail, or, if that is empty, in the
 * file that comes with AQ_AUTHOR_OF_FILE: accounts reads the header itself, for a gate could say
 * anything of it. The answer's tail is the address that is not his, with AUTHOR_FOREIGN; else
 * empty.
 */
struct aq_author {
	char account[ADDRESS_SIZE];
	uint8_t zero[3];
};
struct aq_author_is {
	uint32_t verdict; /* enum author_verdict */
};
#define AQ_MESSAGE_MAX 16384 /* GQ_INLINE_MAX */

#define ACCOUNTS_QUEUE_MESSAGES(X)                                                               \
	X(AQ_SUBMITTER, 1, IPC_CLIENT, struct aq_submitter, ADDRESS_SIZE, IPC_WITH_FD,           \
	  IPC_ANY_STATE)                                                                         \
	/* A request: the tail is a forward-path's mailbox, a NUL, and the reverse-path. */      \
	X(AQ_RESOLVE, 2, IPC_SERVER, struct aq_resolve, 2 * PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE) \
	X(AQ_RESOLVED, 3, IPC_CLIENT, struct aq_resolved, MAILBOXES_MAX + PATH_SIZE, IPC_NO_FD,  \
	  IPC_ANY_STATE)                                                                         \
	X(AQ_SENDER, 4, IPC_SERVER, struct aq_sender, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)       \
	X(AQ_SENDER_IS, 5, IPC_CLIENT, struct aq_sender_is, 0, IPC_NO_FD, IPC_ANY_STATE)         \
	X(AQ_AUTHOR, 6, IPC_SERVER, struct aq_author, AQ_MESSAGE_MAX, IPC_NO_FD, IPC_ANY_STATE)  \
	X(AQ_AUTHOR_OF_FILE, 7, IPC_SERVER, struct aq_author, 0, IPC_WITH_FD, IPC_ANY_STATE)     \
	X(AQ_AUTHOR_IS, 8, IPC_CLIENT, struct aq_author_is, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)

enum { ACCOUNTS_QUEUE_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary accounts_queue_boundary;

#endif
