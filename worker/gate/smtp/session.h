/* SPDX-License-Identifier: ISC */
/*
 * session - an SMTP or submission session on a connection: what its files share.
 *
 *   session.c   the protocol table, lines, the table of commands, replies
 *   basic.c     EHLO HELO RSET NOOP VRFY EXPN HELP QUIT STARTTLS
 *   auth.c      AUTH (submission)
 *   mail.c      MAIL, RCPT; the life of a transaction
 *   greylist.c  RCPT: is it too soon for a stranger's mail?
 *   receive.c   DATA: the content, to the queue
 *   chunk.c     BDAT: the content in chunks (RFC 3030)
 *   commit.c    the end of the data: durable, then 250
 *   refusal.c   what queue does not take
 */
#ifndef POSTERN_WORKER_GATE_SMTP_SESSION_H
#define POSTERN_WORKER_GATE_SMTP_SESSION_H

#include <sys/queue.h>

#include "common/proto/gate_queue.h"
#include "worker/gate/conn.h"
#include "worker/gate/sasl.h"
#include "worker/gate/smtp/command.h"
#include "worker/gate/smtp/data.h"
#include "worker/gate/smtp/first_line.h"

#define SMTP_LINE_MAX 2048   /* RFC 5321 4.5.3.1.4: at least 512, with CRLF */
#define SMTP_AUTH_MAX 12288  /* RFC 4954 4 */
#define SMTP_RCPTS_ASKED 32  /* RCPT commands of one client that accounts is asked about at once */
#define SMTP_BACKLOG_MAX 512 /* messages waiting in a channel: more, and senders hold back */

/* Seconds that other processes have for an answer. */
#define SMTP_RCPT_TIMEOUT 30
#define SMTP_LOGIN_TIMEOUT 60
#define SMTP_BODY_TIMEOUT 30
#define SMTP_COMMIT_TIMEOUT GQ_COMMIT_SECONDS
#define SMTP_CONFIRM_TIMEOUT 30

enum smtp_state {
	SMTP_NEW,       /* no EHLO or HELO yet */
	SMTP_READY,     /* RFC 5321 4.1.4: no transaction */
	SMTP_ENVELOPE,  /* after MAIL */
	SMTP_LOGIN,     /* AUTH has begun: a response is awaited */
	SMTP_CHECKING,  /* accounts checks a login */
	SMTP_OPENING,   /* DATA or the first BDAT: queue opens a body */
	SMTP_RECEIVING, /* 354 has been said */
	SMTP_CHUNK,     /* a chunk of BDAT comes in */
	SMTP_CHUNKS,    /* one is over, and was not the last */
	SMTP_COMMITTING,
	SMTP_CONFIRMING, /* queue died while it committed: its successor is asked */
	SMTP_CLOSING,    /* conn_finish() has been called */
};
#define SMTP_IN(state) (1U << (state))

/* A RCPT: asked about, answered but not yet replied to (replies keep the order), or taken. */
struct smtp_rcpt {
	STAILQ_ENTRY(smtp_rcpt) entry;
	struct conn *conn;
	struct ipc_channel *asked; /* the request's channel: to accounts, then perhaps to queue */
	uint32_t request;          /* 0: answered */
	uint32_t verdict;          /* enum rcpt_verdict */
	uint32_t wait;             /* seconds before which it is too soon; 0: it is not */
	uint32_t notify;           /* DSN_NOTIFY_... */
	const char *orcpt;         /* behind the path; "": none */
	char path[];
};
STAILQ_HEAD(smtp_rcpts, smtp_rcpt);

/* The body while it is received. */
struct smtp_receipt {
	struct smtp_data data;
	struct smtp_fixup *fixup; /* of a user's message; else NULL */
	struct first_line first;  /* of a stranger's */
	struct claims *claims;    /* behind either; NULL: filter will look at it */
	int fd;                   /* -1: closed */
	int write_errno;
	uint64_t written;
	bool more;           /* octets came behind the end mark, together with it */
	size_t field_length; /* of our Received: field; 0 once it is in the file */
	char field[];
};

