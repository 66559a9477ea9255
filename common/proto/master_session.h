/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - session (IPC_SERVER), over the session's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_SESSION_H
#define POSTERN_COMMON_PROTO_MASTER_SESSION_H

#include "common/proto/master_child.h"

/* The mailbox's directory comes along as a descriptor. */
struct ms_settings {
	char mailbox[ADDRESS_SIZE]; /* user@domain, lower case */
	char hostname[HOST_NAME_SIZE];
	uint8_t zero[7];
	uint32_t linger;       /* seconds to stay after the last connection */
	uint32_t hibernate;    /* seconds after which connections in IDLE are parked; 0: never */
	uint32_t idle_timeout; /* seconds a POP3 or IMAP connection may be silent (the gate keeps it
				  too) */
	uint32_t command_seconds; /* of CPU time that an IMAP command may take; 0: no limit */
	uint64_t memory;          /* octets that the process may have; 0: no limit */
};

/* A logged-in client comes along: a stream of plaintext. */
struct ms_connection {
	conn_id conn;
	struct peer peer;
	uint32_t service;       /* enum service */
	uint32_t administrator; /* 1: posternctl, by IMAP; no login, and some commands more */
	uint32_t zero;
};

#define PARKED_TAG_SIZE 257

/*
 * An IMAP connection in IDLE, as its process leaves it and a later one takes it up (session/imap/
 * park.c). The master keeps it, and looks at nothing in it.
 */
struct ms_parked {
	struct ms_connection connection;
	int64_t folder; /* 0: none is selected */
	uint64_t changes, expunges;
	uint32_t uidvalidity, uidnext;
	uint32_t recent_from, recent_to;
	uint32_t enabled;
	uint32_t read_only;
	char tag[PARKED_TAG_SIZE]; /* of IDLE */
	uint8_t zero[7];
};

/* Nothing left to do: SEEN is how many descriptors it was handed for work in its life. */
struct ms_idle {
	uint32_t seen;
};

/* How much the mailbox may hold; 0: no limit. */
struct ms_limits {
	uint64_t storage; /* octets */
	uint64_t messages;
};

/* An administrator who wants a checkup comes along: a stream (checkup.h). */
struct ms_checkup {
	uint32_t purpose; /* MAILBOX_CHECK or MAILBOX_REPAIR */
};

/* What stands between a local part and a tag that names a folder: ASCII; 0: tags name none. */
struct ms_tags {
	uint32_t separator;
};

#define MASTER_SESSION_OWN_MESSAGES(X)                                                             \
	X(MS_SETTINGS, 16, IPC_CLIENT, struct ms_settings, 0, IPC_WITH_FD, CHILD_STARTING)         \
	/* Also before MC_START: they wait in the session until it runs. */                        \
	X(MS_CONNECTION, 17, IPC_CLIENT, struct ms_connection, 0, IPC_WITH_FD, IPC_ANY_STATE)      \
	/* A channel to queue (queue_session.h) comes along. */                                    \
	X(MS_DELIVERY, 18, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)            \
	/*                                                                                         \
	 * May I go? The master answers with MC_SHUTDOWN if it has sent no more than that, and     \
	 * from then on holds new work for a successor; else it doesn't answer, the work is on its \
	 * way.                                                                                    \
	 */                                                                                        \
	X(MS_IDLE, 19, IPC_SERVER, struct ms_idle, 0, IPC_NO_FD, IPC_ANY_STATE)                    \
	/* The connection's descriptor goes to the master, which waits for the client's next byte. \
	 */                                                                                        \
	X(MS_PARK, 20, IPC_SERVER, struct ms_parked, 0, IPC_WITH_FD, IPC_ANY_STATE)                \
	/* It has come, or the mailbox has something else to do: the descriptor comes back. */     \
	X(MS_RESUME, 21, IPC_CLIENT, struct ms_parked, 0, IPC_WITH_FD, IPC_ANY_STATE)              \
	/* Behind MS_SETTINGS, and again whenever they change. */                                  \
	X(MS_LIMITS, 22, IPC_CLIENT, struct ms_limits, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	X(MS_CHECKUP, 23, IPC_CLIENT, struct ms_checkup, 0, IPC_WITH_FD, IPC_ANY_STATE)            \
	/* Behind MS_SETTINGS, and at a reload. */                                                 \
	X(MS_TAGS, 24, IPC_CLIENT, struct ms_tags, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { MASTER_SESSION_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_session_boundary;

#endif
