/* SPDX-License-Identifier: ISC */
/* The life of a connection, and its turns. */
#include "worker/gate/conn_private.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/monotonic.h"

static const char *const service_names[SERVICE_COUNT] = {"smtp", "submission", "pop3", "imap"};
static const char *const tls_names[TLS_MODE_COUNT] = {"none", "explicit", "implicit"};

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_run(arg);
}

/* Replies leave as soon as they are written; a peer that is silently gone is found out. */
static void
set_socket_options(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

struct conn *
conn_new(struct listener *listener, int fd, const struct peer *peer)
{
	struct gate *gate = listener->gate;
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	set_socket_options(fd);
	c->gate = gate;
	c->listener = listener;
	c->fd = fd;
	c->peer = *peer;
	c->started = monotonic_seconds();
	do
		arc4random_buf(&c->id, sizeof(c->id));
	while (c->id == 0);
	event_assign(&c->event, gate->base, fd, EV_READ | EV_PERSIST, on_socket, c);
	deadline_start(&c->deadline, &gate->handshake);
	TAILQ_INSERT_TAIL(&gate->conns, c, entry);
	gate->count++;
	return c;
}

static void
log_closed(const struct conn *c)
{
	if (!c->logged)
		return;
	log_event(LOG_INFO, "conn.closed", KV_CONN(c->id),
		  KV_STR("why", c->why != NULL ? c->why : "closed"), KV_U64("in", c->bytes_in),
		  KV_U64("out", c->bytes_out), KV_I64("seconds", monotonic_seconds() - c->started));
}

void
conn_free(struct conn *c)
{
	struct gate *gate = c->gate;

	conn_close_protocol(c);
	log_closed(c);
	if (c->scheduled)
		TAILQ_REMOVE(&gate->scheduled, c, scheduled_entry);
	TAILQ_REMOVE(&gate->conns, c, entry);
	if (c->watched != 0)
		event_del(&c->event);
	deadline_stop(&c->deadline);
	deadline_stop(&c->penalty);
	pump_free(c->pump);
	tls_free(c->tls);
	if (c->output != NULL)
		evbuffer_free(c->output);
	freezero(c->input, c->input_length);
	freezero(c->state, c->listener->protocol->state_size);
	close(c->fd);
	admission_end(c->admission);
	free(c);
	gate->count--;
	gate_conn_gone(gate);
}

void
conn_close_protocol(struct conn *c)
{
	if (!c->talked)
		return;
	c->talked = false;
	c->listener->protocol->closed(c);
}

/* -- Turns --------------------------------------------------------------------- */

static void
step_wait(struct conn *c)
{
	(void)c;
}

static void
step_starting_tls(struct conn *c)
{
	enum tls_result result = conn_flush(c);

	if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
		return;
	if (result != TLS_OK) {
		conn_abort(c, conn_failure(c));
		return;
	}
	c->state_now = CONN_HANDSHAKE;
	c->secured = true;
	deadline_start(&c->deadline, &c->gate->handshake);
}

static void
step_flushing(struct conn *c)
{
	enum tls_result result = conn_flush(c);

	pump_free(c->pump);
	c->pump = NULL;
	if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
		return;
	if (result != TLS_OK) {
		conn_abort(c, conn_failure(c));
		return;
	}
	if (c->tls != NULL)
		tls_close(c->tls);
	/* Closing while something unread is there would make the kernel send a reset, and the peer
	 * might never read the last reply. */
	(void)shutdown(c->fd, SHUT_WR);
	c->state_now = CONN_LINGERING;
	deadline_start(&c->deadline, &c->gate->linger);
}

static void
step_lingering(struct conn *c)
{
	int i;

	for (i = 0; i < ROUNDS_A_TURN; i++) {
		ssize_t n = recv(c->fd, c->gate->buffer, sizeof(c->gate->buffer), 0);

		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
			conn_abort(c, NULL);
			return;
		}
		if (n == -1)
			break;
	}
	explicit_bzero(c->gate->buffer, sizeof(c->gate->buffer));
	c->wanted |= EV_READ;
}

static void (*const steps[CONN_STATE_COUNT])(struct conn *) = {
    [CONN_ADMITTING] = step_wait,
    [CONN_HOLDING] = conn_holding,
    [CONN_HANDSHAKE] = conn_handshake,
    [CONN_TALKING] = conn_talk,
    [CONN_STARTING_TLS] = step_starting_tls,
    [CONN_PUMPING] = conn_pump,
    [CONN_FLUSHING] = step_flushing,
    [CONN_LINGERING] = step_lingering,
    [CONN_CLOSED] = step_wait,
};

