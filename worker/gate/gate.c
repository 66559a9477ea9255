/* SPDX-License-Identifier: ISC */
/*
 * gate - the process that strangers talk to: TLS and the protocols up to the login, for many
 * connections at once. It holds no files and no keys, and can't open a socket of its own.
 */
#include "worker/gate/gate.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/child.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"
#include "common/scram.h"
#include "worker/gate/accept.h"
#include "worker/gate/admission.h"
#include "worker/gate/conn_private.h"
#include "worker/gate/sandbox_rules.h"
#include "worker/roles.h"

#define FLUSH_TIMEOUT 60 /* seconds for the last bytes to be read */
#define LINGER_TIMEOUT 2 /* seconds for the peer to close after them */

#define DESCRIPTORS_MAX 65536
#define DESCRIPTORS_OWN 64        /* channels, listeners, the event loop */
#define DESCRIPTORS_A_CONN 2      /* its socket; the stream to its session or a message's body */
#define LOG_SIZE_MIN (1ULL << 30) /* the log may be a file too */
#define BODY_MARGIN 65536         /* Received: and what else is put in front */

/* -- Turns of connections ------------------------------------------------------------ */

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;
	struct conn_head now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;

	(void)fd;
	(void)what;
	/* Who is scheduled from now on has its turn the next time. */
	TAILQ_CONCAT(&now, &gate->scheduled, scheduled_entry);
	while ((c = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, c, scheduled_entry);
		c->scheduled = false;
		conn_run(c);
	}
}

static unsigned
count_max(void)
{
	struct rlimit limit;
	rlim_t usable;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1;
	if (limit.rlim_max > DESCRIPTORS_MAX)
		limit.rlim_max = DESCRIPTORS_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	usable = limit.rlim_cur > DESCRIPTORS_OWN ? limit.rlim_cur - DESCRIPTORS_OWN : 0;
	return usable < DESCRIPTORS_A_CONN ? 1 : (unsigned)(usable / DESCRIPTORS_A_CONN);
}

int
gate_open(struct gate *gate, struct event_base *base, struct error *err)
{
	gate->base = base;
	TAILQ_INIT(&gate->conns);
	TAILQ_INIT(&gate->scheduled);
	gate->count_max = count_max();
	gate->turn = evtimer_new(base, on_turn, gate);
	if (gate->turn == NULL)
		return error_set(err, "out of memory");
	return admission_open(gate, err) == -1 ? -1 : accept_open(gate, err);
}

/* The timers, once their lengths are known. */
static int
open_deadlines(struct gate *gate)
{
	const struct mg_settings *s = &gate->settings;

	if (deadlines_open(&gate->handshake, gate->base, s->handshake_timeout,
			   conn_deadline_passed) == -1 ||
	    deadlines_open(&gate->command, gate->base, s->command_timeout, conn_deadline_passed) ==
		-1 ||
	    deadlines_open(&gate->flush, gate->base, FLUSH_TIMEOUT, conn_deadline_passed) == -1 ||
	    deadlines_open(&gate->linger, gate->base, LINGER_TIMEOUT, conn_deadline_passed) == -1)
		return -1;
	return 0;
}

/* -- Ready, and over ------------------------------------------------------------------ */

/* How clients are asked for certificates is known wherever they are. */
static bool
has_questions(const struct gate *gate)
{
	const struct listener *listener;

	LIST_FOREACH (listener, &gate->listeners, entry) {
		if (listener->settings.clients != CLIENT_OFF &&
		    !tls_context_has_question(gate->tls, listener->settings.trust))
			return false;
	}
	return true;
}

static void
update_ready(struct gate *gate)
{
	if (gate->ready || !gate->running || !gate->tls_ready || gate->accounts == NULL ||
	    gate->queue == NULL || !has_questions(gate))
		return;
	gate->ready = true;
	child_ready(gate->child);
	accept_update(gate);
}

void
gate_conn_gone(struct gate *gate)
{
	if (gate->shutting_down)
		return;
	if ((gate->draining || gate->full) && gate->count == 0 && gate->pending == 0)
		child_exit(gate->child);
	accept_update(gate);
}

/* -- The master's messages -------------------------------------------------------------- */

static bool
is_string(const char *bytes, size_t size)
{
	return memchr(bytes, '\0', size) != NULL;
}

