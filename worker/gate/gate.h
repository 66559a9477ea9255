/* SPDX-License-Identifier: ISC */
/*
 * gate - what the parts of the gate share: settings, listeners, connections, the channels to the
 * rest of the house.
 */
#ifndef POSTERN_WORKER_GATE_GATE_H
#define POSTERN_WORKER_GATE_GATE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/gate/conn.h"
#include "worker/gate/deadline.h"
#include "worker/gate/defence.h"

struct child;
struct tls_context;

/* One buffer for everything that is read: nothing is kept in it beyond one call. */
#define GATE_BUFFER_SIZE 16384 /* a TLS record's content, RFC 8446 5.1 */

#define ADMIT_PENDING_MAX 256 /* connections that wait for the master's word, a gate */

TAILQ_HEAD(conn_head, conn);
LIST_HEAD(listener_head, listener);
STAILQ_HEAD(admission_head, admission);

struct gate {
	struct child *child;
	struct event_base *base;
	struct mg_settings settings;
	bool configured;

	struct tls_context *tls;
	bool tls_ready;
	struct ipc_channel *accounts;
	uint32_t scram_offer; /* of GA_OFFER */
	struct ipc_channel *queue;
	bool queue_seen; /* there has been one before */
	bool running;    /* the sandbox is closed */
	bool ready;      /* MC_READY has been sent */
	bool shutting_down;

	/* accept.c */
	struct listener_head listeners;
	struct event *accept_again; /* after a pause for want of descriptors */
	int reserve;                /* a descriptor to give up then */
	bool accepting;
	bool pausing;

	/* admission.c */
	struct admission_head returns; /* to be given back when the master reads again */
	struct event *give_back;
	unsigned pending;  /* questions the master has not answered */
	unsigned admitted; /* in this gate's life, towards settings.connections */
	bool full;         /* that quota is reached */

	/* conn.c */
	struct conn_head conns;
	struct conn_head scheduled; /* get a turn when the loop comes round */
	struct event *turn;
	unsigned count;
	unsigned count_max; /* as the descriptors allow */
	bool at_count_max;  /* said so already */
	bool draining;
	bool stopping; /* not for newer gates: the server stops */
	struct deadlines handshake;
	struct deadlines command;
	struct deadlines flush;
	struct deadlines linger;
	struct defences defences;

	char buffer[GATE_BUFFER_SIZE];
};

/* Sets up everything but the channels. Returns 0, or -1 with ERR filled. */
int gate_open(struct gate *, struct event_base *, struct error *);

/* A connection is gone: accepting may go on, or the gate's life be over. */
void gate_conn_gone(struct gate *);

#endif
