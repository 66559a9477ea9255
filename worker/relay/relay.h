/* SPDX-License-Identifier: ISC */
/* relay - what the jobs of the relay role share. */
#ifndef POSTERN_WORKER_RELAY_RELAY_H
#define POSTERN_WORKER_RELAY_RELAY_H

#include <sys/queue.h>

#include "common/proto/master_relay.h"
#include "common/proto/queue_relay.h"
#include "worker/relay/tls_client.h"

struct event;
struct event_base;
struct resolver;
struct sts;
struct table;
struct taken;
struct client_certificates;
struct job;
TAILQ_HEAD(job_list, job);
struct idle;
TAILQ_HEAD(idle_list, idle);
struct connection;
struct pause;
LIST_HEAD(pause_list, pause);
LIST_HEAD(connection_list, connection);

struct relay {
	struct event_base *base;
	struct mr_settings settings;
	struct table *table;  /* in force */
	struct table *coming; /* whose routes have not all come; or NULL */
	struct resolver *resolver;
	char *anchors; /* of DNS, until the resolver has them; NULL: the root's */
	struct tls_client tls;
	struct client_certificates *certificates;
	struct sts *sts;
	struct ipc_channel *queue; /* NULL while it is being restarted */
	bool draining;             /* gone as soon as queue closes its channel */
	struct job_list jobs;      /* in the order of their coming */
	struct taken *taken;       /* what queue may ask for once more */
	struct idle_list idle; /* connections that wait for a mail, the longest first (pool.h) */
	unsigned idle_count;
	struct event *room;       /* something that a job may have waited for has happened */
	struct pause_list pauses; /* routes whose login is refused (pause.h) */
	struct connection_list connections; /* of jobs, and those that say QUIT */
};

#endif
