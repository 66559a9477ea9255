/* SPDX-License-Identifier: ISC */
/*
 * transaction - one mail on its way in, from GQ_MAIL to the reply to GQ_COMMIT.
 *
 * A source's transactions are named by numbers that the gate chose. What a transaction may become:
 *
 *   ENVELOPE -> DATA -> BODY -> AUTHOR -> CHECK -> RESOLVE -> COMMIT -> gone
 *
 * and gone from each of them, by GQ_ABORT, a failure, or the end of its source; only from COMMIT
 * not by the latter: what the gate asked to be committed is, even if it dies meanwhile. AUTHOR is a
 * submitter's only (author.c), CHECK is left out where nothing is to be filtered (check.h), and
 * RESOLVE where milters have left the envelope as it was (envelope.h); a client that goes meanwhile
 * has no answer, and tries again.
 */
#ifndef POSTERN_WORKER_QUEUE_TRANSACTION_H
#define POSTERN_WORKER_QUEUE_TRANSACTION_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/gate_queue.h"
#include "common/proto/queue_filter.h"
#include "worker/queue/asker.h"
#include "worker/queue/check_envelope.h"
#include "worker/queue/queue.h"
#include "worker/queue/shares.h"

enum transaction_state {
	TRANSACTION_ENVELOPE, /* recipients are collected, and accounts is asked at once */
	TRANSACTION_DATA,     /* GQ_DATA waits for accounts */
	TRANSACTION_BODY,     /* the gate writes */
	TRANSACTION_AUTHOR,   /* accounts is asked who may have written it */
	TRANSACTION_CHECK,    /* filter looks at it */
	TRANSACTION_RESOLVE,  /* accounts is asked where the changed envelope leads */
	TRANSACTION_COMMIT,   /* in the batch */
};

struct transaction;

struct recipient {
	STAILQ_ENTRY(recipient) entry;
	RB_ENTRY(recipient) by_mailbox;
	struct question question;
	struct transaction *transaction;
	char *mailbox; /* NULL until accounts answered; "@domain" of another host */
	bool chosen;   /* it gets a delivery: no other recipient has the same mailbox */
	bool further;  /* an alias leads to it, beside the one that was named */
	bool added;    /* a milter has: no client has named it; */
	bool anywhere; /* it may be at another host */
	/* Of one that an alias leads to another host; else NULL: */
	char *sender;      /* the reverse-path it has there, */
	char *alias;       /* and the forward-path that it came by, as recipients.c writes it */
	uint32_t notify;   /* DSN_NOTIFY_..., of all that lead to its mailbox */
	uint32_t asked;    /* and of this one alone, for when others are removed */
	const char *orcpt; /* behind the path; "": none */
	char path[];
};
STAILQ_HEAD(recipients, recipient);
RB_HEAD(mailboxes_seen, recipient);

struct transaction {
	RB_ENTRY(transaction) by_number;
	TAILQ_ENTRY(transaction) in_batch;
	struct queue *queue;
	struct source *source; /* NULL: the gate is gone, nobody waits for a reply */
	struct share *share;   /* its client's, if that is a stranger */
	uint32_t number;
	enum transaction_state state;
	uint32_t request; /* the id of GQ_DATA or GQ_COMMIT, to be quoted */
	conn_id conn;
	uint64_t declared; /* size, as MAIL FROM said */
	struct mail_parameters parameters;
	char *sender;
	struct question sender_question; /* of a submitter: is it his? */
	struct question author_question;
	struct recipients recipients;
	struct mailboxes_seen mailboxes;
	struct peer peer; /* the client; unspecified in this server's own */
	struct client_tls tls;
	char *helo;   /* what it called itself, or NULL */
	size_t paths; /* that the gate named */
	size_t unanswered;
	size_t deliveries;
	size_t bytes;              /* of addresses held, for the source's account */
	size_t further_bytes;      /* of those of further recipients */
	enum queue_failure failed; /* what GQ_DATA will be told, or 0 */
	struct event *deadline;    /* for accounts */

	uint64_t id;
	uint32_t slot; /* in the spool, from BODY on */
	char *body;    /* from COMMIT on: a small one, its bytes; else NULL */
	int fd;        /* from COMMIT on: the sealed body; else -1 */
	uint64_t size;
	bool kept;           /* the batch has moved it to body.ID */
	struct check *check; /* in CHECK; else NULL */
	bool junk;           /* filter says so */
	bool hold;           /* likewise: not to be delivered until somebody releases it, */
	char why_held[FILTER_TEXT_SIZE];
	/* A mail of the server's own (notice.h): it is sent once by this; else NULL. */
	char *notice;
	/* It says what became of a mail (report.h); else NULL. */
	struct report *report;
	char submitter[ADDRESS_SIZE];
};
RB_HEAD(transactions, transaction);

