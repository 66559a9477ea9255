/* SPDX-License-Identifier: ISC */
#include "worker/gate/admission.h"

#include <stdlib.h>

#include "common/child.h"
#include "worker/gate/accept.h"
#include "worker/gate/conn_private.h"

/*
 * The connection itself gives up long before (gate.handshake); after this time the master is lost.
 * An answer that came later still would not be given back.
 */
#define ANSWER_TIMEOUT 3600

/* Outlives its connection while the answer is under way. */
struct admission {
	struct gate *gate;
	struct conn *conn; /* NULL: gone */
	struct mg_admit asked;
	bool answered;
};

static void
give_back(const struct admission *a)
{
	(void)ipc_send(a->gate->child->control, MG_GONE, 0, &a->asked, NULL, 0, -1);
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
	if (answer == NULL || message->type != MG_ADMITTED ||
	    answer->verdict > MG_ADMIT_ADDRESS_FULL) {
		if (c != NULL) {
			c->admission = NULL;
			conn_abort(c, "the master did not answer");
		}
		free(a);
		accept_update(gate);
		return message == NULL ? 0 : -1;
	}
	a->answered = true;
	if (answer->verdict == MG_ADMIT_OK)
		count(gate);
	else if (c != NULL)
		c->admission = NULL;
	if (c != NULL)
		conn_admitted(c, (enum mg_verdict)answer->verdict);
	else if (answer->verdict == MG_ADMIT_OK)
		give_back(a);
	if (c == NULL || answer->verdict != MG_ADMIT_OK)
		free(a);
	accept_update(gate);
	if (c == NULL)
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
	if (!a->answered)
		return;
	give_back(a);
	free(a);
}
