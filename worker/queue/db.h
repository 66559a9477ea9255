/* SPDX-License-Identifier: ISC */
/*
 * db - queue.db: envelopes, where each recipient's delivery stands, and the bodies of small mails.
 * All of the queue's SQL is behind this.
 *
 * A transaction is on disk when db_commit() returns, and what an earlier process left unsynced when
 * db_open() does; the caller puts as much into one as there is.
 */
#ifndef POSTERN_WORKER_QUEUE_DB_H
#define POSTERN_WORKER_QUEUE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mail_parameters.h"
#include "common/proto/types.h"
#include "worker/queue/flow.h"

struct db;

enum db_status {
	DB_OK,
	DB_NO_SPACE, /* passes when there is room again */
	DB_FAILED,   /* read-only, or worse */
	DB_LOST, /* the disk did not take what it was given: only a fresh start knows what holds */
};

/*
 * Opens or creates queue.db in the current directory and brings its schema up to date. NULL with
 * ERR filled, also where it can only be read.
 */
struct db *db_open(struct error *);
void db_close(struct db *);

/* What the last call that failed had to say. */
const char *db_error(const struct db *);

/* How many transactions have been committed. */
uint64_t db_commits(const struct db *);

/*
 * -- Writing: all of these between db_begin() and db_commit...() or db_rollback() ------
 *
 * After a call that failed the transaction is to be rolled back.
 */
enum db_status db_begin(struct db *);
enum db_status db_commit(struct db *);
/*
 * Without waiting for the disk: what is written outlives this process, but a power cut may undo it
 * until db_commit() or db_sync() has returned DB_OK.
 */
enum db_status db_commit_unsynced(struct db *);
enum db_status db_sync(struct db *);
void db_rollback(struct db *);

struct db_message {
	uint64_t id;
	conn_id conn;
	int64_t received;      /* seconds since the epoch, by the wall clock: for people to read */
	int64_t since;         /* the same in microseconds of clock_now(): what it ages by */
	const char *sender;    /* the reverse-path; "" for the null one */
	const char *submitter; /* the account that logged in, or "" */
	uint64_t size;         /* bytes of the body */
	const void *body;      /* or NULL: it is a file of the spool */
	struct mail_parameters parameters;
	bool junk; /* filter says so */
};
enum db_status db_add_message(struct db *, const struct db_message *);

struct db_recipient {
	uint64_t message;
	uint32_t index;
	const char *path;    /* the forward-path */
	const char *mailbox; /* user@domain, or "@domain" of another host */
	flow_id flow;
	int64_t next_attempt; /* microseconds since the epoch */
	uint32_t notify;      /* DSN_NOTIFY_... */
	const char *orcpt;    /* the original recipient (mail_parameters.h); NULL or "": none */
	/* Of one that an alias of ours leads to another host; NULL or "": the message's, and none.
	 */
	const char *sender; /* the reverse-path */
	const char *alias;  /* the address that it came to (queue_relay.h: delivered_to) */
};
enum db_status db_add_recipient(struct db *, const struct db_recipient *);

/* Remembers that what is called NAME has been mailed to the postmaster, some years. */
enum db_status db_add_notice(struct db *, const char *name);

/*
 * The recipient has the message. When it was the last one the message goes, and *LEFT_FILE says
 * whether its body is a file that can be removed once this is committed. A message that an earlier
 * process took is remembered, as by db_remember().
 */
enum db_status db_done(struct db *, uint64_t message, uint32_t index, bool *left_file);

#define DB_HELD INT64_MAX /* a time of the next attempt: none, until somebody releases it */
/* Puts its next attempt elsewhere, and leaves all else. */
enum db_status db_move(struct db *, uint64_t message, uint32_t index, int64_t next_attempt);
/* The same after an attempt that failed. *FLOW is the recipient's, or -1 if it is gone. */
struct db_deferral {
	uint64_t message;
	uint32_t index;
	uint32_t attempts;
	int64_t next_attempt;
	const char *reason;
	bool unreached; /* no host of its domain could be connected to */
};
enum db_status db_defer(struct db *, const struct db_deferral *, flow_id *flow);

/*
 * Of a mailbox' recipients that wait because it was unreached, those whose next attempt comes after
 * POSITION, MAX at most, have it there instead, and are unreached no more. FLOWS are theirs.
 */
enum db_status db_revive(struct db *, const char *mailbox, int64_t position, size_t max,
			 flow_id *flows, size_t *count);

/* Its sender has been told that it is delayed. */
enum db_status db_set_delayed(struct db *, uint64_t message, uint32_t index);

