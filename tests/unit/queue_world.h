/* SPDX-License-Identifier: ISC */
/*
 * queue_world - a queue with fake ends around it, all on one event loop: a master that attaches
 * sessions, accounts, gates, and mailboxes that remember what they stored whatever happens to their
 * session.
 */
#ifndef POSTERN_TESTS_UNIT_QUEUE_WORLD_H
#define POSTERN_TESTS_UNIT_QUEUE_WORLD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/queue/queue.h"

struct event_base;

/* What the sessions do with the next deliveries. */
enum conduct {
	STORES,      /* and answers */
	DIES_BEFORE, /* storing it */
	DIES_AFTER,  /* storing it, without an answer */
	FAILS_FOR_NOW,
	FAILS_FOR_GOOD,
	KEEPS_SILENT,
	DIES_OF_ONE, /* of the mail whose sender is "poison@example.org" */
};

struct stored {
	SLIST_ENTRY(stored) entry;
	char mailbox[64];
	char delivery_id[32];
	char sender[64];
	char path[64]; /* that it came by */
	size_t size;
	uint64_t hash;   /* of the bytes */
	char text[8192]; /* the first of them, as a string */
};

struct session_end {
	SLIST_ENTRY(session_end) entry;
	struct world *world;
	struct ipc_channel *channel;
	char mailbox[64];
};

/* One mail of a gate, and what became of it. */
struct mail {
	struct world *world;
	uint32_t transaction;
	struct peer peer;
	const char *sender;
	const char *const *recipients;
	size_t size;
	struct mail_parameters parameters;
	uint32_t notify;          /* of each recipient, */
	const uint32_t *notifies; /* or of one after the other */
	const char *orcpt;        /* likewise; or NULL */
	bool hold;                /* stop when the body is there: commit is called by the test */
	bool keep_open;           /* "forget" to close the body before the commit */
	bool in_file;             /* not in the commit, though it is small */
	int body;
	char queue_id[QUEUE_ID_SIZE];
	bool have_body;
	bool committed;
	uint32_t failure;
	bool dropped; /* the channel ended instead */
	struct ipc_channel *channel;
};

struct world {
	struct event_base *base;
	struct queue queue;
	int directory;
	char folder[64];
	struct ipc_channel *control, *master, *gate, *accounts;
	bool gate_ended, accounts_silent, attach_fails;
	enum conduct conduct;
	const char *failing;   /* the one mailbox that fails, where sessions do; NULL: each */
	const char *fails_why; /* what it says; NULL: something */
	unsigned attaches, deliveries, resolves;
	unsigned duplicates;
	enum author_verdict author; /* what accounts says of a message, 0: that it is his own */
	bool author_silent;
	unsigned authors;   /* messages it was asked about */
	size_t author_size; /* of the last one */
	char author_account[ADDRESS_SIZE];
	SLIST_HEAD(, stored) stored;
	SLIST_HEAD(, session_end) sessions;
	unsigned stored_count;
};

/* A fresh folder, which becomes the current one. */
void world_make_folder(char folder[64]);
void world_remove_folder(const char *folder);

/* Opens a queue in the current directory, with everything around it. */
void world_open(struct world *);
void world_close(struct world *);
void world_open_accounts(struct world *);
struct ipc_channel *world_open_gate(struct world *, const char *submitter);

/* A session process dies. */
void session_die(struct session_end *);

/* Runs the loop until DONE says so; fails the test after 20 seconds. */
typedef bool world_done_fn(void *arg);
void world_run_until(struct world *, world_done_fn *, void *arg);
/* Runs the loop for some milliseconds. */
void world_run_for(struct world *, unsigned milliseconds);

/* Starts a mail on its channel (the gate's if NULL). */
void mail_start(struct mail *);
void mail_commit(struct mail *);
/* The reply to a commit or a question (ipc_reply_fn). */
int mail_on_reply(struct ipc_channel *, struct ipc_message *, void *mail);
bool mail_is_over(void *mail);
bool mail_has_body(void *mail);

/* Starts one and runs until it is over. */
void mail_send(struct mail *);

#endif
