/* SPDX-License-Identifier: ISC */
/* What job.c (how a job begins and ends) and job_hosts.c (who is asked) share. */
#ifndef POSTERN_WORKER_RELAY_JOB_PRIVATE_H
#define POSTERN_WORKER_RELAY_JOB_PRIVATE_H

#include "worker/relay/asked.h"
#include "worker/relay/connection.h"
#include "worker/relay/conversion.h"
#include "worker/relay/envelope.h"
#include "worker/relay/job.h"
#include "worker/relay/route.h"

struct job {
	TAILQ_ENTRY(job) entry;
	struct relay *relay;
	uint32_t request; /* queue's, to be quoted; 0: it has died, nobody waits */
	conn_id conn;
	uint64_t id;
	int body;
	struct conversion conversion;
	struct envelope *envelope;
	struct event *deadline;
	struct table *table;
	const struct mr_route *via; /* in it */
	struct route_self self;

	struct route *route;
	struct route_answer way;
	struct sts_question *asked; /* of the domain's policy; NULL: answered, or not asked */
	struct sts_policy *sts;     /* NULL: none */
	bool tls_optional;          /* whatever the domain publishes */
	bool sts_unknown;           /* what it is can't be had for now */
	size_t target;              /* the one that is tried */
	size_t other;               /* the same host's in the other family, if there is one */
	struct asked asked_hosts;
	struct connection *connection;
	bool reused; /* it has carried others: its end may not be about this mail */
	bool fresh;  /* one that was reused has failed it: only a new one will do */
	bool waits;  /* for one: there are as many as there may be */
	bool behind; /* it waits for one that nobody waits for: its mail may be the same */
	bool later;  /* a host may take it another time */
	bool met;    /* a connection was made for it, or a host there was not good enough for it, */
	bool missed; /* or wanted in vain; or DNS did not say whose */
	struct reply why; /* the last host that answered for nobody */
};

/* Each recipient has its outcome, though another host may be asked about some. */
bool job_is_over(const struct job *);
/* Tells queue, and frees. */
void job_finish(struct job *);
/* No host is asked, or no other any more: WHY is what those get who have no outcome. It is freed.
 */
void job_refuse(struct job *, const struct reply *why, bool for_ever);

/*
 * -- job_hosts.c
 */

/* Where, and how securely; then goes on by itself. False without memory. */
bool job_find_out(struct job *);
/* The next host, if there is one; else it is finished. */
void job_try_target(struct job *);

#endif
