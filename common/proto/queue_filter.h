/* SPDX-License-Identifier: ISC */
/*
 * queue (IPC_CLIENT) - filter (IPC_SERVER): what becomes of a mail, before it is durable. One
 * exchange a mail:
 *
 * - QF_MAIL: where it comes from, and the reverse-path; names the check (any nonzero number, unique
 *   on the channel).
 * - QF_RCPT ...: the forward-paths, many in each.
 * - QF_CHECK or QF_CHECK_FILE, a request: the message, in the tail or as a file for reading.
 *   Answered by QF_VERDICT.
 * - QF_CANCEL, any time before the verdict: nobody waits for it any more.
 *
 * Meanwhile filter may ask: QF_ROOM for a file to write the changed message to, if it doesn't fit
 * into the verdict's tail; QF_SIGN for DKIM-Signature fields. QF_ENVELOPE, once, before a verdict
 * of ACCEPT or HOLD: what milters have made of sender and recipients, where they may.
 *
 * QF_LEAVING, the last that filter says: it was told to end, and has died of no mail. What it still
 * has its successor is asked.
 */
#ifndef POSTERN_COMMON_PROTO_QUEUE_FILTER_H
#define POSTERN_COMMON_PROTO_QUEUE_FILTER_H

#include "common/proto/gate_queue.h"

/* Whose mail it is: what is done with it depends on that. */
enum filter_kind {
	FILTER_STRANGER = 1,  /* somebody's who did not log in */
	FILTER_SUBMITTER = 2, /* of an account that has logged in */
	FILTER_OWN = 4,       /* of this server: a report, a notice */
};

/* How far milters may change the envelope of a mail. */
enum filter_envelope {
	FILTER_ENVELOPE_OFF,
	/* Recipients are removed, and added where accounts.conf leads; the sender of a stranger's
	 * mail, who may use any, is changed. */
	FILTER_ENVELOPE_HERE,
	FILTER_ENVELOPE_ANYWHERE, /* recipients at other hosts, and any sender */
	FILTER_ENVELOPE_COUNT
};

/* Whether a mail of more than 7 bits, which is to be signed, goes to other hosts, which may have to
 * convert it and can't then: that is done before it is signed (RFC 6376 5.3). */
enum filter_leaves { FILTER_STAYS, FILTER_LEAVES, FILTER_LEAVES_IF_ADDED, FILTER_LEAVES_COUNT };

/* The tail is the reverse-path; "" is the null one. */
struct qf_mail {
	conn_id conn;
	uint64_t id;      /* the queue's, for the log and for milters */
	struct peer peer; /* of the connection; unspecified with FILTER_OWN */
	uint32_t check;
	uint32_t kind;      /* enum filter_kind */
	uint32_t seven_bit; /* enum filter_leaves; IF_ADDED: if milters add a recipient */
	struct client_tls tls;
	char helo[HOST_NAME_SIZE];
	char submitter[ADDRESS_SIZE]; /* "" for who did not log in */
	uint8_t mechanism;            /* enum login_way: how he did */
	uint8_t utf8;                 /* 1: the envelope may have UTF-8 (RFC 6531) */
	uint8_t envelope;             /* enum filter_envelope */
	uint8_t zero[4];
};
struct qf_number {
	uint32_t check;
};
/* The tail of QF_RCPT: forward-paths, a NUL behind each. */
#define QF_PATHS_MAX 32768

/* QF_CHECK: the message is the tail, of SIZE bytes. QF_CHECK_FILE: it comes along. */
struct qf_check {
	uint32_t check;
	uint32_t zero;
	uint64_t size; /* bytes of the message */
};

/* Within which filter has its verdict, and the message as it shall be. */
#define QF_CHECK_SECONDS 145

enum filter_verdict {
	FILTER_ACCEPT = 1,
	FILTER_HOLD,    /* taken, but not delivered until an administrator says so */
	FILTER_DISCARD, /* taken, and thrown away: only a milter that says so gets that far */
	FILTER_LATER,   /* 4yz */
	FILTER_REJECT,  /* 5yz */
	FILTER_VERDICT_COUNT
};
enum filter_change {
	FILTER_SAME,    /* the message is as it came */
	FILTER_IN_TAIL, /* the whole new message is the verdict's tail */
	FILTER_IN_FILE, /* it is in the file of QF_FILE, which filter has closed */
	FILTER_CHANGE_COUNT
};

/*
 * Strings are NUL-terminated printable ASCII. With code, status and text: LATER and REJECT only,
 * whose text may be of several lines, LF between them.
 */
