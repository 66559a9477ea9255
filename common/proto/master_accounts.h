/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - accounts (IPC_SERVER), over accounts' control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_ACCOUNTS_H
#define POSTERN_COMMON_PROTO_MASTER_ACCOUNTS_H

#include "common/proto/master_child.h"

/* The local domains follow, each NUL-terminated, lower case, the first one is the default. */
#define ACCOUNTS_DOMAINS_MAX (1024 * 32)
struct ma_settings {
	char hostname[HOST_NAME_SIZE];
	uint32_t count;
	uint32_t threads;    /* that hash passwords */
	uint32_t separator;  /* of a local part and its tag: ASCII; 0: none */
	uint32_t any_sender; /* 1: who has logged in may use any reverse-path */
};

/*
 * How mail leaves that is for aliases that lead to other hosts: with reverse-paths of ours (SRS),
 * which only who has a secret can make. The first one makes them, all are good.
 */
#define SRS_SECRET_SIZE 32
#define SRS_SECRETS_MAX 8
struct ma_srs {
	uint32_t forwards; /* 1: aliases may lead elsewhere */
	uint32_t count;    /* secrets; 0: reverse-paths stay as they are */
	uint8_t secrets[SRS_SECRETS_MAX][SRS_SECRET_SIZE];
	char domain[HOST_NAME_SIZE]; /* of these reverse-paths */
};

/* One of the domains that has settings of its own. */
struct ma_domain {
	uint32_t separator; /* as in ma_settings */
	uint32_t forward;   /* 1: its aliases may lead elsewhere */
	char name[HOST_NAME_SIZE];
};

/* A domain that is not ours, to which strangers may send, too: a route says where its mail goes. */
struct ma_inbound {
	char name[HOST_NAME_SIZE];
};

/* accounts.conf comes along, opened for reading; sent at start and whenever it changes. */
struct ma_file {
	uint32_t generation;
};
/* In force (or, with a reason, refused: the old one stays). */
struct ma_loaded {
	uint32_t generation;
	uint32_t ok;
	uint32_t count; /* accounts */
	uint32_t line;  /* of the error, or 0 */
};

/* Attach a logged-in connection to the session process of the mailbox named in the tail. */
struct ma_attach {
	conn_id conn;
	struct peer peer;
	uint32_t service; /* enum service: SERVICE_POP3 or SERVICE_IMAP */
};

/* What accounts.conf says of a mailbox; 0: nothing. */
struct ma_quota {
	uint64_t storage; /* octets */
	uint64_t messages;
};

#define MASTER_ACCOUNTS_OWN_MESSAGES(X)                                                            \
	X(MA_SETTINGS, 16, IPC_CLIENT, struct ma_settings, ACCOUNTS_DOMAINS_MAX, IPC_NO_FD,        \
	  CHILD_STARTING | CHILD_RUNNING)                                                          \
	X(MA_FILE, 17, IPC_CLIENT, struct ma_file, 0, IPC_WITH_FD, CHILD_STARTING | CHILD_RUNNING) \
	X(MA_LOADED, 18, IPC_SERVER, struct ma_loaded, REASON_MAX, IPC_NO_FD, IPC_ANY_STATE)       \
	/* A channel to a gate (gate_accounts.h), to queue (accounts_queue.h) or to the verifier   \
	 * (accounts_verify.h) comes along. The tail: uint32_t trusts that the gate may name. */   \
	X(MA_CHANNEL, 19, IPC_CLIENT, struct mc_channel, TRUSTS_MAX * sizeof(uint32_t),            \
	  IPC_WITH_FD, IPC_ANY_STATE)                                                              \
	/* A request. The reply's descriptor is a stream to the session, for the gate. */          \
	X(MA_ATTACH, 20, IPC_SERVER, struct ma_attach, ADDRESS_SIZE, IPC_NO_FD, IPC_ANY_STATE)     \
	X(MA_ATTACHED, 21, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)            \
	X(MA_ATTACH_FAILED, 22, IPC_CLIENT, struct ipc_empty, REASON_MAX, IPC_NO_FD,               \
	  IPC_ANY_STATE)                                                                           \
	/* Before MA_SETTINGS. */                                                                  \
	X(MA_SRS, 25, IPC_CLIENT, struct ma_srs, 0, IPC_NO_FD, CHILD_STARTING | CHILD_RUNNING)     \
	/* Likewise. */                                                                            \
	X(MA_INBOUND, 27, IPC_CLIENT, struct ma_inbound, 0, IPC_NO_FD,                             \
	  CHILD_STARTING | CHILD_RUNNING)                                                          \
	/* Behind MA_SETTINGS. */                                                                  \
	X(MA_DOMAIN, 26, IPC_CLIENT, struct ma_domain, 0, IPC_NO_FD,                               \
	  CHILD_STARTING | CHILD_RUNNING)                                                          \
	/* A request: how much may the mailbox named in the tail hold? */                          \
	X(MA_QUOTA, 23, IPC_CLIENT, struct ipc_empty, ADDRESS_SIZE, IPC_NO_FD, IPC_ANY_STATE)      \
	X(MA_QUOTA_IS, 24, IPC_SERVER, struct ma_quota, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { MASTER_ACCOUNTS_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_accounts_boundary;

#endif
