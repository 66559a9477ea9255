/* SPDX-License-Identifier: ISC */
/*
 * The pump: after a login, bytes between the client and the user's session process. Up is towards
 * the session, down towards the client. In each direction at most one buffer's worth waits: what
 * can't be written is not read. An end of one side is passed on behind its last byte.
 */
#include <sys/queue.h>

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/gate/conn_private.h"

struct pump {
	struct event event;  /* of the session's stream */
	struct evbuffer *up; /* NULL while empty */
	int stream;
	short watched;
	short wanted;
	bool client_ended;
	bool end_passed;    /* the session knows it */
	bool stream_broken; /* it takes no more; it may have last words */
	bool moved;
};

/* What one direction can do now. */
enum flow { FLOW_WAITS, FLOW_GOES_ON, FLOW_ENDED };

static void
on_stream(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_run(arg);
}

int
pump_open(struct conn *c, int stream)
{
	struct pump *pump = calloc(1, sizeof(*pump));

	if (pump == NULL || evutil_make_socket_nonblocking(stream) == -1) {
		close(stream);
		free(pump);
		return -1;
	}
	pump->stream = stream;
	event_assign(&pump->event, c->gate->base, stream, EV_READ | EV_PERSIST, on_stream, c);
	c->pump = pump;
	return 0;
}

void
pump_free(struct pump *pump)
{
	if (pump == NULL)
		return;
	if (pump->watched != 0)
		event_del(&pump->event);
	if (pump->up != NULL)
		evbuffer_free(pump->up);
	close(pump->stream);
	free(pump);
}

static void
watch_stream(struct conn *c, struct pump *pump)
{
	if (pump->wanted == pump->watched)
		return;
	if (pump->watched != 0)
		event_del(&pump->event);
	pump->watched = pump->wanted;
	if (pump->wanted == 0)
		return;
	event_assign(&pump->event, c->gate->base, pump->stream, (short)(pump->wanted | EV_PERSIST),
		     on_stream, c);
	if (event_add(&pump->event, NULL) == -1) {
		pump->watched = 0;
		conn_abort(c, "out of memory");
	}
}

/* The session takes no more: what was meant for it is dropped, its last words are still read. */
static void
stream_broke(struct pump *pump)
{
	pump->stream_broken = true;
	if (pump->up != NULL)
		evbuffer_free(pump->up);
	pump->up = NULL;
}

/* Bytes to the session; what it does not take now is kept. */
static void
send_up(struct conn *c, const char *bytes, size_t length)
{
	struct pump *pump = c->pump;

	while (length > 0 && pump->up == NULL) {
		ssize_t n = send(pump->stream, bytes, length, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EAGAIN) {
			stream_broke(pump);
			return;
		}
		if (n == -1)
			break;
		bytes += n;
		length -= (size_t)n;
	}
	if (length == 0)
		return;
	if (pump->up == NULL)
		pump->up = evbuffer_new();
	if (pump->up == NULL || evbuffer_add(pump->up, bytes, length) == -1)
		conn_abort(c, "out of memory");
}

/* What was kept, once more. True when nothing is left. */
static bool
flush_up(struct conn *c)
{
	struct pump *pump = c->pump;
	struct evbuffer_iovec piece;

	while (pump->up != NULL && evbuffer_get_length(pump->up) > 0) {
		ssize_t n;

		if (evbuffer_peek(pump->up, -1, NULL, &piece, 1) < 1)
			break;
		n = send(pump->stream, piece.iov_base, piece.iov_len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			pump->wanted |= EV_WRITE;
			return false;
		}
		if (n == -1) {
			stream_broke(pump);
			return true;
		}
		evbuffer_drain(pump->up, (size_t)n);
		pump->moved = true;
	}
	if (pump->up != NULL)
		evbuffer_free(pump->up);
	pump->up = NULL;
	return true;
}

/* One step from the client to the session. */
static enum flow
up(struct conn *c)
{
	struct pump *pump = c->pump;
	enum tls_result result;
	size_t n;

	if (!flush_up(c))
		return FLOW_WAITS;
	if (pump->stream_broken || pump->end_passed)
		return FLOW_ENDED;
	if (pump->client_ended) {
		(void)shutdown(pump->stream, SHUT_WR);
		pump->end_passed = true;
		return FLOW_ENDED;
	}
	result = conn_read(c, c->gate->buffer, GATE_BUFFER_SIZE, &n);
	switch (result) {
	case TLS_OK:
		pump->moved = true;
		send_up(c, c->gate->buffer, n);
		return FLOW_GOES_ON;
	case TLS_EOF:
		pump->client_ended = true;
		return FLOW_GOES_ON;
	case TLS_FAILED:
		conn_abort(c, conn_failure(c));
		return FLOW_ENDED;
	default:
		return FLOW_WAITS;
	}
}

/* One step from the session to the client. */
static enum flow
down(struct conn *c)
{
	struct pump *pump = c->pump;
	size_t before = conn_backlog(c);
	enum tls_result result = conn_flush(c);
	ssize_t n;

	pump->moved = pump->moved || conn_backlog(c) < before;
	if (result == TLS_OK) {
		n = recv(pump->stream, c->gate->buffer, GATE_BUFFER_SIZE, 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			pump->wanted |= EV_READ;
			return FLOW_WAITS;
		}
		if (n <= 0) {
			conn_end(c, pump->client_ended ? "closed by client" : "session ended");
			return FLOW_ENDED;
		}
		pump->moved = true;
		result = conn_send(c, c->gate->buffer, (size_t)n);
	}
	if (result == TLS_EOF || result == TLS_FAILED) {
		conn_abort(c, conn_failure(c));
		return FLOW_ENDED;
	}
	return result == TLS_OK ? FLOW_GOES_ON : FLOW_WAITS;
}

/* What the login left over belongs to the session: PIPELINING, RFC 2449 6.6. */
static void
begin(struct conn *c)
{
	if (c->state == NULL)
		return;
	freezero(c->state, c->listener->protocol->state_size);
	c->state = NULL;
	send_up(c, c->input, c->input_length);
	freezero(c->input, c->input_length);
	c->input = NULL;
	c->input_length = 0;
}

void
conn_pump(struct conn *c)
{
	struct pump *pump = c->pump;
	enum flow rising = FLOW_GOES_ON, falling = FLOW_GOES_ON;
	int i;

	begin(c);
	pump->wanted = 0;
	pump->moved = false;
	for (i = 0; i < ROUNDS_A_TURN && c->state_now == CONN_PUMPING; i++) {
		if (rising == FLOW_GOES_ON)
			rising = up(c);
		if (falling == FLOW_GOES_ON && c->state_now == CONN_PUMPING)
			falling = down(c);
	}
	explicit_bzero(c->gate->buffer, GATE_BUFFER_SIZE);
	if (pump->moved && c->state_now == CONN_PUMPING)
		deadline_start(&c->deadline, &c->listener->idle);
	if (c->state_now != CONN_PUMPING)
		pump->wanted = 0;
	watch_stream(c, pump);
	if (c->state_now == CONN_PUMPING && (rising == FLOW_GOES_ON || falling == FLOW_GOES_ON))
		conn_yield(c);
}