/* RFC 5321 3.3: from MAIL on. */
struct smtp_transaction {
	uint64_t declared_size; /* SIZE= */
	struct mail_parameters parameters;
	bool chunked; /* begun by BDAT */
	bool full;    /* it has had more recipients than it may have */
	struct smtp_rcpts taken;
	struct smtp_rcpts asked; /* in the order of their commands */
	uint32_t taken_count;
	uint32_t asked_count;

	/* From DATA on: */
	uint32_t id;            /* its name on the channel to queue; 0: not opened there */
	bool channel_lost;      /* the channel it was opened on is gone */
	struct smtp_rcpt *told; /* the last recipient that queue was told; NULL: none */
	struct event *timer;    /* to tell more of them, or the end of waiting for a confirmation */
	struct gq_body body;    /* its queue id */
	struct smtp_receipt *receipt;
	char from[]; /* reverse-path */
};

struct smtp_session {
	enum smtp_state state;
	bool extended;    /* EHLO, not HELO */
	bool swallow;     /* the rest of a line that is too long */
	bool held;        /* conn_pause() has been called */
	bool unmailed;    /* MAIL was refused: what was sent together with it may come yet */
	bool mailed;      /* a transaction is over, whatever became of it */
	uint32_t errors;  /* towards mg_settings.max_errors */
	uint32_t idling;  /* commands since the last message that did nothing for one */
	uint32_t request; /* to accounts or queue, under way; RCPTs have their own */
	char *helo;
	struct smtp_transaction *mail; /* NULL: none */

	/* The chunk that a BDAT announced (chunk.c). */
	uint64_t chunk_left; /* octets of it that are to come */
	bool chunk_last;
	bool chunk_dropped; /* it is read, and thrown away */
	/* To its end; NULL: there has been a reply, or it depends on what is in it. */
	const char *chunk_reply;

	/* submission */
	struct sasl sasl;
	struct smtp_command *waiting;  /* MAIL, while its client's certificate is looked at */
	char *account;                 /* who has logged in; NULL: nobody */
	struct submit_limits limits;   /* his own */
	struct ipc_channel *submitter; /* to queue, in the account's name; NULL: none, or lost */
};

typedef void smtp_handler_fn(struct conn *, struct smtp_session *, const struct smtp_command *);

smtp_handler_fn smtp_cmd_hello, smtp_cmd_rset, smtp_cmd_noop, smtp_cmd_vrfy, smtp_cmd_expn,
    smtp_cmd_help, smtp_cmd_quit, smtp_cmd_starttls, smtp_cmd_http; /* basic.c */
smtp_handler_fn smtp_cmd_auth;                                      /* auth.c */
smtp_handler_fn smtp_cmd_mail, smtp_cmd_rcpt;                       /* mail.c */
smtp_handler_fn smtp_cmd_data;                                      /* receive.c */
smtp_handler_fn smtp_cmd_bdat;                                      /* chunk.c */

/*
 * -- session.c ------------------------------------------------------------------
 */

bool smtp_is_submission(const struct conn *);

