/* SPDX-License-Identifier: ISC */
/* gate (IPC_CLIENT) - accounts (IPC_SERVER): who is a recipient, and who is who. */
#ifndef POSTERN_COMMON_PROTO_GATE_ACCOUNTS_H
#define POSTERN_COMMON_PROTO_GATE_ACCOUNTS_H

#include "common/proto/types.h"

enum rcpt_verdict {
	RCPT_LOCAL = 1,   /* deliverable here, or to where an alias leads */
	RCPT_NO_MAILBOX,  /* our domain, nobody of that name: 550 5.1.1 */
	RCPT_DISABLED,    /* 550 5.2.1 */
	RCPT_NOT_LOCAL,   /* another domain: 550 5.7.1 */
	RCPT_UNAVAILABLE, /* can't tell now: 451 4.3.0 */
	RCPT_FORGED,      /* a reverse-path of ours (SRS) that we have not made: 550 5.1.1 */
	RCPT_OLD,         /* one that is too old: 550 5.1.1 */
	RCPT_ROUTED, /* another domain, whose mail is taken from everybody and goes to its host */
	RCPT_VERDICTS
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
	uint32_t login; /* 1: by the mechanism LOGIN; else by PLAIN, or a protocol's own command */
};
#define LOGIN_TAIL_MAX (ADDRESS_SIZE + ADDRESS_SIZE + PASSWORD_SIZE)

enum login_verdict {
	LOGIN_FAILED = 1,  /* wrong, unknown, disabled: the client is not told which */
	LOGIN_UNAVAILABLE, /* can't tell now, or the session could not be started */
	LOGIN_MALFORMED,   /* what the client sent is no message of the mechanism */
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
 * SASL SCRAM (RFC 5802). The gate carries the client's messages, and what its TLS connection can be
 * bound with; what they are worth is decided at accounts, where the verifiers are.
 *
 *   GA_SCRAM, GA_RESPONSE (client-final), GA_RESPONSE (empty: the client is content)
 *
 * are requests, each answered by GA_CHALLENGE or GA_LOGIN_FAILED, the last by GA_LOGGED_IN. There
 * is one such exchange a connection: a new GA_SCRAM replaces it, GA_FORGET ends it.
 */
enum binding_type {
	BINDING_EXPORTER,  /* "tls-exporter" (RFC 9266) */
	BINDING_UNIQUE,    /* "tls-unique" (RFC 5929 3) */
	BINDING_END_POINT, /* "tls-server-end-point" (RFC 5929 4) */
	BINDING_TYPES,
};
#define BINDING_MAX 64 /* bytes: SHA-512 of a certificate */
struct ga_binding {
	uint32_t length; /* 0: this connection has none of the type */
	uint8_t bytes[BINDING_MAX];
};
struct ga_scram {
	conn_id conn;
	struct peer peer;
	uint32_t service; /* enum service */
	uint32_t tls;     /* 1: over TLS */
	uint32_t hash;    /* enum scram_hash */
	uint32_t plus;    /* 1: the mechanism's name ends in -PLUS */
	struct ga_binding binding[BINDING_TYPES];
};
#define SCRAM_MESSAGE_MAX 2048 /* bytes of any of a client's */

#define CHALLENGE_MAX 1024 /* bytes of any of ours */

struct ga_exchange {
	conn_id conn;
};

/* The tail: the account's address. */
struct ga_logged_in {
	struct submit_limits limits; /* its own, before those of mg_settings; of submission */
};

/* Which of SCRAM is worth offering: a bit for each enum scram_hash. */
struct ga_offer {
	uint32_t scram;
};

/*
 * GA_LOGIN and GA_EXTERNAL are requests; the reply may take a while (guessing is slowed). With
 * GA_LOGGED_IN comes, for POP3 and IMAP, a stream to the session process, and for submission a
 * channel to queue (gate_queue.h) on which everything is said in the name of that account.
 */
#define GATE_ACCOUNTS_MESSAGES(X)                                                                 \
	/* A request: the tail is a forward-path's mailbox, without brackets and source route. */ \
	X(GA_RCPT, 1, IPC_CLIENT, struct ipc_empty, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)          \
	X(GA_RCPT_VERDICT, 2, IPC_SERVER, struct ga_rcpt_verdict, 0, IPC_NO_FD, IPC_ANY_STATE)    \
	X(GA_LOGIN, 3, IPC_CLIENT, struct ga_login, LOGIN_TAIL_MAX, IPC_NO_FD, IPC_ANY_STATE)     \
	X(GA_LOGGED_IN, 4, IPC_SERVER, struct ga_logged_in, ADDRESS_SIZE, IPC_WITH_FD,            \
	  IPC_ANY_STATE)                                                                          \
	X(GA_LOGIN_FAILED, 5, IPC_SERVER, struct ga_login_failed, 0, IPC_NO_FD, IPC_ANY_STATE)    \
	X(GA_ASK, 6, IPC_SERVER, struct ga_ask, ASK_NAMES_MAX, IPC_NO_FD, IPC_ANY_STATE)          \
	X(GA_EXTERNAL, 7, IPC_CLIENT, struct ga_external, PROOF_MAX, IPC_NO_FD, IPC_ANY_STATE)    \
	X(GA_SCRAM, 8, IPC_CLIENT, struct ga_scram, SCRAM_MESSAGE_MAX, IPC_NO_FD, IPC_ANY_STATE)  \
	X(GA_CHALLENGE, 9, IPC_SERVER, struct ipc_empty, CHALLENGE_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(GA_RESPONSE, 10, IPC_CLIENT, struct ga_exchange, SCRAM_MESSAGE_MAX, IPC_NO_FD,          \
	  IPC_ANY_STATE)                                                                          \
	X(GA_FORGET, 11, IPC_CLIENT, struct ga_exchange, 0, IPC_NO_FD, IPC_ANY_STATE)             \
	X(GA_OFFER, 12, IPC_SERVER, struct ga_offer, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { GATE_ACCOUNTS_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary gate_accounts_boundary;

#endif
