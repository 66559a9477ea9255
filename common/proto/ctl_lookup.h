/* SPDX-License-Identifier: ISC */
/*
 * posternctl (IPC_CLIENT) - lookup (IPC_SERVER), over lookup's control channel: questions of DNS,
 * asked by a process that posternctl starts for it. Answers are texts as a zone file has them.
 */
#ifndef POSTERN_COMMON_PROTO_CTL_LOOKUP_H
#define POSTERN_COMMON_PROTO_CTL_LOOKUP_H

#include "common/proto/master_child.h"

#define LOOKUP_SECONDS 10 /* for one question */

struct cl_settings {
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE];
};

struct cl_ask {
	char name[HOST_NAME_SIZE];
	uint16_t type; /* its number in DNS: one of those that lookup can write as text */
	uint8_t zero[2];
};

enum lookup_status { LOOKUP_ANSWERED, LOOKUP_NO_NAME, LOOKUP_FAILED, LOOKUP_STATUS_COUNT };

/*
 * The tail: COUNT records, each with its NUL. Addresses; "10 mx.example." of MX; "host.example." of
 * PTR; "0 1 993 host.example." of SRV; "3 1 1 ab01..." of TLSA; TXT's text itself.
 */
#define LOOKUP_TAIL_MAX 49152
struct cl_answer {
	uint32_t status; /* enum lookup_status */
	uint32_t secure; /* 1: DNSSEC has proved it */
	uint32_t count;
	uint32_t left_out; /* records that had no room, or are no text */
};

#define CTL_LOOKUP_OWN_MESSAGES(X)                                                       \
	X(CL_SETTINGS, 16, IPC_CLIENT, struct cl_settings, 0, IPC_NO_FD, CHILD_STARTING) \
	/* A request, answered by CL_ANSWER. */                                          \
	X(CL_ASK, 17, IPC_CLIENT, struct cl_ask, 0, IPC_NO_FD, CHILD_RUNNING)            \
	X(CL_ANSWER, 18, IPC_SERVER, struct cl_answer, LOOKUP_TAIL_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { CTL_LOOKUP_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary ctl_lookup_boundary;

#endif
