/* SPDX-License-Identifier: ISC */
#include "worker/gate/admission.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/child.h"
#include "worker/gate/accept.h"
#include "worker/gate/conn_private.h"

/*
 * The connection itself gives up long before (gate.handshake); after this time the master is lost.
 * An answer that came later still would not be given back.
 */
#define ANSWER_TIMEOUT 3600

/*
 * Messages that may wait in the control channel (less than IPC_QUEUE_MAX, which would end it, and
 * this gate with it). What is to be given back to a master who does not read waits here instead.
 */
#define BACKLOG_MAX 1024
#define AGAIN_MILLISECONDS 100

/* Outlives its connection while the answer is under way. */
struct admission {
	STAILQ_ENTRY(admission) entry; /* in gate->returns */
	struct gate *gate;
	struct conn *conn; /* NULL: gone */
	struct mg_admit asked;
	bool answered;
};

/* Gives back what waits for that, as far as the channel takes it now. */
static void
give_back_all(struct gate *gate)
{
	static const struct timeval again = {.tv_usec = AGAIN_MILLISECONDS * 1000};
	struct ipc_channel *control = gate->child->control;
	struct admission *a;

	while ((a = STAILQ_FIRST(&gate->returns)) != NULL && ipc_queued(control) < BACKLOG_MAX) {
		STAILQ_REMOVE_HEAD(&gate->returns, entry);
		(void)ipc_send(control, MG_GONE, 0, &a->asked, NULL, 0, -1);
		free(a);
	}
	if (a != NULL)
		event_add(gate->give_back, &again);
}

static void
on_give_back(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	give_back_all(arg);
}

static void
give_back(struct admission *a)
{
	struct gate *gate = a->gate;

	STAILQ_INSERT_TAIL(&gate->returns, a, entry);
	give_back_all(gate);
}

int
admission_open(struct gate *gate, struct error *err)
{
	STAILQ_INIT(&gate->returns);
	gate->give_back = evtimer_new(gate->base, on_give_back, gate);
	return gate->give_back == NULL ? error_set(err, "out of memory") : 0;
}

/* Counts one more towards the gate's quota. */
static void
count(struct gate *gate)
{
	gate->admitted++;
	if (gate->settings.connections == 0 || gate->admitted < gate->settings.connections ||
	    gate->full)
		return;
	gate->full = true;
	log_event(LOG_DEBUG, "gate.full", KV_U64("connections", gate->admitted));
	(void)ipc_send(gate->child->control, MG_FULL, 0, NULL, NULL, 0, -1);
	accept_stop(gate);
}

static int
on_answer(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct admission *a = arg;
	struct gate *gate = a->gate;
	const struct mg_admitted *answer;
	struct conn *c = a->conn;

	(void)channel;
	gate->pending--;
	answer = message == NULL ? NULL : message->body;
	if (answer == NULL || message->type != MG_ADMITTED || answer->verdict >= MG_VERDICT_COUNT) {
		if (c != NULL) {
			c->admission = NULL;
			conn_abort(c, "the master did not answer");
		}
		free(a);
		gate_conn_gone(gate);
		return message == NULL ? 0 : -1;
	}
	a->answered = true;
	if (answer->verdict == MG_ADMIT_OK)
		count(gate);
	else if (c != NULL)
		c->admission = NULL;
	if (c != NULL)
		conn_admitted(c, (enum mg_verdict)answer->verdict);
	if (answer->verdict != MG_ADMIT_OK)
		free(a);
	else if (c == NULL)
		give_back(a);
	/* It may have been the last thing that was waited for. */
	gate_conn_gone(gate);
	return 0;
}

struct admission *
admission_ask(struct gate *gate, struct conn *c, uint32_t listener, const struct in6_addr *address)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->gate = gate;
	a->conn = c;
	a->asked.listener = listener;
	a->asked.address = *address;
	if (ipc_request(gate->child->control, MG_ADMIT, &a->asked, NULL, 0, -1, ANSWER_TIMEOUT,
			on_answer, a) == 0) {
		free(a);
		return NULL;
	}
	gate->pending++;
	return a;
}

void
admission_end(struct admission *a)
{
	if (a == NULL)
		return;
	a->conn = NULL;
	if (a->answered)
		give_back(a);
}