/* Keeps the id of a message whose sender may yet ask what became of it (GQ_CONFIRM), an hour. */
enum db_status db_remember(struct db *, uint64_t id);

/*
 * -- Reading -------------------------------------------------------------------------
 */

/* Whether the message is here, or has been and is remembered. Unknown errors count as DB_FAILED. */
enum db_status db_known(struct db *, uint64_t id, bool *known);
/* Whether db_add_notice() has remembered it. */
enum db_status db_has_notice(struct db *, const char *name, bool *has);
/* Whether db_revive() would find any. */
enum db_status db_has_unreached(struct db *, const char *mailbox, int64_t position, bool *has);
/* Whether body.ID has a row; true if that can't be told. */
bool db_has_file(struct db *, uint64_t id);

/*
 * Hands the message to READ, whose pointers hold only there, and returns what it returns; -1 with
 * no call if there is none or it can't be read.
 */
typedef int db_read_fn(const struct db_message *, void *arg);
int db_message(struct db *, uint64_t id, db_read_fn *read, void *arg);
/* The same without its body, which stays where it is: NULL. */
int db_message_head(struct db *, uint64_t id, db_read_fn *read, void *arg);

/* A recipient with all that is known of it; the pointers hold during the call only. */
struct db_name {
	uint64_t message;
	uint32_t index;
};
struct db_entry {
	uint64_t message;
	uint32_t index;
	uint32_t attempts;
	int64_t next_attempt;
	flow_id flow;
	int64_t received;
	uint64_t size;
	const char *sender, *submitter, *path, *mailbox, *reason;
};
typedef void db_entry_fn(const struct db_entry *, void *arg);
/* Those behind AFTER (NULL: from the first), at most MAX. Nothing is written meanwhile. */
enum db_status db_entries(struct db *, const struct db_name *after, size_t max, db_entry_fn *each,
			  void *arg);
/* That one; EACH is not called if there is none. */
enum db_status db_entry(struct db *, uint64_t message, uint32_t index, db_entry_fn *each,
			void *arg);

/* What the sender said of a recipient. */
struct db_addressee {
	char path[PATH_SIZE];
	char orcpt[ORCPT_SIZE];
	uint32_t notify;
	bool delayed;           /* db_set_delayed() */
	char sender[PATH_SIZE]; /* as in db_recipient */
	char alias[PATH_SIZE];
};
/* DB_FAILED also if there is no such. */
enum db_status db_addressee(struct db *, uint64_t message, uint32_t index, struct db_addressee *);

/* The flow that follows AFTER in the order of their numbers. 1, 0 if there is none, -1. */
int db_next_flow(struct db *, flow_id after, flow_id *flow);

/* A flow's deliveries are in the order of these. */
struct db_position {
	int64_t next_attempt;
	uint64_t message;
	uint32_t index; /* a message has many recipients */
};
struct db_delivery {
	struct db_position position;
	uint32_t attempts;
	uint32_t notify;
	bool delayed;
};

/*
 * Those of a flow after AFTER that were due before NOW, at most MAX. 1, or 0 if EACH returned
 * false, which stops it, or -1. After 1 *DUE is when the next one is that EACH was not called for,
 * or DB_HELD. The mailbox' name holds during the call only.
 */
typedef bool db_due_fn(const struct db_delivery *, const char *mailbox, void *arg);
int db_due(struct db *, flow_id, struct db_position after, int64_t now, size_t max, db_due_fn *each,
	   void *arg, int64_t *due);

/* Those of a flow in one mailbox after AFTER and up to UNTIL, at most MAX. How many, or -1. */
int db_lane(struct db *, const char *mailbox, flow_id, struct db_position after,
	    struct db_position until, struct db_delivery *, size_t max);

/*
 * -- What domains want of who sends to them (policy.h), in transactions of their own ------
 */

struct db_policy {
	const char *domain, *id;
	uint32_t mode;
	int64_t until; /* seconds since the epoch */
	const char *mx;
	size_t mx_length; /* bytes of it */
};

/*
 * In place of what is there of the domain; of more than MAX those that end first go. It comes to
 * disk with the next db_commit() or db_sync(): what is lost is fetched again.
 */
enum db_status db_keep_policy(struct db *, const struct db_policy *, size_t max);
/* How many there are. */
enum db_status db_policies(struct db *, size_t *count);
/* Hands the domain's to EACH, if there is one; it is there during the call only. */
void db_policy(struct db *, const char *domain, void (*each)(const struct db_policy *, void *arg),
	       void *arg);

#endif
