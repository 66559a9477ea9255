/* SPDX-License-Identifier: ISC */
/* Holding back: the greeting from who can't wait for it, replies from who guesses (defence.h). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/gate/conn_private.h"

/* -- The greeting ---------------------------------------------------------------------- */

void
conn_hold_greeting(struct conn *c)
{
	struct gate *gate = c->gate;
	struct defences *defences = &gate->defences;

	if (c->listener->settings.service != SERVICE_SMTP || gate->settings.greeting_pause == 0 ||
	    gate->draining || defences_is_exempt(defences, EXEMPT_DEFENCES, &c->peer.address) ||
	    defences_has_waited(defences, &c->peer.address)) {
		conn_open(c);
		return;
	}
	c->state_now = CONN_HOLDING;
	deadline_start(&c->deadline, &defences->greeting);
}

static struct conn *
conn_of(struct deadline *d, size_t offset)
{
	return (struct conn *)(void *)((char *)d - offset);
}

void
conn_greeting_due(struct deadline *d)
{
	struct conn *c = conn_of(d, offsetof(struct conn, deadline));

	if (c->state_now != CONN_HOLDING)
		return;
	if (!c->early)
		defences_note_waited(&c->gate->defences, &c->peer.address);
	conn_open(c);
	conn_schedule(c);
}

static void
talks_early(struct conn *c)
{
	const struct mg_settings *settings = &c->gate->settings;

	c->early = true;
	log_event(LOG_INFO, "conn.early_talker", KV_CONN(c->id), KV_ADDR("peer", &c->peer.address),
		  KV_STR("so", settings->note_early == 1 ? "noted" : "refused"));
	if (settings->note_early == 0)
		conn_refuse(c, c->listener->protocol->early_farewell, "talked before the greeting");
}

/* Looks, and leaves what it sees for the protocol. */
void
conn_holding(struct conn *c)
{
	ssize_t n;
	char first;

	if (c->early)
		return;
	n = recv(c->fd, &first, 1, MSG_PEEK);
	if (n == 0)
		conn_abort(c, "left before the greeting");
	else if (n == -1 && (errno == EAGAIN || errno == EINTR))
		c->wanted |= EV_READ;
	else if (n == -1)
		conn_abort(c, strerror(errno));
	else if (first == RECORD_HANDSHAKE)
		conn_open(c); /* set up wrong: it is told so */
	else
		talks_early(c);
}

/* -- Replies --------------------------------------------------------------------------- */

bool
conn_is_held_back(const struct conn *c)
{
	return c->penalty.list != NULL;
}

void
conn_note_error(struct conn *c)
{
	struct defences *defences = &c->gate->defences;
	struct deadlines *delay;

	if (defences_is_exempt(defences, EXEMPT_DEFENCES, &c->peer.address))
		return;
	delay = defences_note_error(defences, &c->peer.address, ++c->errors);
	if (delay == NULL || c->state_now != CONN_TALKING)
		return;
	/* The client can't say anything meanwhile: no time of its own runs. */
	deadline_stop(&c->deadline);
	deadline_start(&c->penalty, delay);
}

bool
conn_may_greylist(const struct conn *c)
{
	return c->gate->settings.greylist == 1 && c->listener->settings.service == SERVICE_SMTP &&
	       !defences_is_exempt(&c->gate->defences, EXEMPT_GREYLIST, &c->peer.address);
}

void
conn_penalty_over(struct deadline *d)
{
	struct conn *c = conn_of(d, offsetof(struct conn, penalty));

	if (c->state_now != CONN_TALKING)
		return;
	if (!c->paused)
		conn_start_quiet_time(c);
	conn_schedule(c);
}
