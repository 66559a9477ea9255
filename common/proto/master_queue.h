/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - queue (IPC_SERVER), over queue's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_QUEUE_H
#define POSTERN_COMMON_PROTO_MASTER_QUEUE_H

#include "common/proto/master_child.h"

/* Strangers' mail from where nothing has come before (worker/queue/greylist.h). */
struct greylist_rules {
	uint32_t enabled;      /* 1: it waits; what follows counts then only */
	uint32_t delay;        /* seconds before which it is not taken */
	uint32_t retry_window; /* seconds after which an attempt counts as a first one again */
	uint32_t passes;       /* after so many all of a network's is taken at once; 0: never */
	uint32_t remember;     /* seconds for which what has passed does so again */
	uint32_t ipv4_prefix;  /* bits of an address that make its network */
	uint32_t ipv6_prefix;
	uint32_t entries; /* of each kind, at most */
};

/* The spool folder comes along as a directory descriptor. */
struct mq_settings {
	char hostname[HOST_NAME_SIZE];
	uint64_t max_message_size; /* bytes */
	uint32_t max_recipients;
	uint32_t retry;  /* seconds until a delivery that failed for now is tried again, at first */
	uint32_t relay;  /* enum mail_reach: of submitters */
	uint32_t expire; /* seconds after which mail for these goes back to its sender */
	uint32_t delay_notice;   /* seconds after which a sender hears that his is late; 0: never */
	uint32_t filter_kinds;   /* enum filter_kind, or'ed: whose mails filter looks at */
	uint32_t filter_local;   /* 1: a stranger on this host is one, too */
	uint32_t filter_failure; /* enum filter_failure */
	uint32_t filter_sign;    /* 1: what is sent from here is signed, if there is a key */
	/* enum filter_envelope: what filter may do to envelopes, of strangers' and of users' mails
	 */
	uint32_t filter_envelope_strangers;
	uint32_t filter_envelope_submitters;
	uint32_t check_author;       /* 1: submitters must be the authors of what they send */
	struct submit_limits limits; /* of each account that has none of its own */
	struct greylist_rules greylist;
	uint32_t zero;
};

/*
 * A certificate is about to expire: the postmaster gets a mail, once for each step of each
 * certificate however often this is said. The tail is which listeners present it, "" if none does.
 */
struct mq_notice {
	int64_t until;        /* seconds since the epoch */
	uint32_t step;        /* 1..EXPIRY_STEPS */
	uint32_t self_signed; /* 1: no authority stands behind it */
	char name[CERT_NAME_SIZE];
	uint8_t zero[7];
};

#define MASTER_QUEUE_OWN_MESSAGES(X)                                                            \
	X(MQ_SETTINGS, 16, IPC_CLIENT, struct mq_settings, 0, IPC_WITH_FD, CHILD_STARTING)      \
	/* A channel to a gate (gate_queue.h) or to accounts (accounts_queue.h) comes along. */ \
	X(MQ_CHANNEL, 17, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)         \
	/* A request: a channel (queue_session.h) to the session process of the mailbox in the  \
	 * tail. */                                                                             \
	X(MQ_ATTACH, 18, IPC_SERVER, struct ipc_empty, ADDRESS_SIZE, IPC_NO_FD, IPC_ANY_STATE)  \
	X(MQ_ATTACHED, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)         \
	X(MQ_ATTACH_FAILED, 20, IPC_CLIENT, struct ipc_empty, REASON_MAX, IPC_NO_FD,            \
	  IPC_ANY_STATE)                                                                        \
	X(MQ_NOTICE, 21, IPC_CLIENT, struct mq_notice, PRESENTERS_SIZE - 1, IPC_NO_FD,          \
	  CHILD_RUNNING)                                                                        \
	/* A channel to an administrator (ctl_queue.h) comes along. */                          \
	X(MQ_ADMIN, 22, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD,                           \
	  CHILD_RUNNING | CHILD_DRAINING)

enum { MASTER_QUEUE_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_queue_boundary;

#endif
