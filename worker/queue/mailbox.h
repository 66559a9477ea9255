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
#include "worker/queue/flow.h"
#include "worker/queue/link.h"

#define WINDOW_MAX 32   /* deliveries on their way to one mailbox, */
#define RUNNING_MAX 256 /* and to all, but for one of each */
#define REMOTE_WINDOW 4 /* mails on their way to one domain */
#define KEPT_MAX 1024   /* domains that have no mail, but don't take as many any more */

struct flow;
struct lane;
struct mailbox;

/* One recipient of one mail. */
struct delivery {
	TAILQ_ENTRY(delivery) entry;
	struct mailbox *mailbox;
	struct lane *lane;
	uint64_t message;
	uint32_t index;
	uint32_t attempts; /* that failed, as the database has it */
	uint32_t deaths;   /* of the session process while it had this one */
	uint32_t notify;   /* DSN_NOTIFY_... */
	bool delayed;      /* its sender has been told that it is */
	bool unreached;    /* no host of its domain could be connected to just now */
	conn_id conn;
	int64_t since; /* of the message (db.h); 0: not known yet */
};
TAILQ_HEAD(deliveries, delivery);

enum mailbox_state {
	MAILBOX_QUIET,     /* no session process */
	MAILBOX_ATTACHING, /* the master was asked for it */
	MAILBOX_ATTACHED,
};

/* What a mailbox waits for; its lanes that have work take turns in the list of that name. */
enum mailbox_place {
	PLACE_NONE,
	PLACE_REMOTE,  /* of another domain, can take a job */
	PLACE_PUT_OFF, /* of another domain that can't be reached: what waits is put off */
	PLACE_LINE,    /* QUIET, waits to be attached */
	PLACE_READY,   /* ATTACHED, can take a delivery */
	TURN_COUNT,
	/* ATTACHED, nothing to do; is detached after a while, or when room is needed */
	PLACE_IDLE = TURN_COUNT,
};

/* What waits in one mailbox of one flow. Freed when nothing waits and nothing is under way. */
struct lane {
	RB_ENTRY(lane) by_flow;    /* of its mailbox */
	TAILQ_ENTRY(lane) in_turn; /* of its flow, in the list of PLACE */
	struct mailbox *mailbox;
	struct flow *flow;
	enum mailbox_place place;
	uint64_t served;           /* when it had its last turn (schedule.served) */
	struct deliveries waiting; /* the next ones, in order */
	unsigned waiting_count;
	unsigned held;               /* deliveries and jobs under way */
	bool more;                   /* between POSITION and the flow's cursor there may be more */
	bool works;                  /* something waits */
	struct db_position position; /* up to here they have been taken from the database */
};
TAILQ_HEAD(lane_list, lane);
RB_HEAD(lanes, lane);

/* A flow in the list of flows that have lanes in that place. */
struct turn {
	TAILQ_ENTRY(turn) entry;
	struct flow *flow;
	uint64_t served; /* when it had its last one */
	struct lane_list lanes;
};
TAILQ_HEAD(turn_list, turn);

/* All mail of one submitter, or of some strangers (flow.h). */
struct flow {
	RB_ENTRY(flow) by_id;
	TAILQ_ENTRY(flow) in_reading;
	struct schedule *schedule;
	flow_id id;
	struct db_position cursor; /* up to here lanes know of their deliveries */
	bool more;                 /* there may be some behind it that are due */
	bool reading;              /* in the list of flows that are read on */
	bool full;                 /* has as many lanes as it may */
	int64_t due;               /* when the next one is that is not; DB_HELD: none */
	struct event *timer;
	unsigned lane_count;
	unsigned jobs; /* that relay has of it */
	struct turn turns[TURN_COUNT];
};
TAILQ_HEAD(flow_list, flow);
RB_HEAD(flows, flow);

struct mailbox {
	RB_ENTRY(mailbox) by_name;
	TAILQ_ENTRY(mailbox) in_idle; /* or in kept, which only remote ones are */
	struct schedule *schedule;
	enum mailbox_state state;
	enum mailbox_place place;
	bool remote; /* another domain: always QUIET; running_count is of jobs, not in a list */

	struct lanes lanes;
	unsigned working;          /* lanes in which something waits */
	struct deliveries running; /* sent, not answered */
	unsigned running_count;
	unsigned window; /* running_count's bound now */
	bool kept;       /* for its window only: nothing is there */

