/* SPDX-License-Identifier: ISC */
/* gate (IPC_CLIENT) - accounts (IPC_SERVER): who is a recipient, and who is who. */
#ifndef POSTERN_COMMON_PROTO_GATE_ACCOUNTS_H
#define POSTERN_COMMON_PROTO_GATE_ACCOUNTS_H

#include "common/proto/types.h"

enum rcpt_verdict {
	RCPT_LOCAL = 1,   /* deliverable here */
	RCPT_NO_MAILBOX,  /* our domain, nobody of that name: 550 5.1.1 */
	RCPT_DISABLED,    /* 550 5.2.1 */
	RCPT_NOT_LOCAL,   /* another domain: 550 5.7.1 */
	RCPT_UNAVAILABLE, /* can't tell now: 451 4.3.0 */
};
struct ga_rcpt_verdict {
	uint32_t verdict; /* enum rcpt_verdict */
};

/* The tail: authorization identity, NUL, authentication identity, NUL, password (RFC 4616). */
struct ga_login {
	conn_id conn;
	struct peer peer;
	uint32_t service; /* enum service */
	uint32_t tls;     /* 1: over TLS */
};
#define LOGIN_TAIL_MAX (ADDRESS_SIZE + ADDRESS_SIZE + PASSWORD_SIZE)

enum login_verdict {
	LOGIN_FAILED = 1,  /* wrong, unknown, disabled: the client is not told which */
	LOGIN_UNAVAILABLE, /* can't tell now, or the session could not be started */
};
struct ga_login_failed {
	uint32_t verdict; /* enum login_verdict */
};

/*
 * A question for clients of listeners with this trust: the tail is what the list of authorities in
 * a CertificateRequest has to hold, DER names one after the other. A later one replaces it: answers
 * to the one before are good for some minutes.
 */
struct ga_ask {
	uint32_t trust;
	uint32_t zero;
};

/* SASL EXTERNAL (RFC 4422 appendix A): the tail is the handshake that proves who the client is. */
struct ga_external {
	conn_id conn;
	struct peer peer;
	uint32_t service; /* enum service */
	uint32_t trust;   /* of the listener; one of those the master has told accounts */
	char authorization[ADDRESS_SIZE]; /* identity; "": that of the certificate */
	uint8_t zero[3];
};

/*
 * GA_LOGIN and GA_EXTERNAL are requests; the reply may take a while (guessing is slowed). With
 * GA_LOGGED_IN comes, for POP3 and IMAP, a stream to the session process, and for submission a
 * channel to queue (gate_queue.h) on which everything is said in the name of that account. Its tail
 * is the account's address.
 */
#define GATE_ACCOUNTS_MESSAGES(X)                                                                  \
	/* A request: the tail is a forward-path's mailbox, without brackets and source route. */  \
	X(GA_RCPT, 1, IPC_CLIENT, struct ipc_empty, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)           \
	X(GA_RCPT_VERDICT, 2, IPC_SERVER, struct ga_rcpt_verdict, 0, IPC_NO_FD, IPC_ANY_STATE)     \
	X(GA_LOGIN, 3, IPC_CLIENT, struct ga_login, LOGIN_TAIL_MAX, IPC_NO_FD, IPC_ANY_STATE)      \
	X(GA_LOGGED_IN, 4, IPC_SERVER, struct ipc_empty, ADDRESS_SIZE, IPC_WITH_FD, IPC_ANY_STATE) \
	X(GA_LOGIN_FAILED, 5, IPC_SERVER, struct ga_login_failed, 0, IPC_NO_FD, IPC_ANY_STATE)     \
	X(GA_ASK, 6, IPC_SERVER, struct ga_ask, ASK_NAMES_MAX, IPC_NO_FD, IPC_ANY_STATE)           \
	X(GA_EXTERNAL, 7, IPC_CLIENT, struct ga_external, PROOF_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { GATE_ACCOUNTS_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary gate_accounts_boundary;

#endif
