/* SPDX-License-Identifier: ISC */
#include "worker/gate/accept.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/child.h"
#include "worker/gate/conn_private.h"
#include "worker/gate/networks.h"

#define ACCEPTS_A_TURN 16      /* a listener, before others have a turn */
#define PUMP_GRACE 10          /* seconds that the gate's patience is longer than the session's */
#define PAUSE_MILLISECONDS 500 /* when descriptors have run out */

/* NULL: not served by this build. */
static const struct protocol *
protocol_of(uint8_t service)
{
	switch ((enum service)service) {
	case SERVICE_SMTP:
		return &smtp_protocol;
	case SERVICE_SUBMISSION:
		return &submission_protocol;
	case SERVICE_POP3:
		return &pop3_protocol;
	case SERVICE_IMAP:
		return &imap_protocol;
	case SERVICE_COUNT:
		break;
	}
	return NULL;
}

/* -- When descriptors run out ---------------------------------------------------------- */

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;

	(void)fd;
	(void)what;
	gate->pausing = false;
	if (gate->reserve == -1)
		gate->reserve = fcntl(CHILD_CONTROL_FD, F_DUPFD_CLOEXEC, 0);
	accept_update(gate);
}

/* Gives up the reserve to take the one that waits and turn it away; then leaves the rest waiting.
 */
static void
out_of_descriptors(struct listener *listener, int error)
{
	static const struct timeval pause = {.tv_usec = PAUSE_MILLISECONDS * 1000};
	struct gate *gate = listener->gate;
	int fd;

	log_event(LOG_ERR, "gate.descriptors", KV_U64("connections", gate->count),
		  KV_STR("why", strerror(error)),
		  KV_STR("hint", "raise the limit of open files, or lower max_connections"));
	if (gate->reserve != -1) {
		close(gate->reserve);
		gate->reserve = -1;
		fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1 && listener->settings.tls != TLS_IMPLICIT) {
			const char *text = listener->protocol->full_farewell;

			(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
		}
		if (fd != -1)
			close(fd);
		gate->reserve = fcntl(CHILD_CONTROL_FD, F_DUPFD_CLOEXEC, 0);
	}
	gate->pausing = true;
	event_add(gate->accept_again, &pause);
	accept_update(gate);
}

/* -- One connection -------------------------------------------------------------------- */

static void
greet(struct listener *listener, int fd, const struct peer *peer)
{
	const struct mg_listener *settings = &listener->settings;
	struct conn *c = conn_new(listener, fd, peer);

	if (c == NULL)
		return;
	if (!networks_permit(listener->networks, settings->allow, settings->deny, &peer->address)) {
		conn_refuse(c, listener->protocol->denied_farewell, "deny");
		return;
	}
	c->admission = admission_ask(listener->gate, c, settings->id, &peer->address);
	if (c->admission == NULL)
		conn_abort(c, "the master could not be asked");
}

/* False when there is nothing more to accept now. */
static bool
accept_one(struct listener *listener)
{
	struct sockaddr_storage from = {0};
	socklen_t length = sizeof(from);
	struct peer peer;
	int fd = accept4(listener->fd, (struct sockaddr *)(void *)&from, &length,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		out_of_descriptors(listener, errno);
	/* Of the others, some belong to the connection (accept(2)): the next may be well. */
	if (fd == -1)
		return errno == ECONNABORTED || errno == EPROTO || errno == EINTR;
	if (peer_from_sockaddr(&peer, &from))
		greet(listener, fd, &peer);
	else
		close(fd);
	accept_update(listener->gate);
	return true;
}

static void
on_listener(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < ACCEPTS_A_TURN && listener->gate->accepting; i++) {
		if (!accept_one(listener))
			return;
	}
}

/* -- Listeners --------------------------------------------------------------------------- */

int
accept_open(struct gate *gate, struct error *err)
{
	LIST_INIT(&gate->listeners);
	gate->accept_again = evtimer_new(gate->base, on_pause_over, gate);
	if (gate->accept_again == NULL)
		return error_set(err, "out of memory");
	gate->reserve = fcntl(CHILD_CONTROL_FD, F_DUPFD_CLOEXEC, 0);
	return gate->reserve == -1 ? error_errno(err, "a descriptor in reserve") : 0;
}

