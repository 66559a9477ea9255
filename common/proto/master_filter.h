/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - filter (IPC_SERVER), over filter's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_FILTER_H
#define POSTERN_COMMON_PROTO_MASTER_FILTER_H

#include "common/proto/master_child.h"

/* filter = { check = ... }: whose mail that comes without a login is checked. */
enum filter_check {
	FILTER_CHECK_NONE,
	FILTER_CHECK_STRANGERS,
	FILTER_CHECK_ALL,
	FILTER_CHECK_COUNT
};
/* filter = { failure = ... }: when a check can't be made. */
enum filter_failure { FILTER_FAIL_LATER, FILTER_FAIL_ACCEPT, FILTER_FAILURE_COUNT };
/* What becomes of a mail whose check ended with a certain result. */
enum filter_action {
	FILTER_DO_NOTHING,
	FILTER_DO_JUNK,
	FILTER_DO_HOLD,
	FILTER_DO_REJECT, /* or, if the result may be another one later, 4yz */
	FILTER_ACTION_COUNT
};
/* filter = { spf = { fail = ... }; ... }: the results that an action is chosen for. */
enum filter_event {
	FILTER_ON_SPF_FAIL,
	FILTER_ON_SPF_SOFTFAIL,
	FILTER_ON_SPF_PERMERROR,
	FILTER_ON_SPF_TEMPERROR,
	FILTER_ON_DMARC_REJECT,     /* fail, and p=reject */
	FILTER_ON_DMARC_QUARANTINE, /* fail, and p=quarantine */
	FILTER_ON_DMARC_TEMPERROR,
	FILTER_ON_HELO,       /* a HELO name that is none of the client's */
	FILTER_ON_IPREV_FAIL, /* fail or permerror: its address has no name */
	FILTER_ON_LISTED,     /* a list in DNS has it */
	FILTER_EVENT_COUNT
};

#define FILTER_TRUSTED_MAX 32
#define FILTER_EXEMPT_MAX 256 /* networks */

/* A milter, on a port or (local) a socket in the file system, to which the master connects.
 * What it is asked about: enum filter_kind's of queue_filter.h, or'ed. */
#define FILTER_MILTERS_MAX 8
struct mf_milter {
	struct in6_addr address; /* IPv4 is mapped into it */
	uint16_t port;           /* host byte order */
	uint8_t failure;         /* enum filter_failure */
	uint8_t junk;            /* 1: what it marks with X-Spam or X-Spam-Flag is junk */
	uint32_t kinds;
	uint32_t timeout;  /* seconds for an answer */
	uint16_t local;    /* 1: filter has no path to it, address and port are 0 */
	uint16_t envelope; /* enum filter_envelope of queue_filter.h */
};
/* Which of mf_settings.milters. */
struct mf_connect {
	uint32_t milter;
};
struct mf_unconnected {
	int32_t number; /* errno */
};

/* A list in DNS (RFC 5782), and which of its answers count: IPv4 addresses, host byte order. */
#define FILTER_LISTS_MAX 8
struct mf_list {
	char zone[HOST_NAME_SIZE];
	uint32_t first;
	uint32_t last;
};

struct mf_settings {
	char hostname[HOST_NAME_SIZE]; /* the authserv-id (RFC 8601 2.5) */
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE];
	char arc_trusted[FILTER_TRUSTED_MAX][HOST_NAME_SIZE]; /* A-labels, lower case */
	uint64_t max_message_size;                            /* bytes, as gates are told */
	uint32_t failure;                                     /* enum filter_failure */
	uint32_t actions[FILTER_EVENT_COUNT];                 /* enum filter_action */
	uint32_t sign; /* 1: what is sent from here is signed */
	uint32_t milter_count;
	struct mf_milter milters[FILTER_MILTERS_MAX];
	uint32_t list_count;
	struct mf_list lists[FILTER_LISTS_MAX];
	struct network exempt[FILTER_EXEMPT_MAX]; /* whose mail no action is for */
	uint32_t exempt_count;
	uint32_t zero;
};

#define MASTER_FILTER_OWN_MESSAGES(X)                                                       \
	X(MF_SETTINGS, 16, IPC_CLIENT, struct mf_settings, 0, IPC_NO_FD, CHILD_STARTING)    \
	/* A channel to queue (queue_filter.h) comes along. */                              \
	X(MF_CHANNEL, 17, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)     \
	/* A request of filter, and its answers: a connected socket comes along, or not. */ \
	X(MF_CONNECT, 18, IPC_SERVER, struct mf_connect, 0, IPC_NO_FD, IPC_ANY_STATE)       \
	X(MF_CONNECTED, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)    \
	X(MF_UNCONNECTED, 20, IPC_CLIENT, struct mf_unconnected, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { MASTER_FILTER_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_filter_boundary;

#endif
