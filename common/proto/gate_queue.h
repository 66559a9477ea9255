/* SPDX-License-Identifier: ISC */
/*
 * gate (IPC_CLIENT) - queue (IPC_SERVER): a message in. One exchange a message:
 *
 * - GQ_MAIL: the reverse-path, and what its sender asks for (mail_parameters.h); names the
 * transaction (any nonzero number, unique on the channel).
 * - GQ_CLIENT, if the client said who it is: what a filter wants to know of it.
 * - GQ_RCPT ...: each forward-path that accounts took; queue asks accounts itself (design section
 *   3).
 * - GQ_DATA, a request: GQ_BODY (a descriptor to write the body to, and the queue id) or GQ_FAILED.
 * - GQ_COMMIT, a request, after the gate has closed that descriptor: GQ_COMMITTED when the message
 *   is durable, or GQ_FAILED (nothing is kept). A body of GQ_INLINE_MAX bytes or less may come in
 *   its tail instead of the file: most mails are small, and cost no file that way.
 * - GQ_ABORT, any time before the commit's reply: forgets the transaction.
 *
 * What the gate writes is the message as it will be stored: its own Received: field, then the
 * content with CRLF line ends (but the body of BODY_BINARYMIME) and without dot-stuffing, with the
 * header put right where a user sends it (RFC 6409 8), and without the fields that only this server
 * may write, if filter does not look at it; whether the user may be its author, queue
 * asks accounts after GQ_COMMIT. After queue has died and a new channel has come, GQ_CONFIRM asks
 * whether the commit that got no answer had become durable.
 *
 * GQ_GREYLIST asks, before a stranger's RCPT is replied to, whether it is too soon for his mail.
 */
#ifndef POSTERN_COMMON_PROTO_GATE_QUEUE_H
#define POSTERN_COMMON_PROTO_GATE_QUEUE_H

#include "common/client_tls.h"
#include "common/mail_parameters.h"
#include "common/proto/types.h"

struct gq_mail {
	conn_id conn;
	struct peer peer;
	uint32_t transaction;
	uint64_t size; /* as declared (RFC 1870), or 0 */
	struct mail_parameters parameters;
	uint32_t zero;
};
struct gq_transaction {
	uint32_t transaction;
};
/* The tail: the forward-path; if there is one, a NUL and the original recipient behind it. */
struct gq_rcpt {
	uint32_t transaction;
	uint32_t notify; /* DSN_NOTIFY_... */
};
struct gq_client {
	uint32_t transaction;
	struct client_tls tls;
	char helo[HOST_NAME_SIZE]; /* what EHLO or HELO said, or as much of it; printable ASCII */
};
struct gq_body {
	char queue_id[QUEUE_ID_SIZE];
	uint8_t filtered; /* 1: filter will look at it, and remove what claims to be ours */
	uint8_t zero[2];
};
/* What a gate may add to a message of mg_settings.max_message_size: its own Received: field, and to
 * a user's message Date, Message-ID and From. */
#define GQ_RECEIVED_MAX 4096

struct gq_commit {
	uint32_t transaction;
	uint32_t body; /* enum body_type: what it has turned out to be */
	uint64_t size; /* bytes written to the body, or of the tail */
};
#define GQ_INLINE_MAX 16384
/*
 * Within which queue answers it, whoever has to be asked, unless filter ends meanwhile and all
 * begins anew; the gate's client waits for 600 (RFC 5321 4.5.3.2.6). A gate that has waited for so
 * long withdraws the message: GQ_ABORT, then GQ_CONFIRM.
 */
#define GQ_COMMIT_SECONDS 300

