/* SPDX-License-Identifier: ISC */
/* Bytes to and from the client, over TLS or not; never more than the socket takes. */
#include <errno.h>
#include <event2/buffer.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/gate/conn_private.h"

static void
want(struct conn *c, enum tls_result result)
{
	if (result == TLS_WANT_READ)
		c->wanted |= EV_READ;
	else if (result == TLS_WANT_WRITE)
		c->wanted |= EV_WRITE;
}

static enum tls_result
plain_result(ssize_t n, enum tls_result wait, size_t *done)
{
	if (n > 0) {
		*done = (size_t)n;
		return TLS_OK;
	}
	if (n == 0)
		return TLS_EOF;
	return errno == EAGAIN || errno == EINTR ? wait : TLS_FAILED;
}

enum tls_result
conn_read(struct conn *c, void *buffer, size_t size, size_t *done)
{
	enum tls_result result;

	if (c->tls != NULL)
		result = tls_read(c->tls, buffer, size, done);
	else
		result = plain_result(recv(c->fd, buffer, size, 0), TLS_WANT_READ, done);
	if (result == TLS_OK)
		c->bytes_in += *done;
	want(c, result);
	return result;
}

static enum tls_result
write_some(struct conn *c, const void *bytes, size_t length, size_t *done)
{
	enum tls_result result;

	if (c->tls != NULL)
		result = tls_write(c->tls, bytes, length, done);
	else
		result =
		    plain_result(send(c->fd, bytes, length, MSG_NOSIGNAL), TLS_WANT_WRITE, done);
	if (result == TLS_OK)
		c->bytes_out += *done;
	want(c, result);
	return result;
}

size_t
conn_backlog(const struct conn *c)
{
	return c->output == NULL ? 0 : evbuffer_get_length(c->output);
}

void
conn_output(struct conn *c, const void *bytes, size_t length)
{
	if (c->output == NULL)
		c->output = evbuffer_new();
	if (c->output == NULL || evbuffer_add(c->output, bytes, length) == -1)
		conn_abort(c, "out of memory");
}

/* A refused write is tried again with the same bytes, and maybe more behind them: as OpenSSL wants
 * it (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), and as the first piece of an evbuffer has it. */
enum tls_result
conn_flush(struct conn *c)
{
	struct evbuffer_iovec piece;
	enum tls_result result;
	size_t done;

	while (conn_backlog(c) > 0) {
		if (evbuffer_peek(c->output, -1, NULL, &piece, 1) < 1)
			return TLS_FAILED;
		result = write_some(c, piece.iov_base, piece.iov_len, &done);
		if (result != TLS_OK)
			return result;
		evbuffer_drain(c->output, done);
	}
	if (c->output != NULL)
		evbuffer_free(c->output);
	c->output = NULL;
	return TLS_OK;
}

enum tls_result
conn_send(struct conn *c, const void *bytes, size_t length)
{
	enum tls_result result = conn_flush(c);
	const char *next = bytes;
	size_t done;

	while (result == TLS_OK && length > 0) {
		result = write_some(c, next, length, &done);
		if (result == TLS_OK) {
			next += done;
			length -= done;
		}
	}
	if (length > 0 && (result == TLS_WANT_READ || result == TLS_WANT_WRITE))
		conn_output(c, next, length);
	return result;
}

void
conn_watch(struct conn *c)
{
	if (c->wanted == c->watched)
		return;
	if (c->watched != 0)
		event_del(&c->event);
	c->watched = c->wanted;
	if (c->wanted == 0)
		return;
	event_assign(&c->event, c->gate->base, c->fd, (short)(c->wanted | EV_PERSIST),
		     event_get_callback(&c->event), c);
	if (event_add(&c->event, NULL) == -1) {
		c->watched = 0;
		conn_abort(c, "out of memory");
	}
}

const char *
conn_failure(const struct conn *c)
{
	if (c->tls != NULL)
		return tls_error(c->tls);
	return errno == ECONNRESET || errno == EPIPE ? "reset by client" : strerror(errno);
}
