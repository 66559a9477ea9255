/* SPDX-License-Identifier: ISC */
/* master - the root process: what all its parts share. */
#ifndef POSTERN_MASTER_MASTER_H
#define POSTERN_MASTER_MASTER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "common/log.h"
#include "master/admit.h"
#include "master/certs.h"
#include "master/conf_check.h"
#include "master/generation.h"
#include "master/process.h"
#include "master/sessions.h"
#include "master/slot.h"

#define GATES_MAX 256 /* slots: gate.processes */

/* What the command line says. */
struct master_options {
	const char *conf;
	const char *libexec;
	bool debug;
	bool log_given; /* -l: the configuration's "log" does not count */
	enum log_format log;
};

/* In this order, and never back. */
enum master_phase {
	MASTER_STARTING, /* until all children were ready once */
	MASTER_RUNNING,
	MASTER_STOPPING_GATES, /* drained: then the next kind is told to stop */
	MASTER_STOPPING_QUEUE, /* drained, too: what it is delivering needs all the others */
	MASTER_STOPPING_RELAY,
	MASTER_STOPPING_FILTER,
	MASTER_STOPPING_SESSIONS,
	MASTER_STOPPING_ACCOUNTS,
	MASTER_STOPPING_VERIFY,
	MASTER_STOPPING_CERTD,
	MASTER_STOPPED,
};
extern const char *const master_phase_names[];

struct control;     /* control.h */
struct watch;       /* watch.h */
struct renew;       /* renew.h */
struct reload;      /* reload.h */
struct trust_entry; /* trust.c */

struct master {
	struct event_base *base;
	struct master_options options;
	enum master_phase phase;
	int exit_status;
	struct conf_users users;
	struct generation *generation; /* in force */
	uint32_t next_group;
	struct admit *admit;
	struct process_tree processes;
	uint32_t next_number[ROLE_COUNT];
	struct slot certd;
	struct slot accounts;
	struct slot queue;
	struct slot relay;              /* not initialised: no mail to other domains */
	uint64_t relay_files;           /* that it was handed: their state then (relay.c) */
	struct mr_settings relay_told;  /* the latest one, at its start */
	struct slot filter;             /* not wanted: nothing is to be filtered */
	struct mf_settings filter_told; /* likewise */
	struct slot verify;             /* not initialised: no listener asks its clients */
	struct trust_entry *trusts;     /* trust.h; the latest first */
	struct slot gates[GATES_MAX];
	size_t gate_slots; /* in use */
	struct sessions sessions;
	uint32_t accounts_generation; /* of accounts.conf, as handed over last */
	struct pidfh *pidfile;
	struct control *control;
	struct watch *watch;
	struct renew *renew; /* the first of them */
	struct reload *reload;
	char self_signed[CERT_NAME_SIZE]; /* certd says so of this one; "": of none */
	struct certs certs;               /* in force, as certd says */
	struct event *stop_timer;
	bool hastened; /* nobody is waited for any more */
	struct event *signals[5];
};

static inline const struct configuration *
master_conf(const struct master *m)
{
	return m->generation->conf;
}

/* One core a gate, one core a hashing thread, unless the configuration says otherwise. */
uint32_t master_cores(void);

/* Sets up everything, tells problems (to the log) and returns 0; or -1. */
int master_start(struct master *, const struct master_options *, struct configuration *);
/* Serves until it has stopped; the exit status. */
int master_run(struct master *);
void master_free(struct master *);

/* Is there a ready child in every slot? */
bool master_all_ready(const struct master *);
/* A child that has a slot has become ready: perhaps all have now. */
void master_child_ready(struct process *);
/* A child is gone for good, or is not started again: perhaps the next kind can be stopped. */
void master_child_gone(struct master *);
/* Gives up: nothing can be served. */
void master_fail(struct master *, const char *why);

/* stop.c: begins to stop, or (called again) hastens it. */
void master_stop(struct master *);
/* stop.c: goes on to the next kind of children as soon as one is gone. */
void master_stop_next(struct master *);

#endif
