/* SPDX-License-Identifier: ISC */
/* What a protocol may ask of its connection (conn.h). */
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/gate/conn_private.h"

void *
conn_state(struct conn *c)
{
	return c->state;
}

conn_id
conn_identity(const struct conn *c)
{
	return c->id;
}

const struct peer *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

const struct listener *
conn_listener(const struct conn *c)
{
	return c->listener;
}

const struct mg_settings *
conn_settings(const struct conn *c)
{
	return &c->gate->settings;
}

bool
conn_is_secure(const struct conn *c)
{
	return c->tls != NULL;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->tls == NULL && c->listener->settings.tls == TLS_EXPLICIT;
}

bool
conn_may_login(const struct conn *c)
{
	const struct mg_listener *settings = &c->listener->settings;

	return c->tls != NULL || (settings->tls == TLS_NONE && settings->plaintext_auth == 1);
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->tls == NULL ? NULL : tls_version(c->tls);
}

const char *
conn_tls_cipher(const struct conn *c)
{
	return c->tls == NULL ? NULL : tls_cipher(c->tls);
}

void
conn_write(struct conn *c, const void *bytes, size_t length)
{
	if (c->state_now != CONN_TALKING)
		return;
	conn_output(c, bytes, length);
	conn_schedule(c);
}

void
conn_printf(struct conn *c, const char *format, ...)
{
	va_list ap;
	int added;

	if (c->state_now != CONN_TALKING)
		return;
	if (c->output == NULL)
		c->output = evbuffer_new();
	if (c->output == NULL) {
		conn_abort(c, "out of memory");
		return;
	}
	va_start(ap, format);
	added = evbuffer_add_vprintf(c->output, format, ap);
	va_end(ap);
	if (added == -1)
		conn_abort(c, "out of memory");
	conn_schedule(c);
}

void
conn_pause(struct conn *c)
{
	if (c->state_now != CONN_TALKING)
		return;
	c->paused = true;
	deadline_stop(&c->deadline);
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->state_now != CONN_TALKING)
		return;
	if (!conn_is_held_back(c))
		conn_start_quiet_time(c);
	conn_schedule(c);
}

void
conn_start_tls(struct conn *c)
{
	if (c->state_now != CONN_TALKING)
		return;
	assert(conn_can_start_tls(c));
	freezero(c->input, c->input_length);
	c->input = NULL;
	c->input_length = 0;
	c->state_now = CONN_STARTING_TLS;
	deadline_start(&c->deadline, &c->gate->handshake);
	conn_schedule(c);
}

void
conn_hand_over(struct conn *c, int stream)
{
	if (c->state_now != CONN_TALKING) {
		close(stream);
		return;
	}
	if (pump_open(c, stream) == -1) {
		conn_abort(c, strerror(errno));
		return;
	}
	conn_forget_certificate(c);
	c->state_now = CONN_PUMPING;
	deadline_start(&c->deadline, &c->listener->idle);
	conn_close_protocol(c);
	conn_schedule(c);
}

void
conn_finish(struct conn *c, const char *why)
{
	conn_end(c, why);
}

const char *
conn_drain_farewell(const struct conn *c)
{
	const struct protocol *protocol = c->listener->protocol;

	if (!c->gate->draining)
		return NULL;
	return c->gate->stopping ? protocol->stop_farewell : protocol->drain_farewell;
}

struct ipc_channel *
conn_accounts(const struct conn *c)
{
	return c->gate->accounts;
}

struct ipc_channel *
conn_queue(const struct conn *c)
{
	return c->gate->queue;
}

struct event_base *
conn_event_base(const struct conn *c)
{
	return c->gate->base;
}
