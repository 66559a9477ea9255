/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - relay (IPC_SERVER), over relay's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_RELAY_H
#define POSTERN_COMMON_PROTO_MASTER_RELAY_H

#include "common/proto/master_child.h"

enum relay_tls {
	RELAY_TLS_NONE,
	RELAY_TLS_OPPORTUNISTIC, /* where the other side has STARTTLS */
	RELAY_TLS_REQUIRE,       /* no mail without it */
	RELAY_TLS_VERIFY,        /* nor to a server without a certificate of an authority */
	RELAY_TLS_COUNT
};

struct mr_settings {
	char hostname[HOST_NAME_SIZE]; /* what EHLO says */
	char host[HOST_NAME_SIZE]; /* all mail goes there: a name, or an address; "": as DNS says */
	uint32_t port;
	uint32_t tls;        /* enum relay_tls */
	uint32_t validation; /* enum dns_validation */
	uint32_t sts_port; /* of the web servers that have MTA-STS policies; 0: none is asked for */
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE]; /* "" behind the last */
};

#define RELAY_ANCHORS_MAX 65536u       /* bytes of the file */
#define RELAY_AUTHORITIES_MAX 4194304u /* bytes of the file */

#define MASTER_RELAY_OWN_MESSAGES(X)                                                     \
	X(MR_SETTINGS, 16, IPC_CLIENT, struct mr_settings, 0, IPC_NO_FD, CHILD_STARTING) \
	/* A channel to queue (queue_relay.h) comes along. */                            \
	X(MR_CHANNEL, 17, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)  \
	/* Files come along, opened for reading: trust anchors of DNS, one a line; and   \
	 * authorities of certificates, PEM. Without them: the root's, and none. */      \
	X(MR_ANCHORS, 18, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, CHILD_STARTING)  \
	X(MR_AUTHORITIES, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, CHILD_STARTING)

enum { MASTER_RELAY_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_relay_boundary;

#endif
