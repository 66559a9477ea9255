/* SPDX-License-Identifier: ISC */
#include "worker/relay/outgoing.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/relay/client_certificates.h"
#include "worker/relay/tls_client.h"
#include "worker/tls/key.h"

#define READ_SIZE 16384
#define CONNECT_SECONDS 30

enum state { CONNECTING, PLAIN, HANDSHAKE, SECURE, BROKEN };

struct outgoing {
	enum state state;
	struct dial *dial; /* CONNECTING */
	int fd;            /* -1: not yet */
	size_t which;      /* of the plan's addresses */
	SSL_CTX *ctx;
	SSL *ssl;   /* NULL before TLS */
	bool signs; /* with a key that is in certd, if the server asks */
	struct tls_signing signing;
	struct event *event;
	struct event *timer;
	struct evbuffer *out;
	const struct outgoing_calls *calls;
	void *arg;
	bool wants_write; /* TLS does, to go on */
	unsigned busy;    /* in a call: it is freed afterwards */
	bool dead;
	bool ended; /* by the other side */
};

static void on_event(evutil_socket_t, short, void *);

static void
destroy(struct outgoing *stream)
{
	dial_drop(stream->dial);
	if (stream->event != NULL)
		event_free(stream->event);
	if (stream->timer != NULL)
		event_free(stream->timer);
	if (stream->out != NULL)
		evbuffer_free(stream->out);
	if (stream->signs)
		tls_signing_end(&stream->signing, stream->ssl);
	SSL_free(stream->ssl);
	if (stream->fd != -1)
		close(stream->fd);
	free(stream);
}

void
outgoing_free(struct outgoing *stream)
{
	if (stream == NULL)
		return;
	stream->dead = true;
	if (stream->busy == 0)
		destroy(stream);
}

static void
enter(struct outgoing *stream)
{
	stream->busy++;
}

static void
leave(struct outgoing *stream)
{
	if (--stream->busy == 0 && stream->dead)
		destroy(stream);
}

static bool
waits_for_certd(const struct outgoing *stream)
{
	return stream->signs && tls_signing_waits(&stream->signing);
}

/* What is waited for now. */
static void
update(struct outgoing *stream)
{
	short what = EV_READ;

	if (stream->dead || stream->state == BROKEN || stream->state == CONNECTING ||
	    waits_for_certd(stream)) {
		(void)event_del(stream->event);
		return;
	}
	if (stream->wants_write ||
	    (stream->state != HANDSHAKE && evbuffer_get_length(stream->out) > 0))
		what |= EV_WRITE;
	(void)event_del(stream->event);
	if (event_assign(stream->event, event_get_base(stream->event), stream->fd,
			 (short)(what | EV_PERSIST), on_event, stream) == 0)
		(void)event_add(stream->event, NULL);
}

static void
lose(struct outgoing *stream, const char *why)
{
	if (stream->dead || stream->state == BROKEN)
		return;
	stream->state = BROKEN;
	dial_drop(stream->dial);
	stream->dial = NULL;
	(void)evtimer_del(stream->timer);
	stream->calls->lost(stream->arg, why);
}

static void
lose_to_peer(struct outgoing *stream)
{
	stream->ended = true;
	lose(stream, "the connection was closed");
}

bool
outgoing_was_ended(const struct outgoing *stream)
{
	return stream->ended;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct outgoing *stream = arg;

	(void)fd;
	(void)what;
	enter(stream);
	lose(stream, stream->state == CONNECTING ? "no connection in time" : "no answer in time");
	leave(stream);
}

/* -- TLS --------------------------------------------------------------------------------- */

/* What an SSL call that failed means: true if it is to be called again. */
static bool
is_patience(struct outgoing *stream, int result)
{
	int error = SSL_get_error(stream->ssl, result);

	stream->wants_write = error == SSL_ERROR_WANT_WRITE;
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_ASYNC_JOB)
		tls_signing_starve(&stream->signing);
	return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ||
	       waits_for_certd(stream);
}

static void
lose_handshake(struct outgoing *stream)
{
	const char *complaint = tls_client_complaint(stream->ssl);
	char why[160];

	if (complaint == NULL) {
		lose(stream, "the TLS handshake failed");
		return;
	}
	(void)snprintf(why, sizeof(why),
		       "the server's certificate is not the one it should have: %.90s", complaint);
	lose(stream, why);
}

static void
shake_hands(struct outgoing *stream)
{
	int result;

	if (waits_for_certd(stream))
		return;
	ERR_clear_error();
	result = stream->signs ? tls_signing_run(&stream->signing, stream->ssl)
			       : SSL_do_handshake(stream->ssl);
	if (stream->signs && SSL_get_error(stream->ssl, result) != SSL_ERROR_WANT_ASYNC)
		tls_signing_feed(&stream->signing);
	if (result == 1) {
		stream->state = SECURE;
		/* Nothing needs a key from here on. */
		(void)SSL_clear_mode(stream->ssl, SSL_MODE_ASYNC);
		stream->wants_write = false;
		stream->calls->secured(stream->arg);
	} else if (!is_patience(stream, result)) {
		lose_handshake(stream);
	}
}

/* Certd has answered, or a fibre is free. */
static void
on_wake(void *arg)
{
	struct outgoing *stream = arg;

	on_event(stream->fd, 0, stream);
}