void
conn_run(struct conn *c)
{
	enum conn_state before;

	c->running = true;
	do {
		before = c->state_now;
		c->wanted = 0;
		steps[before](c);
	} while (c->state_now != before);
	c->running = false;
	if (c->state_now == CONN_CLOSED)
		conn_free(c);
	else
		conn_watch(c);
}

void
conn_schedule(struct conn *c)
{
	if (!c->running)
		conn_yield(c);
}

void
conn_yield(struct conn *c)
{
	static const struct timeval at_once;

	if (c->scheduled)
		return;
	c->scheduled = true;
	/* A timer, not event_active(): the loop looks at the sockets in between. */
	if (TAILQ_EMPTY(&c->gate->scheduled))
		event_add(c->gate->turn, &at_once);
	TAILQ_INSERT_TAIL(&c->gate->scheduled, c, scheduled_entry);
}

void
conn_abort(struct conn *c, const char *why)
{
	if (c->state_now == CONN_CLOSED)
		return;
	if (c->why == NULL)
		c->why = why;
	c->state_now = CONN_CLOSED;
	conn_schedule(c);
}

void
conn_end(struct conn *c, const char *why)
{
	if (c->state_now >= CONN_FLUSHING)
		return;
	c->why = why;
	c->state_now = CONN_FLUSHING;
	deadline_start(&c->deadline, &c->gate->flush);
	conn_schedule(c);
}

void
conn_deadline_passed(struct deadline *d)
{
	struct conn *c = (struct conn *)(void *)((char *)d - offsetof(struct conn, deadline));
	const char *farewell = c->listener->protocol->idle_farewell;

	switch (c->state_now) {
	case CONN_TALKING:
		conn_output(c, farewell, strlen(farewell));
		conn_end(c, "idle");
		break;
	case CONN_PUMPING:
		conn_end(c, "idle");
		break;
	case CONN_ADMITTING:
		conn_abort(c, "the master did not answer");
		break;
	case CONN_HANDSHAKE:
	case CONN_STARTING_TLS:
		conn_abort(c, "handshake timeout");
		break;
	default:
		conn_abort(c, NULL);
		break;
	}
	conn_schedule(c);
}

/* -- The beginning --------------------------------------------------------------- */

void
conn_refuse(struct conn *c, const char *farewell, const char *why)
{
	log_event(LOG_INFO, "conn.refused", KV_CONN(c->id),
		  KV_STR("service", service_names[c->listener->settings.service]),
		  KV_ADDR("peer", &c->peer.address), KV_STR("why", why));
	if (c->listener->settings.tls != TLS_IMPLICIT)
		conn_output(c, farewell, strlen(farewell));
	else if (farewell == c->listener->protocol->denied_farewell)
		conn_send_alert(c, ALERT_ACCESS_DENIED);
	else
		conn_send_alert(c, ALERT_INTERNAL_ERROR);
	conn_end(c, why);
}

/* The setting that keeps it out. */
static const char *const refusals[MG_VERDICT_COUNT] = {
    [MG_ADMIT_LISTENER_FULL] = "max_connections",
    [MG_ADMIT_ADDRESS_FULL] = "max_connections_per_address",
    [MG_ADMIT_ADDRESS_OFTEN] = "max_rate_per_address",
};

void
conn_admitted(struct conn *c, enum mg_verdict verdict)
{
	const struct protocol *protocol = c->listener->protocol;
	const struct mg_listener *settings = &c->listener->settings;

	if (c->state_now != CONN_ADMITTING)
		return;
	if (verdict != MG_ADMIT_OK) {
		conn_refuse(c, protocol->full_farewell, refusals[verdict]);
		return;
	}
	c->logged = true;
	log_event(LOG_INFO, "conn.accepted", KV_CONN(c->id),
		  KV_STR("service", service_names[settings->service]),
		  KV_STR("tls", tls_names[settings->tls]), KV_ADDR("peer", &c->peer.address),
		  KV_U64("port", c->peer.port));
	if (settings->tls == TLS_IMPLICIT) {
		c->state_now = CONN_HANDSHAKE;
		deadline_start(&c->deadline, &c->gate->handshake);
	} else {
		conn_hold_greeting(c);
	}
	conn_schedule(c);
}

void
conn_open(struct conn *c)
{
	const struct protocol *protocol = c->listener->protocol;
	const char *farewell = conn_drain_farewell(c);

	c->state_now = CONN_TALKING;
	if (farewell != NULL) {
		conn_output(c, farewell, strlen(farewell));
		conn_end(c, "drained");
		return;
	}
	c->state = calloc(1, protocol->state_size);
	if (c->state == NULL) {
		conn_abort(c, "out of memory");
		return;
	}
	c->talked = true;
	conn_start_quiet_time(c);
	protocol->open(c);
}