static void
on_tls_ready(void *arg)
{
	struct gate *gate = arg;

	gate->tls_ready = true;
	update_ready(gate);
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct gate *gate = child->context;
	const struct mg_settings *settings = message->body;
	struct error err;

	(void)channel;
	if (gate->configured || !is_string(settings->hostname, sizeof(settings->hostname)) ||
	    !is_string(settings->ciphers_tls12, sizeof(settings->ciphers_tls12)) ||
	    !is_string(settings->ciphers_tls13, sizeof(settings->ciphers_tls13)) ||
	    settings->note_early > 1 || settings->greylist > 1)
		return -1;
	gate->settings = *settings;
	gate->configured = true;
	if (open_deadlines(gate) == -1 ||
	    defences_open(&gate->defences, gate->base, settings, conn_greeting_due,
			  conn_penalty_over, &err) == -1)
		log_fatal("gate.failed", "out of memory");
	gate->tls = tls_context_new(gate->base, &gate->settings, &err);
	if (gate->tls == NULL)
		log_fatal("gate.failed", "TLS: %s", err.text);
	return 0;
}

static bool
choice_is_valid(const struct mg_choice *choice)
{
	if (choice->sni >= SNI_MODE_COUNT || choice->weak > 1 || choice->zero != 0 ||
	    choice->count > LISTENER_CERTIFICATES_MAX ||
	    choice->listener.service >= SERVICE_COUNT || choice->listener.zero != 0)
		return false;
	for (size_t i = 0; i < choice->count; i++) {
		if (choice->names[i][0] == '\0' ||
		    !is_string(choice->names[i], sizeof(choice->names[i])))
			return false;
	}
	return true;
}

/* Each a network, of which there are at most MAX. */
static bool
networks_are_valid(const struct network *networks, size_t count, size_t length)
{
	if (length != count * sizeof(*networks))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (networks[i].bits > 128)
			return false;
	}
	return true;
}

static int
on_exempt(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct gate *gate = child->context;
	const struct mg_exempt *exempt = message->body;
	const struct network *networks = (const void *)message->tail;
	size_t count = message->tail_length / sizeof(*networks);

	(void)channel;
	if (!gate->configured || exempt->kind >= EXEMPT_KINDS ||
	    !networks_are_valid(networks, count, message->tail_length))
		return -1;
	if (defences_exempt(&gate->defences, exempt->kind, networks, count) == -1)
		log_fatal("gate.failed", "out of memory");
	return 0;
}

static bool
listener_is_valid(const struct mg_listener *l, const struct ipc_message *message)
{
	size_t count = (size_t)l->allow + l->deny;

	if (l->service >= SERVICE_COUNT || l->tls >= TLS_MODE_COUNT || l->plaintext_auth > 1 ||
	    l->clients >= CLIENT_MODE_COUNT || (l->clients == CLIENT_OFF) != (l->trust == 0) ||
	    (l->clients != CLIENT_OFF && l->tls == TLS_NONE) || count > GATE_NETWORKS_MAX ||
	    !choice_is_valid(&l->choice))
		return false;
	return networks_are_valid((const void *)message->tail, count, message->tail_length);
}

static int
on_listener(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct gate *gate = child->context;
	const struct mg_listener *settings = message->body;
	struct error err;

	(void)channel;
	if (!gate->configured || !listener_is_valid(settings, message))
		return -1;
	if (listener_new(gate, settings, (const void *)message->tail, ipc_take_fd(message), &err) ==
	    NULL)
		log_event(LOG_WARNING, "gate.listener_ignored", KV_U64("listener", settings->id),
			  KV_STR("why", err.text));
	return 0;
}

static int
on_stopping(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct gate *gate = child->context;

	(void)channel;
	(void)message;
	gate->stopping = true;
	return 0;
}

/* -- Channels to others ------------------------------------------------------------------ */

static const struct ipc_handler no_handlers[] = {{0, NULL}};

/*
 * Another trust's question does no harm: no listener asks with it. One that can't be used is no
 * reason to end the channel: its names are the verifier's, and logins and recipients are not.
 */
static int
on_ask(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct gate *gate = context;
	const struct ga_ask *asked = message->body;

	(void)channel;
	if (asked->trust == 0 || asked->zero != 0)
		return -1;
	if (tls_context_set_question(gate->tls, asked->trust, message->tail,
				     message->tail_length) == -1)
		log_event(LOG_ERR, "gate.question", KV_U64("trust", asked->trust),
			  KV_STR("why", "its names can't be read, or there is no memory"),
			  KV_STR("so", "clients are asked as before"));
	else
		update_ready(gate);
	return 0;
}

static int
on_offer(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct gate *gate = context;
	const struct ga_offer *offer = message->body;

	(void)channel;
	if (offer->scram >> SCRAM_HASH_COUNT != 0)
		return -1;
	gate->scram_offer = offer->scram;
	return 0;
}

static const struct ipc_handler accounts_handlers[] = {
    {GA_ASK, on_ask}, {GA_OFFER, on_offer}, {0, NULL}};