struct source {
	LIST_ENTRY(source) entry;
	struct queue *queue;
	struct ipc_channel *channel; /* NULL: of the server's own mails */
	struct transactions transactions;
	size_t count;
	size_t bytes;
	struct shares shares;         /* of them */
	char submitter[ADDRESS_SIZE]; /* "" for a gate's own channel */
	enum login_way mechanism;
	struct submit_limits limits; /* his own; 0: the server's */
};

/* Who waits for a reply, or NULL. */
static inline struct ipc_channel *
transaction_channel(const struct transaction *transaction)
{
	return transaction->source == NULL ? NULL : transaction->source->channel;
}

/* NULL if there is no memory, the number is taken, or the source has too many. */
struct transaction *transaction_new(struct source *, const struct gq_mail *, const char *sender);
struct transaction *transaction_find(struct source *, uint32_t number);
/* The next one of the source; NULL: the first, or no more. */
struct transaction *transaction_after(struct source *, struct transaction *);

/* GQ_CLIENT came. -1 without memory. */
int transaction_client(struct transaction *, const char *helo, const struct client_tls *);

/*
 * -- recipients.c
 */

/*
 * Adds a recipient and asks accounts. More than there may be make the transaction fail. NOTIFY and
 * ORCPT as in struct db_recipient, ORCPT not NULL.
 */
void transaction_add(struct transaction *, const char *path, uint32_t notify, const char *orcpt);

/* The same for one that a milter adds, and not more than QF_ADDED_MAX of them. */
void transaction_add_more(struct transaction *, const struct envelope_added *);

/* Forgets all recipients; they live on in OUT, where transaction_free_recipients() ends them. */
void transaction_take_recipients(struct transaction *, struct recipients *out);
void transaction_free_recipients(struct recipients *);

/* Asks accounts whether the submitter, if there is one, may use this sender. */
void transaction_ask_sender(struct transaction *);

/* GQ_DATA will be told so; the first failure counts. */
void transaction_note_failure(struct transaction *, enum queue_failure);

/*
 * -- transaction.c
 */

/* All questions are answered, and GQ_DATA waits. It may be gone when this returns. */
void transaction_answer_data(struct transaction *);

/* GQ_DATA came: answers as soon as all recipients are known. */
void transaction_data(struct transaction *, uint32_t request);

/*
 * GQ_COMMIT came: into the batch. The body is the file, or BODY (size bytes, copied) if that is not
 * NULL. -1 if the gate breaks the rules.
 */
int transaction_commit(struct transaction *, uint32_t request, uint64_t size, const char *body);

/*
 * Into the batch, as soon as all recipients are known, with BODY (malloc'd, taken) of SIZE bytes.
 * NOTICE (malloc'd, taken, or NULL) is remembered together with it.
 */
void transaction_commit_own(struct transaction *, char *notice, char *body, uint64_t size);

/* -- For check.c: the end of CHECK -- */

/* Into the batch. */
void transaction_checked(struct transaction *);
/* The body is BODY (malloc'd, taken) or the sealed FD (taken) now. */
void transaction_new_body(struct transaction *, char *body, int fd, uint64_t size);
/* Nothing of it will be delivered until an administrator says so. */
void transaction_hold(struct transaction *, const char *why);
/* Says that it was committed, and frees it: nothing is kept. */
void transaction_discard(struct transaction *);
/* Says that it was not, with that reply ("550 5.7.1 text"), and frees. */
void transaction_refuse(struct transaction *, const char *reply);

/* Answers what waits, with GQ_FAILED, and frees. */
void transaction_fail(struct transaction *, enum queue_failure);

/* The same, with what GQ_FAILED says beside it. */
void transaction_fail_with(struct transaction *, const struct gq_failed *, const char *text);

/* author.c: AUTHOR, if that is wanted, and then transaction_authored(). */
void transaction_check_author(struct transaction *);

/* To the filter, or into the batch. */
void transaction_authored(struct transaction *);

/* Frees it with all that is kept for it in files, without a word. */
void transaction_forget(struct transaction *);

/* Their source is gone: forgets all but those in COMMIT, which nobody waits for any more. */
void transaction_end_all(struct source *);

/* Frees it; its files are taken care of. */
void transaction_free(struct transaction *);

#endif
