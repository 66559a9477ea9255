/* SPDX-License-Identifier: ISC */
/* queue (IPC_CLIENT) - relay (IPC_SERVER): a mail out, to one domain. */
#ifndef POSTERN_COMMON_PROTO_QUEUE_RELAY_H
#define POSTERN_COMMON_PROTO_QUEUE_RELAY_H

#include "common/mail_parameters.h"
#include "common/proto/types.h"

#define RELAY_RECIPIENTS_MAX 50 /* of one QR_SEND */
/* What relay takes at most for one, in seconds: longer than that, and it is told to be lost. */
#define RELAY_SECONDS 3600

/*
 * The message comes along, opened for reading; the tail is the reverse-path and then each
 * forward-path and its original recipient ("": none), a NUL behind each. All forward-paths are of
 * the domain.
 */
struct qr_send {
	conn_id conn;
	uint64_t id;   /* the queue's, for the log */
	uint64_t size; /* bytes of the message */
	uint32_t recipients;
	uint32_t zero;
	char domain[HOST_NAME_SIZE];
	struct mail_parameters parameters;
	uint8_t
	    notify[RELAY_RECIPIENTS_MAX]; /* DSN_NOTIFY_..., in the order of the forward-paths */
	/* Of a mail that an alias leads out: the address of ours that it came to, which it gets a
	 * Delivered-To: field of; "": none. Printable ASCII. */
	char delivered_to[PATH_SIZE];
	uint8_t zeros[9];
};
#define RELAY_PATHS_MAX (PATH_SIZE + RELAY_RECIPIENTS_MAX * (PATH_SIZE + ORCPT_SIZE))

enum relay_outcome {
	RELAY_DELIVERED = 1, /* the next host has taken responsibility */
	RELAY_LATER,         /* not now */
	RELAY_FAILED,        /* never */
};

/* In the order of the forward-paths. Texts are NUL-terminated, printable ASCII. */
#define RELAY_STATUS_SIZE 12
#define RELAY_TEXT_SIZE 260
struct qr_recipient {
	uint32_t outcome;               /* enum relay_outcome */
	uint32_t code;                  /* of the reply that decided (RFC 5321 4.2), or 0 */
	uint32_t dsn;                   /* 1: the next host reports from here on (RFC 3461 5.2.2) */
	uint32_t said;                  /* 1: the host's reply; 0: relay's own words */
	char status[RELAY_STATUS_SIZE]; /* RFC 3463: never "" */
	char enhanced[RELAY_STATUS_SIZE]; /* the one between the host's code and text; "": none */
	char text[RELAY_TEXT_SIZE];
	char host[HOST_NAME_SIZE]; /* who was asked last, and decided; "": none of the domain's */
};

/* The tail is that many struct qr_recipient. */
struct qr_result {
	uint32_t recipients;
	/* 1: no host of the domain could be connected to, or DNS doesn't say who they are. That is
	 * about the domain, whatever the mail: its other mails would fare no better just now. */
	uint32_t unreached;
};

/*
 * An MTA-STS policy (RFC 8461): relay fetches it, queue keeps it, and tells it whoever is relay
 * before a mail for the domain. The tail: the patterns of MX names, a NUL behind each.
 */
#define RELAY_POLICY_ID_SIZE 36 /* 32 letters and digits */
#define RELAY_POLICY_MX_MAX 4096
#define RELAY_POLICY_SECONDS_MAX 31557600
struct qr_policy {
	char domain[HOST_NAME_SIZE];
	char id[RELAY_POLICY_ID_SIZE];
	uint32_t mode;    /* enum sts_mode */
	uint32_t seconds; /* that it counts from now on: 1 to ..._MAX */
};
/* What the table doesn't say: no text without its end, none with octets that a name can't have. */
bool qr_policy_is_sound(const struct qr_policy *, const char *mx, size_t length);

#define QUEUE_RELAY_MESSAGES(X)                                                                \
	/* A request. */                                                                       \
	X(QR_SEND, 1, IPC_CLIENT, struct qr_send, RELAY_PATHS_MAX, IPC_WITH_FD, IPC_ANY_STATE) \
	X(QR_RESULT, 2, IPC_SERVER, struct qr_result,                                          \
	  RELAY_RECIPIENTS_MAX * sizeof(struct qr_recipient), IPC_NO_FD, IPC_ANY_STATE)        \
	X(QR_POLICY, 3, IPC_CLIENT, struct qr_policy, RELAY_POLICY_MX_MAX, IPC_NO_FD,          \
	  IPC_ANY_STATE)                                                                       \
	X(QR_KEEP_POLICY, 4, IPC_SERVER, struct qr_policy, RELAY_POLICY_MX_MAX, IPC_NO_FD,     \
	  IPC_ANY_STATE)

enum { QUEUE_RELAY_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary queue_relay_boundary;

#endif
