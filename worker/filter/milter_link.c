/* SPDX-License-Identifier: ISC */
#include "worker/filter/milter_link.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/duration.h"

#define READ_MAX 16384

struct milter_link {
	int fd;
	bool connected;
	bool ended; /* done has been called */
	struct event *event;
	struct evbuffer *in;
	struct evbuffer *out;
	struct timeval patience;
	struct milter_session session;
	milter_done_fn *done;
	void *context;
	struct error err;
};

static void
finish(struct milter_link *link, const char *why)
{
	if (link->ended)
		return;
	link->ended = true;
	event_del(link->event);
	link->done(link->context, &link->session, why);
}

/* Sends what there is, as far as the socket takes it. -1 with errno. */
static int
flush(struct milter_link *link)
{
	size_t length = evbuffer_get_length(link->out);
	ssize_t n;

	if (length == 0)
		return 0;
	n = send(link->fd, evbuffer_pullup(link->out, -1), length, MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return evbuffer_drain(link->out, (size_t)n);
}

/* Says what can be said now. Returns -1 with err filled. */
static int
speak(struct milter_link *link)
{
	int result;

	do {
		if (flush(link) == -1)
			return error_errno(&link->err, "writing to it");
		if (evbuffer_get_length(link->out) > 0)
			return 0;
		result = milter_session_speak(&link->session, link->out, &link->err);
	} while (result == 1);
	return result;
}

/* Takes every whole packet that is there. Returns -1 with err filled. */
static int
take_packets(struct milter_link *link)
{
	while (link->session.state != MILTER_OVER) {
		const char *bytes = (const char *)evbuffer_pullup(link->in, -1);
		int32_t length = milter_packet(bytes, evbuffer_get_length(link->in));

		if (length == 0)
			break;
		if (length == -1)
			return error_set(&link->err, "it sends a packet of an impossible length");
		if (milter_session_hear(&link->session, bytes + 4, (size_t)length, &link->err) ==
		    -1)
			return -1;
		(void)evbuffer_drain(link->in, 4 + (size_t)length);
	}
	return 0;
}

/* Reads once. Returns -1 with err filled. */
static int
hear(struct milter_link *link)
{
	char buffer[READ_MAX];
	ssize_t n = recv(link->fd, buffer, sizeof(buffer), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1)
		return error_errno(&link->err, "reading from it");
	if (n == 0)
		return error_set(&link->err, "it closed the connection in %s",
				 milter_state_name(link->session.state));
	if (evbuffer_add(link->in, buffer, (size_t)n) == -1)
		return error_set(&link->err, "out of memory");
	return take_packets(link);
}

/* Goodbye, if there is room for it; nothing depends on it. */
static void
quit(struct milter_link *link)
{
	if (milter_write(link->out, MILTER_QUIT) == 0)
		(void)flush(link);
}

static int
finish_connecting(struct milter_link *link)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
		error = errno;
	if (error != 0)
		return error_set(&link->err, "connecting: %s", strerror(error));
	link->connected = true;
	return 0;
}

static int
turn(struct milter_link *link, short what)
{
	if (!link->connected && (what & EV_WRITE) != 0 && finish_connecting(link) == -1)
		return -1;
	if (!link->connected)
		return 0;
	if ((what & EV_READ) != 0 && hear(link) == -1)
		return -1;
	return speak(link);
}

/* Waits for what is needed next. */
static void
watch(struct milter_link *link)
{
	bool writes = !link->connected || evbuffer_get_length(link->out) > 0;

	event_del(link->event);
	event_assign(link->event, event_get_base(link->event), link->fd,
		     (short)((link->connected ? EV_READ : 0) | (writes ? EV_WRITE : 0)),
		     event_get_callback(link->event), link);
	event_add(link->event, &link->patience);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct milter_link *link = arg;
	char patience[DURATION_SIZE];

	(void)fd;
	if ((what & EV_TIMEOUT) != 0) {
		error_set(&link->err, "no answer to %s within %s",
			  link->connected ? milter_state_name(link->session.state) : "connecting",
			  duration_text(link->patience.tv_sec, patience));
		finish(link, link->err.text);
	} else if (turn(link, what) == -1) {
		finish(link, link->err.text);
	} else if (link->session.state == MILTER_OVER) {
		quit(link);
		finish(link, NULL);
	} else {
		watch(link);
	}
}

static int
open_link(struct milter_link *link, struct event_base *base, struct error *err)
{
	link->in = evbuffer_new();
	link->out = evbuffer_new();
	link->event = event_new(base, link->fd, EV_WRITE, on_socket, link);
	if (link->in == NULL || link->out == NULL || link->event == NULL ||
	    event_add(link->event, &link->patience) == -1)
		return error_set(err, "out of memory");
	return 0;
}

struct milter_link *
milter_link_new(struct event_base *base, int fd, unsigned seconds, const struct milter_mail *mail,
		milter_done_fn *done, void *context, struct error *err)
{
	struct milter_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		(void)error_set(err, "out of memory");
		close(fd);
		return NULL;
	}
	link->fd = fd;
	link->patience.tv_sec = (time_t)seconds;
	link->done = done;
	link->context = context;
	milter_session_start(&link->session, mail);
	if (open_link(link, base, err) == -1) {
		milter_link_free(link);
		return NULL;
	}
	return link;
}

void
milter_link_free(struct milter_link *link)
{
	if (link == NULL)
		return;
	if (link->event != NULL)
		event_free(link->event);
	if (link->in != NULL)
		evbuffer_free(link->in);
	if (link->out != NULL)
		evbuffer_free(link->out);
	close(link->fd);
	free(link);
}