static void
on_accounts_ended(struct ipc_channel *channel, void *context)
{
	struct gate *gate = context;

	log_event(LOG_WARNING, "gate.channel_ended", KV_STR("peer", ipc_peer(channel)));
	if (gate->accounts == channel)
		gate->accounts = NULL;
}

static void
on_queue_ended(struct ipc_channel *channel, void *context)
{
	struct gate *gate = context;

	log_event(LOG_WARNING, "gate.channel_ended", KV_STR("peer", ipc_peer(channel)));
	if (gate->queue == channel)
		gate->queue = NULL;
}

/*
 * An older channel is left to end by itself, which it does as its peer is dead: only so do the
 * requests on it hear that they get no answer.
 */
static int
open_accounts(struct gate *gate, int fd)
{
	gate->scram_offer = 0; /* until it says otherwise */
	gate->accounts = ipc_open(gate->base, fd, &gate_accounts_boundary, IPC_CLIENT,
				  accounts_handlers, on_accounts_ended, gate, "accounts");
	return gate->accounts == NULL ? -1 : 0;
}

static int
open_queue(struct gate *gate, int fd)
{
	bool again = gate->queue_seen;
	struct conn *c, *next;

	gate->queue = ipc_open(gate->base, fd, &gate_queue_boundary, IPC_CLIENT, no_handlers,
			       on_queue_ended, gate, "queue");
	if (gate->queue == NULL)
		return -1;
	gate->queue_seen = true;
	if (!again)
		return 0;
	TAILQ_FOREACH_SAFE (c, &gate->conns, entry, next) {
		if (c->talked && c->listener->protocol->queue_up != NULL)
			c->listener->protocol->queue_up(c);
	}
	return 0;
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct gate *gate = child->context;
	const struct mc_channel *to = message->body;
	int result;

	(void)channel;
	if (!gate->configured)
		return -1;
	switch (to->peer_role) {
	case ROLE_CERTD:
		result = tls_context_set_channel(gate->tls, ipc_take_fd(message), "certd",
						 on_tls_ready, gate);
		break;
	case ROLE_ACCOUNTS:
		result = open_accounts(gate, ipc_take_fd(message));
		break;
	case ROLE_QUEUE:
		result = open_queue(gate, ipc_take_fd(message));
		break;
	default:
		return -1;
	}
	if (result == -1)
		log_event(LOG_ERR, "gate.channel_failed", KV_U64("role", to->peer_role),
			  KV_ERRNO(errno));
	update_ready(gate);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MG_SETTINGS, on_settings}, {MG_LISTENER, on_listener}, {MG_EXEMPT, on_exempt},
    {MG_CHANNEL, on_channel},   {MG_STOPPING, on_stopping}, {0, NULL},
};

/* -- The role ------------------------------------------------------------------------------ */

static int
gate_init(struct child *child, struct error *err)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return error_set(err, "out of memory");
	gate->child = child;
	child->context = gate;
	return gate_open(gate, child->base, err);
}

/* No file that was handed over, a message's body, grows past what a message may be. */
static int
gate_prepare(struct child *child, struct error *err)
{
	struct gate *gate = child->context;
	struct rlimit limit;

	if (!gate->configured)
		return error_set(err, "started without settings");
	limit.rlim_cur = gate->settings.max_message_size + BODY_MARGIN;
	if (limit.rlim_cur < LOG_SIZE_MIN)
		limit.rlim_cur = LOG_SIZE_MIN;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return error_errno(err, "limiting the size of files");
	return 0;
}

static int
gate_run(struct child *child, struct error *err)
{
	struct gate *gate = child->context;

	(void)err;
	gate->running = true;
	update_ready(gate);
	return 0;
}

static void
gate_drain(struct child *child)
{
	struct gate *gate = child->context;
	struct conn *c, *next;

	gate->draining = true;
	accept_stop(gate);
	TAILQ_FOREACH_SAFE (c, &gate->conns, entry, next)
		conn_drain(c);
	gate_conn_gone(gate);
}

static void
gate_shutdown(struct child *child)
{
	struct gate *gate = child->context;
	struct conn *c;

	gate->shutting_down = true;
	accept_stop(gate);
	while ((c = TAILQ_FIRST(&gate->conns)) != NULL) {
		if (c->tls != NULL && c->state_now != CONN_HANDSHAKE)
			tls_close(c->tls);
		if (c->why == NULL)
			c->why = "shutdown";
		conn_free(c);
	}
}

const struct child_role gate_role = {
    .name = "gate",
    .control = &master_gate_boundary,
    .handlers = handlers,
    .rules = &gate_sandbox_rules,
    .init = gate_init,
    .prepare = gate_prepare,
    .run = gate_run,
    .drain = gate_drain,
    .shutdown = gate_shutdown,
};