static uint32_t
patience(const struct mg_listener *settings)
{
	/* The session keeps this time too; its word shall come first. */
	bool pumped = settings->service == SERVICE_POP3 || settings->service == SERVICE_IMAP;

	return settings->idle_timeout + (pumped && settings->idle_timeout > 0 ? PUMP_GRACE : 0);
}

static int
listener_fill(struct listener *listener, const struct network *networks, struct error *err)
{
	const struct mg_listener *settings = &listener->settings;
	size_t count = (size_t)settings->allow + settings->deny;

	listener->protocol = protocol_of(settings->service);
	if (listener->protocol == NULL)
		return error_set(err, "service %u is not served here", settings->service);
	assert(listener->protocol->input_max < GATE_BUFFER_SIZE);
	if (count > 0) {
		listener->networks = reallocarray(NULL, count, sizeof(*networks));
		if (listener->networks == NULL)
			return error_set(err, "out of memory");
		memcpy(listener->networks, networks, count * sizeof(*networks));
	}
	listener->accept = event_new(listener->gate->base, listener->fd, EV_READ | EV_PERSIST,
				     on_listener, listener);
	if (listener->accept == NULL ||
	    deadlines_open(&listener->idle, listener->gate->base, patience(settings),
			   conn_deadline_passed) == -1)
		return error_set(err, "out of memory");
	return 0;
}

static void
listener_free(struct listener *listener)
{
	if (listener->accept != NULL)
		event_free(listener->accept);
	close(listener->fd);
	free(listener->networks);
	free(listener);
}

struct listener *
listener_new(struct gate *gate, const struct mg_listener *settings, const struct network *networks,
	     int fd, struct error *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL) {
		close(fd);
		error_set(err, "out of memory");
		return NULL;
	}
	listener->settings = *settings;
	listener->gate = gate;
	listener->fd = fd;
	if (listener_fill(listener, networks, err) == -1) {
		listener_free(listener);
		return NULL;
	}
	LIST_INSERT_HEAD(&gate->listeners, listener, entry);
	return listener;
}

/* Enough for those that are being asked about: no more are let in than the quota has room for. */
static bool
quota_left(const struct gate *gate)
{
	return gate->settings.connections == 0 ||
	       gate->admitted + gate->pending < gate->settings.connections;
}

/*
 * As many connections as there are descriptors for: others wait in the kernel, and the log says
 * why; not again for each that ends and each that follows.
 */
static void
note_count_max(struct gate *gate)
{
	bool at_count_max = gate->count >= gate->count_max;

	if (at_count_max && !gate->at_count_max)
		log_event(LOG_WARNING, "gate.descriptors", KV_U64("connections", gate->count),
			  KV_STR("why", "no more descriptors, new connections wait"),
			  KV_STR("hint", "raise the limit of open files (RLIMIT_NOFILE)"));
	if (at_count_max || gate->count < gate->count_max / 2)
		gate->at_count_max = at_count_max;
}

void
accept_update(struct gate *gate)
{
	bool accepting = gate->ready && !gate->draining && !gate->full && !gate->pausing &&
			 gate->pending < ADMIT_PENDING_MAX && gate->count < gate->count_max &&
			 quota_left(gate);
	struct listener *listener;

	note_count_max(gate);
	if (accepting == gate->accepting)
		return;
	gate->accepting = accepting;
	LIST_FOREACH (listener, &gate->listeners, entry) {
		if (accepting)
			event_add(listener->accept, NULL);
		else
			event_del(listener->accept);
	}
}

static void
close_listener(struct listener *listener)
{
	if (listener->fd == -1)
		return;
	event_free(listener->accept);
	listener->accept = NULL;
	close(listener->fd);
	listener->fd = -1;
}

void
accept_stop(struct gate *gate)
{
	struct listener *listener;

	gate->accepting = false;
	LIST_FOREACH (listener, &gate->listeners, entry)
		close_listener(listener);
}