enum queue_failure {
	QUEUE_NO_SPACE = 1, /* 452 4.3.1 */
	QUEUE_TOO_BIG,      /* 552 5.3.4 */
	QUEUE_REFUSED,      /* a recipient that accounts doesn't know, or none: 554 5.5.1 */
	QUEUE_UNAVAILABLE,  /* 451 4.3.0 */
	QUEUE_UNKNOWN,      /* GQ_CONFIRM: no such message: 451 4.3.0 */
	QUEUE_SENDER,       /* the reverse-path is not one of the submitter's: 550 5.7.1 */
	QUEUE_FILTERED,     /* a filter says so: the tail is the reply, "550 5.7.1 text", or several
			       of them with the same code, LF between them */
	QUEUE_AUTHOR,       /* its From or Sender: detail is why (enum author_verdict) */
	QUEUE_LIMIT, /* the submitter has sent too much: detail is what (enum submit_limit) */
};
enum submit_limit {
	LIMIT_NONE,
	LIMIT_MESSAGES,   /* within an hour: 450 4.7.1 */
	LIMIT_RECIPIENTS, /* within an hour: 450 4.7.1 */
	LIMIT_MESSAGE,    /* recipients of one message: 554 5.5.3 */
};
#define GQ_REPLY_MAX 5120
/* With QUEUE_AUTHOR and AUTHOR_FOREIGN the tail is the address that is not the submitter's, cut
 * where it is longer. */
struct gq_failed {
	uint32_t failure; /* enum queue_failure */
	uint32_t detail;  /* or 0 */
	uint32_t limit;   /* with QUEUE_LIMIT: how many there may be */
	uint32_t wait;    /* with QUEUE_LIMIT: seconds until there is room, 0: there never is */
};

/* May this client's mail for a recipient that is here come in now? The tail: the forward-path, a
 * NUL, and the reverse-path, which may be empty. Not on a submitter's channel. */
struct gq_greylist {
	conn_id conn;
	struct peer peer;
	uint32_t zero;
};
#define GQ_GREYLIST_TAIL_MAX (2 * PATH_SIZE - 1)
struct gq_greylisted {
	uint32_t wait; /* seconds until it may; 0: now */
};

#define GATE_QUEUE_MESSAGES(X)                                                                 \
	X(GQ_MAIL, 1, IPC_CLIENT, struct gq_mail, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)         \
	X(GQ_RCPT, 2, IPC_CLIENT, struct gq_rcpt, PATH_SIZE + ORCPT_SIZE, IPC_NO_FD,           \
	  IPC_ANY_STATE)                                                                       \
	X(GQ_DATA, 3, IPC_CLIENT, struct gq_transaction, 0, IPC_NO_FD, IPC_ANY_STATE)          \
	X(GQ_BODY, 4, IPC_SERVER, struct gq_body, 0, IPC_WITH_FD, IPC_ANY_STATE)               \
	X(GQ_COMMIT, 5, IPC_CLIENT, struct gq_commit, GQ_INLINE_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(GQ_COMMITTED, 6, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)          \
	X(GQ_FAILED, 7, IPC_SERVER, struct gq_failed, GQ_REPLY_MAX, IPC_NO_FD, IPC_ANY_STATE)  \
	X(GQ_ABORT, 8, IPC_CLIENT, struct gq_transaction, 0, IPC_NO_FD, IPC_ANY_STATE)         \
	/* A request: GQ_COMMITTED or GQ_FAILED. */                                            \
	X(GQ_CONFIRM, 9, IPC_CLIENT, struct gq_body, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	X(GQ_CLIENT, 16, IPC_CLIENT, struct gq_client, 0, IPC_NO_FD, IPC_ANY_STATE)            \
	/* A request: GQ_GREYLISTED. */                                                        \
	X(GQ_GREYLIST, 17, IPC_CLIENT, struct gq_greylist, GQ_GREYLIST_TAIL_MAX, IPC_NO_FD,    \
	  IPC_ANY_STATE)                                                                       \
	X(GQ_GREYLISTED, 18, IPC_SERVER, struct gq_greylisted, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { GATE_QUEUE_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary gate_queue_boundary;

#endif