	unsigned failures; /* in a row, to have a session process or to keep it */
	bool paused;       /* until the timer says otherwise */
	struct event *timer;

	/* Of another domain. NULL: a host of it was connected to, or none tried to lately. */
	struct suspension *suspension;
	bool reached; /* no mail waits because it had not been, but for what is due */

	struct ipc_channel *channel;
	uint32_t request; /* MQ_ATTACH */
	char name[];
};
TAILQ_HEAD(mailbox_list, mailbox);
RB_HEAD(mailboxes, mailbox);

struct job;
LIST_HEAD(jobs, job);
struct revival;
TAILQ_HEAD(revivals, revival);
struct qr_recipient;
struct suspension;

struct schedule {
	struct queue *queue;
	struct mailboxes mailboxes;
	struct flows flows;
	struct turn_list turns[TURN_COUNT];
	struct mailbox_list idle; /* in PLACE_IDLE */
	struct mailbox_list kept; /* the longest first */
	unsigned kept_count;
	struct flow_list reading;
	uint64_t served; /* turns, ever */
	unsigned attaching;
	unsigned attached;
	unsigned running;
	struct event *pump;
	struct event *reader; /* of flows, when nothing else is to be done */
	struct link *link;    /* new jobs go over it; NULL while there is no relay */
	struct links links;
	struct jobs jobs; /* that relay has */
	unsigned job_count;
	struct event *suspensions; /* there is something to do for suspension.c */
	struct revivals revivals;
	bool stopped;
	int64_t last_position;
	/* The body that was sent last: a mail's recipients often follow each other. */
	uint64_t body_id;
	int body_fd;
};

/*
 * -- flow.c
 */

/* The flow of that ID, or NULL. */
struct flow *flow_find(struct schedule *, flow_id id);
/* The same; a new one reads what is due after AFTER. NULL without memory. */
struct flow *flow_get(struct schedule *, flow_id id, int64_t after);
void flow_free(struct flow *);
/* After any change: it may be gone when this returns. */
void flow_settle(struct flow *);
/* There may be rows behind its cursor that are due. */
void flow_read_on(struct flow *);
/* There is one at DUE. */
void flow_wait(struct flow *, int64_t due);
/* Reads a few rows of the flow that comes next, for all mailboxes that wait for them. */
void flow_read_some(struct schedule *);
/* ROW, the next after the cursor, goes to its mailbox. False: not now. */
bool flow_announce(struct flow *, const char *mailbox, const struct db_delivery *row);
/* Into, and out of, the list of a flow's lanes in that place. */
void flow_enter(struct lane *, enum mailbox_place);
void flow_leave(struct lane *, enum mailbox_place);
/* The lane whose turn it is, of the flow whose turn it is (NULL: nobody is in that place); both go
 * to the end of their lists. */
struct lane *flow_next(struct schedule *, enum mailbox_place);
/* The same of one flow. */
struct lane *flow_take(struct turn *, enum mailbox_place);

/*
 * -- lane.c
 */

struct lane *lane_find(struct mailbox *, struct flow *);
struct lane *lane_new(struct mailbox *, struct flow *);
void lane_free(struct lane *);
/* After any change: it may be gone when this returns, its mailbox not. */
void lane_settle(struct lane *);
/* The mailbox' place is another now. */
void lane_place_all(struct mailbox *);
/* Adds what comes behind all others. */
void lane_add(struct lane *, const struct db_delivery *);
/* Takes the next ones from the database, if few are waiting. True if any are. */
bool lane_refill(struct lane *);
/* The first that is waiting is under way now. */
struct delivery *lane_take(struct lane *);
/* It is not: it is the first again. */
void lane_put_back(struct delivery *);
/* One that was under way is gone. */
void lane_release(struct lane *);
/*
 * Nothing has come into the mailbox for so long that it is no single mail's fault. What waits for
 * it would grow old without an attempt of its own: each mail is judged by itself, so that its
 * sender hears when it is late, and when its time is over.
 */
void lane_put_off_all(struct mailbox *, const char *why);

/*
 * -- mailbox.c
 */

