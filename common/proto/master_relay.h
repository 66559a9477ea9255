/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - relay (IPC_SERVER), over relay's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_RELAY_H
#define POSTERN_COMMON_PROTO_MASTER_RELAY_H

#include <netinet/in.h>

#include "common/proto/master_child.h"

enum relay_tls {
	RELAY_TLS_NONE,
	RELAY_TLS_OPPORTUNISTIC, /* where the other side has STARTTLS */
	RELAY_TLS_REQUIRE,       /* no mail without it */
	RELAY_TLS_VERIFY,        /* nor to a server without a certificate of an authority */
	RELAY_TLS_COUNT
};

struct mr_settings {
	char hostname[HOST_NAME_SIZE]; /* what EHLO says, unless a route says otherwise */
	uint32_t validation;           /* enum dns_validation */
	uint32_t sts_port; /* of the web servers that have MTA-STS policies; 0: none is asked for */
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE]; /* "" behind the last */
};

/*
 * How mail goes to which domains: MR_TABLE, then so many MR_ROUTE; with the last of them the table
 * is in force, in place of the one before. What is on its way goes on as it began.
 */
#define RELAY_ROUTES_MAX 256
#define RELAY_LISTENERS_MAX 64
#define RELAY_REPLY_SECONDS_MAX 600 /* the longest that RFC 5321 4.5.3.2 has */
/* Where this host takes mail from strangers: what leads there would come back for ever. */
struct mr_listener {
	struct in6_addr address; /* of IPv4, as a mapped one; 0.0.0.0 and ::: all of the family */
	uint32_t port;           /* 0: there are no more */
};

struct mr_table {
	uint32_t routes;           /* 1 to RELAY_ROUTES_MAX; exactly one of them is for "*" */
	uint32_t address_literals; /* 1: mail to user@[192.0.2.1] goes out */
	uint32_t reply_seconds;    /* that a server has for a reply at most: 1 to ..._MAX */
	uint32_t zero;
	struct mr_listener listeners[RELAY_LISTENERS_MAX];
};

enum relay_protocol { RELAY_SMTP, RELAY_LMTP, RELAY_PROTOCOL_COUNT };

#define RELAY_USER_SIZE 256
#define RELAY_PASSWORD_SIZE 256
#define RELAY_CONNECTIONS_MAX 1000
struct mr_route {
	char
	    domain[HOST_NAME_SIZE]; /* "example.net"; ".example.net": all below it; "*": all else */
	char host[HOST_NAME_SIZE]; /* its mail goes there: a name, or an address; "": as DNS says */
	char helo[HOST_NAME_SIZE]; /* "": the hostname */
	uint32_t port;
	uint32_t protocol;     /* enum relay_protocol */
	uint32_t tls;          /* enum relay_tls */
	uint32_t implicit_tls; /* 1: from the first octet on; tls is at least "require" then */
	uint32_t connections;  /* 1 to RELAY_CONNECTIONS_MAX, at a time to the same hosts */
	uint32_t inbound; /* 1: strangers' mail for the domain is taken, and goes on from here */
	struct in6_addr source[2]; /* an IPv4-mapped one, an IPv6 one; all zero: any */
	/* Who logs in, as saslprep() made it; "": nobody. tls is at least "require" then. */
	char user[RELAY_USER_SIZE];
	char password[RELAY_PASSWORD_SIZE]; /* "": it could not be read, nothing goes out */
	/* Shown to a server that asks for one; "": none. Without it here, nothing goes out. */
	char certificate[CERT_NAME_SIZE];
	uint8_t zero2[3];
};

#define RELAY_ANCHORS_MAX 65536u       /* bytes of the file */
#define RELAY_AUTHORITIES_MAX 4194304u /* bytes of the file */

#define MASTER_RELAY_OWN_MESSAGES(X)                                                     \
	X(MR_SETTINGS, 16, IPC_CLIENT, struct mr_settings, 0, IPC_NO_FD, CHILD_STARTING) \
	X(MR_TABLE, 20, IPC_CLIENT, struct mr_table, 0, IPC_NO_FD, IPC_ANY_STATE)        \
	X(MR_ROUTE, 21, IPC_CLIENT, struct mr_route, 0, IPC_NO_FD, IPC_ANY_STATE)        \
	/* A channel to queue (queue_relay.h) or certd (relay_certd.h) comes along. */   \
	X(MR_CHANNEL, 17, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)  \
	/* Files come along, opened for reading: trust anchors of DNS, one a line; and   \
	 * authorities of certificates, PEM. Without them: the root's, and none. */      \
	X(MR_ANCHORS, 18, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, CHILD_STARTING)  \
	X(MR_AUTHORITIES, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, CHILD_STARTING)

enum { MASTER_RELAY_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_relay_boundary;

#endif
