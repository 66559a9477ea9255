/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - gate (IPC_SERVER), over the gate's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_GATE_H
#define POSTERN_COMMON_PROTO_MASTER_GATE_H

#include "common/proto/gate_certd.h"
#include "common/proto/master_child.h"

#define GATE_NETWORKS_MAX 256 /* allow and deny together, a listener */
#define GATE_EXEMPT_MAX 256   /* networks that defences are not for, of each kind */
#define GATE_CIPHERS_SIZE 512

/* What a listener does with the name that a client asks for (RFC 6066 3). */
enum sni_mode {
	SNI_ANY,        /* any certificate that fits; the listener's own when none does */
	SNI_OWN,        /* the listener's own, always */
	SNI_STRICT,     /* any that fits; an unknown name is refused */
	SNI_STRICT_OWN, /* of the listener's own the one that fits; an unknown name is refused */
	SNI_MODE_COUNT
};

/* Which certificates a listener presents. */
#define LISTENER_CERTIFICATES_MAX 8
struct mg_choice {
	uint8_t sni;   /* enum sni_mode */
	uint8_t weak;  /* 1: RSA below 2048 bits too */
	uint8_t count; /* of names; 0: the one for the host's own name, else the only one */
	uint8_t zero;
	char names[LISTENER_CERTIFICATES_MAX][CERT_NAME_SIZE];
	struct gc_listener listener; /* what certd is told the handshakes are for */
};

struct mg_settings {
	char hostname[HOST_NAME_SIZE];         /* what greetings and Received: say */
	char ciphers_tls12[GATE_CIPHERS_SIZE]; /* "" : the built-in list */
	char ciphers_tls13[GATE_CIPHERS_SIZE];
	uint32_t connections;       /* this gate stops accepting after so many; 0: never */
	uint32_t handshake_timeout; /* seconds */
	uint32_t command_timeout;   /* seconds without a whole command, before login */
	uint32_t max_recipients;    /* RFC 5321 4.5.3.1.8: at least 100 */
	uint32_t max_errors;        /* bad commands before the connection is closed */
	uint32_t relay;             /* enum mail_reach: of submitters */
	uint64_t max_message_size;  /* bytes; announced as SIZE (RFC 1870) */
	uint32_t hide_client;       /* 1: a submitter's Received: field doesn't say where from */
	uint32_t greeting_pause;    /* seconds that port 25's greeting waits; 0: it doesn't */
	uint32_t note_early; /* 1: who talks before the greeting is noted only, not refused */
	uint32_t tarpit;     /* seconds that a reply to an error waits at most; 0: never */
	uint32_t greylist;   /* 1: queue is asked whether it is too soon for a stranger's mail */
	struct submit_limits limits; /* of each account that has none of its own */
};

/* A listening socket comes along. The networks follow as an array: allow first, then deny. */
struct mg_listener {
	uint32_t id;            /* the same in every gate of one configuration */
	uint8_t service;        /* enum service */
	uint8_t tls;            /* enum tls_mode */
	uint8_t plaintext_auth; /* 1: tls = "none" on loopback, logins are taken without TLS */
	uint8_t clients;        /* enum client_mode */
	uint32_t trust;         /* what their certificates are checked by; 0: CLIENT_OFF */
	uint32_t idle_timeout;  /* seconds, after login (POP3: RFC 1939 3 wants 600 or more) */
	uint32_t allow;         /* how many networks; none: everybody */
	uint32_t deny;
	struct mg_choice choice;
};

/* Asked before a connection is served: counts are the master's, so they hold across gates. */
struct mg_admit {
	uint32_t listener;
	struct in6_addr address;
};

enum mg_verdict {
	MG_ADMIT_OK,
	MG_ADMIT_LISTENER_FULL,
	MG_ADMIT_ADDRESS_FULL,
	MG_ADMIT_ADDRESS_OFTEN, /* max_rate_per_address */
	MG_VERDICT_COUNT
};
struct mg_admitted {
	uint32_t verdict; /* enum mg_verdict */
};

enum mg_exempt_kind {
	EXEMPT_DEFENCES, /* all of them */
	EXEMPT_GREYLIST, /* greylisting only */
	EXEMPT_KINDS
};
struct mg_exempt {
	uint32_t kind; /* enum mg_exempt_kind */
};

#define MASTER_GATE_OWN_MESSAGES(X)                                                              \
	X(MG_SETTINGS, 16, IPC_CLIENT, struct mg_settings, 0, IPC_NO_FD, CHILD_STARTING)         \
	X(MG_LISTENER, 17, IPC_CLIENT, struct mg_listener,                                       \
	  GATE_NETWORKS_MAX * sizeof(struct network), IPC_WITH_FD, CHILD_STARTING)               \
	X(MG_CHANNEL, 18, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)          \
	/* A request; answered by MG_ADMITTED. Every OK is given back with one MG_GONE. */       \
	X(MG_ADMIT, 19, IPC_SERVER, struct mg_admit, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	X(MG_ADMITTED, 20, IPC_CLIENT, struct mg_admitted, 0, IPC_NO_FD, IPC_ANY_STATE)          \
	X(MG_GONE, 21, IPC_SERVER, struct mg_admit, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	/* The gate reached mg_settings.connections and accepts no more; it exits by itself. */  \
	X(MG_FULL, 22, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	/* Networks (the tail, an array) that the gate's defences are not for. */                \
	X(MG_EXEMPT, 23, IPC_CLIENT, struct mg_exempt, GATE_EXEMPT_MAX * sizeof(struct network), \
	  IPC_NO_FD, CHILD_STARTING)                                                             \
	/* Before MC_DRAIN, or behind it: not for newer gates, the whole server stops. */        \
	X(MG_STOPPING, 24, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD,                           \
	  CHILD_RUNNING | CHILD_DRAINING)

enum { MASTER_GATE_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_gate_boundary;

#endif