#define FILTER_STATUS_SIZE 12
#define FILTER_TEXT_SIZE 392 /* of a line */
#define FILTER_LINES_MAX 32  /* as many as libmilter has in a reply */
#define FILTER_WORDS_SIZE 4096
struct qf_verdict {
	uint32_t verdict;                /* enum filter_verdict */
	uint32_t change;                 /* enum filter_change */
	uint32_t junk;                   /* 1: to be delivered as junk */
	uint32_t code;                   /* 400..599, or 0 */
	uint64_t size;                   /* bytes of the new message; 0 with FILTER_SAME */
	char status[FILTER_STATUS_SIZE]; /* "5.7.1", or "" */
	char text[FILTER_WORDS_SIZE];    /* for the reply or, with HOLD, for the queue's list */
	uint32_t seven_bit;              /* 1: changed to 7 bits, as qf_mail wished */
};
#define QF_TAIL_MAX 49152
/* What filter may add to a message of mq_settings.max_message_size: results and what milters want,
 * and signatures. */
#define QF_WISHES_MAX 65536
#define QF_SIGNED_MAX 8192
#define QF_FIELDS_MAX (QF_WISHES_MAX + QF_SIGNED_MAX)
/* Octets that a message of SIZE may become. */
static inline uint64_t
qf_size_max(uint64_t size, bool seven_bit)
{
	return size + (seven_bit ? size / 2 : 0) + QF_FIELDS_MAX;
}

/*
 * The changes of an envelope. The tail: RANGES of removed recipients, two numbers of four octets
 * each, the index of the first in QF_RCPT's order and how many, ascending and apart; with SENDER
 * the new reverse-path and a NUL; and each of the ADDED recipients, an octet that is '0' + NOTIFY
 * (DSN_NOTIFY_...) + QF_ANYWHERE if it may be at another host, its forward-path, a NUL, its
 * original recipient or nothing, a NUL.
 */
struct qf_envelope {
	uint32_t check;
	uint32_t ranges;
	uint32_t sender; /* 1: there is one */
	uint32_t added;
	uint32_t parameters; /* 1, with a sender: RET and ENVID are these now; else they are 0 */
	uint32_t ret;        /* enum dsn_return */
	char envid[ENVID_SIZE];
	uint8_t zero[3];
};
#define QF_ENVELOPE_MAX 60000 /* octets of the tail */
#define QF_ADDED_MAX 1000     /* recipients */
#define QF_ANYWHERE 16        /* more than DSN_NOTIFY_ALL */

/*
 * What DKIM signs (RFC 6376 3.7), c=relaxed/relaxed. The tail is the header fields in their
 * canonical form, in the order of h=, each with its CRLF. Domain: d=. Without: fields that the mail
 * may have, and that are not signed since its header is too long.
 */
#define QF_SIGN_FIELDS_MAX 60000
#define DKIM_HASH_SIZE 32 /* SHA-256 */
struct qf_sign {
	uint32_t check;
	char domain[HOST_NAME_SIZE];
	uint8_t body_hash[DKIM_HASH_SIZE];
	uint32_t without; /* dkim_fields_may_lack() */
};
/* The tail of QF_SIGNED is whole DKIM-Signature fields with their CRLF, one a key; empty if there
 * is no key. */

#define QUEUE_FILTER_MESSAGES(X)                                                                 \
	X(QF_MAIL, 1, IPC_CLIENT, struct qf_mail, PATH_SIZE, IPC_NO_FD, IPC_ANY_STATE)           \
	X(QF_RCPT, 2, IPC_CLIENT, struct qf_number, QF_PATHS_MAX, IPC_NO_FD, IPC_ANY_STATE)      \
	X(QF_CHECK, 3, IPC_CLIENT, struct qf_check, GQ_INLINE_MAX, IPC_NO_FD, IPC_ANY_STATE)     \
	X(QF_CHECK_FILE, 4, IPC_CLIENT, struct qf_check, 0, IPC_WITH_FD, IPC_ANY_STATE)          \
	X(QF_CANCEL, 5, IPC_CLIENT, struct qf_number, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(QF_VERDICT, 6, IPC_SERVER, struct qf_verdict, QF_TAIL_MAX, IPC_NO_FD, IPC_ANY_STATE)   \
	/* Requests of filter. */                                                                \
	X(QF_ROOM, 7, IPC_SERVER, struct qf_number, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(QF_FILE, 8, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)               \
	X(QF_NO_ROOM, 9, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	X(QF_SIGN, 10, IPC_SERVER, struct qf_sign, QF_SIGN_FIELDS_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(QF_SIGNED, 11, IPC_CLIENT, struct ipc_empty, QF_SIGNED_MAX, IPC_NO_FD, IPC_ANY_STATE)  \
	/* Not for now. */                                                                       \
	X(QF_UNSIGNED, 12, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)            \
	X(QF_ENVELOPE, 13, IPC_SERVER, struct qf_envelope, QF_ENVELOPE_MAX, IPC_NO_FD,           \
	  IPC_ANY_STATE)                                                                         \
	X(QF_LEAVING, 14, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { QUEUE_FILTER_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary queue_filter_boundary;

#endif
