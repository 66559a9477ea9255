/* SPDX-License-Identifier: ISC */
/*
 * gates, as the master sees them: each serves one generation of the configuration, asks before it
 * serves a connection, and leaves its slot when it is full or has to make way for newer ones.
 */
#include "common/monotonic.h"
#include "common/proto/master_gate.h"

#include <stdlib.h>
#include <string.h>

#include "master/master.h"
#include "master/roles.h"
#include "master/trust.h"

struct gate {
	struct generation *generation;
	struct admit_ledger *ledger;
};

static struct gate *
gate_of(const struct process *p)
{
	return p->data;
}

struct generation *
gate_generation(const struct process *p)
{
	return gate_of(p)->generation;
}

uint32_t
gate_connections(const struct process *p)
{
	const struct gate *gate = gate_of(p);

	return gate == NULL ? 0 : admit_ledger_count(gate->ledger);
}

static void
gate_free(struct process *p)
{
	struct gate *gate = gate_of(p);

	if (gate == NULL)
		return;
	admit_ledger_free(p->master->admit, gate->ledger);
	generation_release(gate->generation);
	free(gate);
	p->data = NULL;
}

static int
gate_new(struct process *p)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return -1;
	gate->ledger = admit_ledger_new();
	if (gate->ledger == NULL) {
		free(gate);
		return -1;
	}
	gate->generation = generation_hold(p->master->generation);
	p->data = gate;
	return 0;
}

static void
send_settings(struct process *p)
{
	const struct configuration *conf = gate_generation(p)->conf;
	struct mg_settings settings = {
	    .connections = conf->gate_connections,
	    .handshake_timeout = conf->limits.handshake_timeout,
	    .command_timeout = conf->limits.command_timeout,
	    .max_recipients = conf->limits.recipients,
	    .relay = conf_reach(conf),
	    .hide_client = conf->client_address == CLIENT_ADDRESS_HIDE,
	    .max_errors = conf->limits.errors,
	    .max_message_size = conf->limits.message_size,
	    .greeting_pause = conf->defences.greeting_pause,
	    .note_early = conf->defences.early_talkers == EARLY_LOG,
	    .tarpit = conf->defences.tarpit,
	    .greylist = conf->defences.greylist.enabled,
	    .limits = conf->submit_limits,
	};

	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	strlcpy(settings.ciphers_tls12, conf->ciphers_tls12, sizeof(settings.ciphers_tls12));
	strlcpy(settings.ciphers_tls13, conf->ciphers_tls13, sizeof(settings.ciphers_tls13));
	(void)ipc_send(p->control, MG_SETTINGS, 0, &settings, NULL, 0, -1);
	for (uint32_t kind = 0; kind < EXEMPT_KINDS; kind++) {
		const struct conf_exempt *exempt = &conf->defences.exempt[kind];

		(void)ipc_send(p->control, MG_EXEMPT, 0, &(struct mg_exempt){kind},
			       (const char *)exempt->networks,
			       exempt->count * sizeof(struct network), -1);
	}
}

/* ID is the socket's place in the generation. */
static void
send_listener(struct process *p, uint32_t id)
{
	const struct bound *bound = &gate_generation(p)->bound[id];
	const struct conf_listener *l = bound->conf;
	size_t networks = l->allow_count + l->deny_count;
	struct mg_listener listener = {
	    .id = id,
	    .service = (uint8_t)l->service,
	    .tls = (uint8_t)l->tls,
	    .plaintext_auth = l->tls == TLS_NONE && l->service != SERVICE_SMTP &&
			      endpoint_is_loopback(&bound->endpoint),
	    .clients = (uint8_t)l->clients,
	    .trust = trust_of(p->master, l),
	    .idle_timeout = l->idle_timeout,
	    .allow = (uint32_t)l->allow_count,
	    .deny = (uint32_t)l->deny_count,
	};

	listener.choice.sni = (uint8_t)l->sni;
	listener.choice.weak = l->weak;
	listener.choice.listener = conf_listener_label(l);
	listener.choice.count = (uint8_t)l->certificates.count;
	memcpy(listener.choice.names, l->certificates.name, sizeof(listener.choice.names));
	(void)ipc_send(p->control, MG_LISTENER, 0, &listener, (const char *)l->networks,
		       networks * sizeof(struct network), bound->fd);
}

static int
configure(struct process *p, struct error *err)
{
	if (gate_new(p) == -1)
		return error_set(err, "out of memory");
	send_settings(p);
	for (uint32_t i = 0; i < gate_generation(p)->bound_count; i++)
		send_listener(p, i);
	return 0;
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	(void)ipc_send(p->control, MG_CHANNEL, 0, &channel, NULL, 0, fd);
}

