/* SPDX-License-Identifier: ISC */
/*
 * mailbox - one mailbox that has mail waiting: between schedule.c, which says whose turn it is, and
 * delivery.c, which does it; or another domain ("@example.net"), whose mails remote.c hands to
 * relay.
 */
#ifndef POSTERN_WORKER_QUEUE_MAILBOX_H
#define POSTERN_WORKER_QUEUE_MAILBOX_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "worker/queue/batch.h"
#include "worker/queue/db.h"

#define MAILBOX_LOADED_MAX 64 /* deliveries of one mailbox in memory */
#define WINDOW_MAX 32         /* deliveries on their way to one mailbox */
#define REMOTE_WINDOW 4       /* mails on their way to one domain */

struct mailbox;

/* One recipient of one mail. */
struct delivery {
	TAILQ_ENTRY(delivery) entry;
	struct mailbox *mailbox;
	uint64_t message;
	uint32_t index;
	uint32_t attempts; /* that failed, as the database has it */
	uint32_t deaths;   /* of the session process while it had this one */
	uint32_t notify;   /* DSN_NOTIFY_... */
	bool delayed;      /* its sender has been told that it is */
	conn_id conn;
	int64_t received; /* seconds since the epoch; 0: not known yet */
};
TAILQ_HEAD(deliveries, delivery);

enum mailbox_state {
	MAILBOX_QUIET,     /* no session process */
	MAILBOX_ATTACHING, /* the master was asked for it */
	MAILBOX_ATTACHED,
};

/* The list that a mailbox is in. */
enum mailbox_place {
	PLACE_NONE,
	PLACE_REMOTE, /* of another domain, can take a job */
	PLACE_LINE,   /* QUIET, waits to be attached */
	PLACE_READY,  /* ATTACHED, can take a delivery */
	PLACE_IDLE, /* ATTACHED, nothing to do; is detached after a while, or when room is needed */
	PLACE_COUNT
};

struct mailbox {
	RB_ENTRY(mailbox) by_name;
	TAILQ_ENTRY(mailbox) in_place;
	struct schedule *schedule;
	enum mailbox_state state;
	enum mailbox_place place;
	bool remote; /* another domain: always QUIET; running_count is of jobs, not in a list */

	struct deliveries waiting; /* the next ones, in order */
	struct deliveries running; /* sent, not answered */
	unsigned waiting_count;
	unsigned running_count;
	unsigned window; /* running_count's bound now */

	struct db_position position; /* up to here they have been taken from the database */
	bool more;                   /* there may be more that are due behind it */
	int64_t due;                 /* when the next one is that is not; DB_HELD: none */
	struct event *due_timer;

	unsigned failures; /* in a row, to have a session process or to keep it */
	bool paused;       /* until the timer says otherwise */
	struct event *timer;

	struct ipc_channel *channel;
	uint32_t request; /* MQ_ATTACH */
	char name[];
};
TAILQ_HEAD(mailbox_list, mailbox);
RB_HEAD(mailboxes, mailbox);

struct job;
LIST_HEAD(jobs, job);

struct schedule {
	struct queue *queue;
	struct mailboxes mailboxes;
	struct mailbox_list places[PLACE_COUNT];
	unsigned attaching;
	unsigned attached;
	unsigned running;
	struct event *pump;
	struct ipc_channel *relay; /* NULL while there is none */
	struct jobs jobs;          /* that relay has */
	unsigned job_count;
	bool resuming;
	bool stopped;
	int64_t last_position;
	/* The body that was sent last: a mail's recipients often follow each other. */
	uint64_t body_id;
	int body_fd;
};

/*
 * -- mailbox.c
 */

/* The mailbox of that name, made if there is none; NULL if there is no memory. */
struct mailbox *mailbox_get(struct schedule *, const char *name);
/* That one, or NULL. */
struct mailbox *mailbox_find(const struct schedule *, const char *name);
/* With all its deliveries; its channel is the caller's business. */
void mailbox_free(struct mailbox *);
/* To the end of that list. */
void mailbox_move(struct mailbox *, enum mailbox_place);
/* Adds to what is waiting; false without memory. */
bool mailbox_append(struct mailbox *, const struct db_delivery *);
/* When to look into the database again, or DB_HELD. */
void mailbox_set_due(struct mailbox *, int64_t due);

/* After any change: puts the mailbox where it belongs now. It may be gone when this returns. */
void mailbox_settle(struct mailbox *);

/* Takes the next deliveries from the database, if few are waiting. */
void mailbox_refill(struct mailbox *);

/* No session process, or not any more: a pause. What was running waits again. */
void mailbox_failed(struct mailbox *, const char *why);

/*
 * -- delivery.c
 */

/* Asks the master for the session process of a QUIET mailbox. */
void delivery_attach(struct mailbox *);
/* Closes the channel to it; nothing may be running. */
void delivery_detach(struct mailbox *);
/* Sends the first that is waiting to the session process of an ATTACHED mailbox. */
void delivery_send(struct mailbox *);
/* Tells the database how one ended, and frees it. WHY may be NULL. */
void delivery_record(struct delivery *, enum result_kind, int64_t next_attempt, const char *why);
/* Nothing more is tried, nothing is thrown away: somebody has to look. It is freed. */
void delivery_hold(struct delivery *, const char *why);
/* The body of a message, for reading: -1 with errno. It is kept until delivery_drop_body(). */
int delivery_body(struct schedule *, const struct db_message *);
/* Puts one off, by itself; it is freed. */
void delivery_defer(struct delivery *, const char *why);
/*
 * The same but for telling the database, which is the caller's: counts the attempt that failed at
 * NOW, logs it, and returns when the next one is. What has the same NOW and RANDOM stays together.
 */
int64_t delivery_postpone(struct delivery *, int64_t now, uint32_t random, const char *why);
/* Its sender is to be told now that it is late. */
bool delivery_is_late(const struct delivery *);
/* It has been tried as long as it may be. */
bool delivery_is_expired(const struct delivery *);
/* Forgets the body that was sent last. */
void delivery_drop_body(struct schedule *);

/*
 * -- remote.c
 */

/* Gives relay what waits for other domains, one job each in turn. */
void remote_send_some(struct schedule *);
/* Has relay this one? */
bool remote_has(const struct schedule *, uint64_t message, uint32_t index);
/* Forgets all that relay has, without a word. */
void remote_close(struct schedule *);

#endif