/* The mailbox of that name, made if there is none; NULL if there is no memory. */
struct mailbox *mailbox_get(struct schedule *, const char *name);
/* That one, or NULL. */
struct mailbox *mailbox_find(const struct schedule *, const char *name);
/* With all its deliveries; its channel is the caller's business. */
void mailbox_free(struct mailbox *);
void mailbox_move(struct mailbox *, enum mailbox_place);

/* One more delivery may be on its way there. */
bool mailbox_has_room(const struct mailbox *);

/* After any change: puts the mailbox where it belongs now. It may be gone when this returns. */
void mailbox_settle(struct mailbox *);

/* Begins nothing there for a while. */
void mailbox_pause(struct mailbox *, int64_t delay);

/* No session process, or not any more: a pause. What was running waits again. */
void mailbox_failed(struct mailbox *, const char *why);

/*
 * -- delivery.c
 */

/* Asks the master for the session process of a QUIET mailbox. */
void delivery_attach(struct mailbox *);
/* Closes the channel to it; nothing may be running. */
void delivery_detach(struct mailbox *);
/* Sends the first that is waiting to the session process of the mailbox, which is ATTACHED. */
void delivery_send(struct lane *);
/* The body of a message, for reading: -1 with errno. It is kept until delivery_drop_body(). */
int delivery_body(struct schedule *, const struct db_message *);
/* Forgets the body that was sent last. */
void delivery_drop_body(struct schedule *);

/*
 * -- delivery_end.c: after all of these but the last three it is freed
 */

/* One that was under way. */
void delivery_free(struct delivery *);
/* Tells the database how one ended, and frees it. WHY may be NULL. */
void delivery_record(struct delivery *, enum result_kind, int64_t next_attempt, const char *why);
/* Nothing more is tried, nothing is thrown away: somebody has to look. It is freed. */
void delivery_hold(struct delivery *, const char *why);
/* The mailbox has it. */
void delivery_done(struct delivery *, bool duplicate);
/*
 * It goes back to its sender, or is dropped if he wants no word of it. Where that can't be, since
 * no mail leaves, it stays for somebody to look at.
 */
void delivery_fail(struct delivery *, const char *why);
/* Puts one off, by itself. */
void delivery_defer(struct delivery *, const char *why);
/* The same; its sender is told if it is late now. */
void delivery_defer_or_tell(struct delivery *, const char *why);
/* The same, unless it has been tried as long as it may be: then it fails. */
void delivery_not_now(struct delivery *, const char *why);
/*
 * As delivery_defer(), but to tell the database is the caller's business: counts the attempt that
 * failed at NOW, logs it, and returns when the next one is. What has the same NOW and RANDOM stays
 * together.
 */
int64_t delivery_postpone(struct delivery *, int64_t now, uint32_t random, const char *why);
/* Its sender is to be told now that it is late. */
bool delivery_is_late(const struct delivery *);
/* It has been tried as long as it may be. */
bool delivery_is_expired(const struct delivery *);

/*
 * -- remote.c
 */

/* Gives relay what waits for other domains, one job each in turn. */
void remote_send_some(struct schedule *);
/* Puts off the next mail of a lane, with RESULT for all its recipients. */
void remote_put_off(struct lane *, const struct qr_recipient *result);
/* Has relay this one? */
bool remote_has(const struct schedule *, uint64_t message, uint32_t index);
/* Forgets all that relay has, without a word. */
void remote_close(struct schedule *);

/*
 * -- suspension.c: other domains of which no host can be connected to. Until a while has passed
 * none of their mails is tried. Each is judged by itself, as if it had been: its sender hears when
 * it is late, and when its time is over. Then the next that is due is tried, alone; once a mail
 * gets through, all that was put off is due at once.
 */

/* A mail could not be sent, as RESULT says: nothing is tried until UNTIL. */
void suspension_begin(struct mailbox *, const struct qr_recipient *result, int64_t until);
/* Nothing is to be tried now. */
bool suspension_holds(const struct mailbox *);
/* A host was connected to, or somebody wants to know: the next is tried as soon as it is due. */
void suspension_lift(struct mailbox *);
/* A host has taken a mail, or refused it for good. */
void suspension_end(struct mailbox *);
/* Goes on with what there is to do, later. */
void suspensions_go_on(struct schedule *);
/* -1 without memory. */
int suspensions_open(struct schedule *);
void suspensions_close(struct schedule *);

#endif