static int
on_admit(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct mg_admit *asked = message->body;
	struct process *p = context;
	const struct gate *gate = gate_of(p);
	struct mg_admitted answer;
	struct admit_limits limits;
	const struct bound *bound;

	if (asked->listener >= gate->generation->bound_count)
		return -1;
	bound = &gate->generation->bound[asked->listener];
	limits.connections = bound->conf->max_connections;
	limits.per_address = bound->conf->max_connections_per_address;
	limits.rate = bound->conf->max_rate_per_address;
	answer.verdict = admit_one(p->master->admit, gate->ledger, bound->group, &asked->address,
				   &limits, monotonic_milliseconds());
	(void)ipc_send(control, MG_ADMITTED, message->id, &answer, NULL, 0, -1);
	return 0;
}

/* Giving back what one never had would let others have too much: it ends the channel. */
static int
on_gone(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct mg_admit *asked = message->body;
	struct process *p = context;
	const struct gate *gate = gate_of(p);

	(void)control;
	if (asked->listener >= gate->generation->bound_count)
		return -1;
	return admit_gone(p->master->admit, gate->ledger,
			  gate->generation->bound[asked->listener].group, &asked->address);
}

/* Takes the gate out of its slot: nothing is started for it when it dies. */
static struct slot *
leave_slot(struct process *p)
{
	struct slot *slot = p->owner;

	p->owner = NULL;
	if (slot != NULL && slot->process == p)
		slot->process = NULL;
	return slot;
}

static int
on_full(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	struct process *p = context;
	struct slot *slot;

	(void)control;
	(void)message;
	if (gate_generation(p)->conf->gate_connections == 0)
		return -1;
	if (p->phase != PROCESS_RUNNING)
		return p->phase >= PROCESS_DRAINING ? 0 : -1;
	p->phase = PROCESS_DRAINING;
	slot = leave_slot(p);
	if (slot != NULL && slot->wanted && p->master->phase < MASTER_STOPPING_GATES)
		slot_fill(slot);
	return 0;
}

static void
gone(struct process *p, int status)
{
	gate_free(p);
	slot_gone(p, status);
}

int
gates_start(struct master *m, struct error *err)
{
	size_t wanted = master_conf(m)->gate_processes;

	if (wanted == 0)
		wanted = master_cores();
	for (size_t i = 0; i < m->gate_slots; i++) {
		if (m->gates[i].process != NULL)
			leave_slot(m->gates[i].process);
		slot_close(&m->gates[i]);
	}
	m->gate_slots = 0;
	while (m->gate_slots < wanted && m->gate_slots < GATES_MAX) {
		if (slot_init(&m->gates[m->gate_slots], m, &gate_master_role) == -1)
			return error_set(err, "out of memory");
		m->gate_slots++;
	}
	for (size_t i = 0; i < m->gate_slots; i++)
		slot_fill(&m->gates[i]);
	return 0;
}

void
gates_drain_old(struct master *m)
{
	struct process *p;

	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->role->role == ROLE_GATE && p->data != NULL &&
		    gate_generation(p) != m->generation)
			process_drain(p, 0);
	}
}

/* What is told the clients it ends: that they may come again at once, or not so soon. */
static void
say_stopping(const struct process *p)
{
	if (p->control != NULL && (p->phase == PROCESS_RUNNING || p->phase == PROCESS_DRAINING))
		(void)ipc_send(p->control, MG_STOPPING, 0, NULL, NULL, 0, -1);
}

void
gates_drain_all(struct master *m)
{
	struct process *p;

	for (size_t i = 0; i < m->gate_slots; i++)
		slot_close(&m->gates[i]);
	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->role->role != ROLE_GATE)
			continue;
		say_stopping(p);
		process_drain(p, 0);
	}
}

bool
gates_ready(const struct master *m)
{
	for (size_t i = 0; i < m->gate_slots; i++) {
		if (!slot_ready(&m->gates[i]))
			return false;
	}
	return true;
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {MG_ADMIT, on_admit},
    {MG_GONE, on_gone},
    {MG_FULL, on_full},
    {0, NULL},
};

const struct master_role gate_master_role = {
    .role = ROLE_GATE,
    .name = "gate",
    .program = "postern-gate",
    .boundary = &master_gate_boundary,
    .handlers = handlers,
    .chroot = true,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = gone,
};