/* One reply line; CRLF is added. */
void smtp_reply(struct conn *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same for something the client did wrong: after mg_settings.max_errors of them the connection
 * is closed with a 421. Returns false if it was the last: the session may be gone.
 */
bool smtp_refuse(struct conn *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same for an address that there can't be, or nobody has here: it came from a list or out of an
 * address book, and whoever carries the mail did nothing wrong. Many of them are slowed and come to
 * an end all the same (smtp_count_idle()); strangers' are noted, as guesses.
 */
bool smtp_refuse_mailbox(struct conn *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* 421 and the end. FORMAT without the code. The session may be gone afterwards. */
void smtp_close(struct conn *, const char *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* No more input until smtp_release(), which may call input() at once: call it last. */
void smtp_hold(struct conn *, struct smtp_session *);
void smtp_release(struct conn *, struct smtp_session *);

/* 421 to who would begin something new while the gate drains: true, and the session may be gone. */
bool smtp_has_left(struct conn *, struct smtp_session *);

/* Counts what does nothing for a message: too much of it is an error. As smtp_refuse(). */
bool smtp_count_idle(struct conn *);

/* Frees what the session holds, and makes it new. */
void smtp_session_reset(struct conn *, struct smtp_session *);

/* The channel on which a message of this client goes to queue; NULL: none now. */
struct ipc_channel *smtp_queue(struct conn *, const struct smtp_session *);

/*
 * -- auth.c ---------------------------------------------------------------------
 */

/*
 * RFC 6409 4.3: who has shown a certificate need not say AUTH before MAIL. Returns true if COMMAND
 * waits for accounts, and is replied to then.
 */
bool smtp_auth_by_mail(struct conn *, struct smtp_session *, const struct smtp_command *);
/* A line that answers a 334. */
void smtp_auth_response(struct conn *, struct smtp_session *, const char *line, size_t length);
/* Forgets a login that has begun. */
void smtp_auth_reset(struct smtp_session *);

/*
 * -- mail.c ---------------------------------------------------------------------
 */

/* Ends the transaction, if there is one; what queue and accounts know of it is withdrawn. */
void smtp_transaction_end(struct conn *, struct smtp_session *);
/* RCPTs are waiting for their replies: no other command may be replied to before them. */
bool smtp_rcpts_waiting(const struct smtp_session *);
/* Accounts is asked about this RCPT; where not, smtp_cmd_rcpt() replies to it at once. */
bool smtp_rcpt_is_asked(const struct conn *, const struct smtp_session *,
			const struct smtp_command *);
/* How many recipients a message of this client may have. */
uint32_t smtp_recipients_max(const struct conn *, const struct smtp_session *);
/* No more RCPT commands now. */
bool smtp_rcpts_full(const struct smtp_session *);
/* Replies to RCPTs, in order, as far as they are answered (RFC 2920 3.1). The session may be gone
 * afterwards. */
void smtp_rcpts_reply(struct conn *, struct smtp_session *);

/*
 * -- greylist.c -----------------------------------------------------------------
 */

/*
 * The recipient is here: asks queue whether mail of this client for it may come in now, if the
 * client is one that this is for. Leaves request 0 where there is nothing to wait for.
 */
void smtp_greylist(struct conn *, const struct smtp_session *, struct smtp_rcpt *);

/*
 * -- receive.c ------------------------------------------------------------------
 */

/* Has queue open a body; then the content is taken, or the transaction ends with a reply. */
void smtp_open_body(struct conn *, struct smtp_session *);
/* Mail data; returns how many bytes were used. Of a chunk with its last bytes when chunk_left is 0.
 */
size_t smtp_receive(struct conn *, struct smtp_session *, const char *bytes, size_t length);
/* All of the content is there, or nothing more of it is wanted: to smtp_commit(). */
void smtp_content_over(struct conn *, struct smtp_session *);
/* Closes the file. */
void smtp_receipt_close(struct smtp_receipt *);

/*
 * -- chunk.c --------------------------------------------------------------------
 */

/* Octets of a chunk; returns how many were used. */
size_t smtp_chunk(struct conn *, struct smtp_session *, const char *bytes, size_t length);
/* All of it is in the file, and it was not the last. */
void smtp_chunk_over(struct conn *, struct smtp_session *);
/* The body is open: the first chunk can come. May end the session's hold. */
void smtp_chunk_begin(struct conn *, struct smtp_session *);
/* It can't: the transaction is over, with a reply. The chunk goes nowhere. */
void smtp_chunk_drop(struct smtp_session *);

/*
 * -- commit.c -------------------------------------------------------------------
 */

/* The end mark is there. The message is in the file, or all of it in BYTES if LENGTH is not 0. */
void smtp_commit(struct conn *, struct smtp_session *, const char *bytes, size_t length);
/* The protocol's queue_up(). */
void smtp_queue_up(struct conn *);

/*
 * -- refusal.c ------------------------------------------------------------------
 */

/* Replies to a message that queue does not take, and ends the transaction. TEXT: GQ_FAILED's tail.
 */
void smtp_queue_refused(struct conn *, struct smtp_session *, const struct gq_failed *,
			const char *text);
/* The same for enum queue_failure alone. */
void smtp_queue_failed(struct conn *, struct smtp_session *, uint32_t failure);
/* One line on the message: "smtp.accepted", "smtp.refused" and WHY. */
void smtp_log_outcome(struct conn *, const struct smtp_session *, const char *event,
		      const char *why);

#endif