int
outgoing_start_tls(struct outgoing *stream, const struct security *security,
		   struct client_certificates *certificates, const char *certificate)
{
	stream->ssl = tls_client_connect(stream->ctx, security);
	if (stream->ssl == NULL || SSL_set_fd(stream->ssl, stream->fd) != 1)
		return -1;
	SSL_set_connect_state(stream->ssl);
	if (certificate[0] != '\0') {
		if (client_certificates_use(certificates, certificate, stream->ssl) == -1)
			return -1;
		(void)SSL_set_mode(stream->ssl, SSL_MODE_ASYNC);
		tls_signing_start(&stream->signing, client_certificates_keys(certificates), on_wake,
				  stream);
		stream->signs = true;
	}
	stream->state = HANDSHAKE;
	/* From the loop: its caller is in a call of ours. */
	stream->wants_write = true;
	update(stream);
	return 0;
}

const char *
outgoing_tls(const struct outgoing *stream)
{
	return stream->state == SECURE ? SSL_get_version(stream->ssl) : "";
}

bool
outgoing_verified(const struct outgoing *stream)
{
	return stream->state == SECURE && SSL_get_verify_mode(stream->ssl) != SSL_VERIFY_NONE;
}

bool
outgoing_ended_cleanly(const struct outgoing *stream)
{
	return stream->ssl != NULL && (SSL_get_shutdown(stream->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* -- Octets -------------------------------------------------------------------------------- */

/* >0; 0: not now; -1: the end. */
static ssize_t
read_some(struct outgoing *stream, char *data, size_t size)
{
	ssize_t n;
	int result;

	if (stream->ssl == NULL) {
		n = recv(stream->fd, data, size, 0);
		if (n > 0)
			return n;
		return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
	ERR_clear_error();
	result = SSL_read(stream->ssl, data, (int)size);
	if (result > 0)
		return result;
	return is_patience(stream, result) ? 0 : -1;
}

static ssize_t
write_some(struct outgoing *stream, const void *data, size_t length)
{
	ssize_t n;
	int result;

	if (stream->ssl == NULL) {
		n = send(stream->fd, data, length, MSG_NOSIGNAL);
		if (n >= 0)
			return n;
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	}
	ERR_clear_error();
	result = SSL_write(stream->ssl, data, (int)length);
	if (result > 0)
		return result;
	return is_patience(stream, result) ? 0 : -1;
}

static void
receive(struct outgoing *stream)
{
	char data[READ_SIZE];
	SSL *ssl = stream->ssl;
	ssize_t n;

	do {
		n = read_some(stream, data, sizeof(data));
		if (n == -1)
			lose_to_peer(stream);
		else if (n > 0)
			stream->calls->received(stream->arg, data, (size_t)n);
		/* What TLS has taken from the socket already no event tells of. */
	} while (n > 0 && !stream->dead && stream->state == SECURE && stream->ssl == ssl &&
		 SSL_pending(stream->ssl) > 0);
}

static void
send_out(struct outgoing *stream)
{
	bool any = false;

	while (!stream->dead && (stream->state == PLAIN || stream->state == SECURE) &&
	       evbuffer_get_length(stream->out) > 0) {
		size_t length = evbuffer_get_contiguous_space(stream->out);
		const void *data = evbuffer_pullup(stream->out, (ssize_t)length);
		ssize_t n = write_some(stream, data, length);

		if (n == -1)
			lose_to_peer(stream);
		if (n <= 0)
			break;
		evbuffer_drain(stream->out, (size_t)n);
		any = true;
	}
	if (any && !stream->dead && stream->state != BROKEN)
		stream->calls->sent(stream->arg);
}

static void
on_dialled(int fd, size_t which, const char *why, void *arg)
{
	struct outgoing *stream = arg;

	enter(stream);
	stream->dial = NULL;
	stream->fd = fd;
	stream->which = which;
	if (fd == -1) {
		lose(stream, why);
	} else if (event_assign(stream->event, event_get_base(stream->event), fd, EV_READ, on_event,
				stream) == -1) {
		lose(stream, "no memory");
	} else {
		stream->state = PLAIN;
		stream->calls->connected(stream->arg);
		update(stream);
	}
	leave(stream);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct outgoing *stream = arg;

	(void)fd;
	enter(stream);
	if (stream->state == HANDSHAKE)
		shake_hands(stream);
	else if ((what & EV_READ) != 0)
		receive(stream);
	if (!stream->dead)
		send_out(stream);
	update(stream);
	leave(stream);
}

struct evbuffer *
outgoing_out(struct outgoing *stream)
{
	return stream->out;
}

void
outgoing_flush(struct outgoing *stream)
{
	enter(stream);
	send_out(stream);
	update(stream);
	leave(stream);
}

void
outgoing_wait(struct outgoing *stream, unsigned seconds)
{
	struct timeval tv = {.tv_sec = (time_t)seconds};

	(void)evtimer_add(stream->timer, &tv);
}

/* -- Connecting -------------------------------------------------------------------------------- */

struct outgoing *
outgoing_connect(struct event_base *base, SSL_CTX *ctx, const struct dial_plan *plan,
		 const struct outgoing_calls *calls, void *arg)
{
	struct outgoing *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->ctx = ctx;
	stream->calls = calls;
	stream->arg = arg;
	stream->fd = -1;
	stream->event = event_new(base, -1, 0, on_event, stream);
	stream->timer = evtimer_new(base, on_timer, stream);
	stream->out = evbuffer_new();
	if (stream->event != NULL && stream->timer != NULL && stream->out != NULL)
		stream->dial = dial_start(base, plan, on_dialled, stream);
	if (stream->dial == NULL) {
		destroy(stream);
		return NULL;
	}
	outgoing_wait(stream, CONNECT_SECONDS);
	return stream;
}

size_t
outgoing_which(const struct outgoing *stream)
{
	return stream->which;
}
