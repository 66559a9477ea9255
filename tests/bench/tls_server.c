/* SPDX-License-Identifier: ISC */
#include "tests/bench/tls_server.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	struct tls_server *server;
	struct tls *tls;
	struct event *event;
	int fd;
};

int
tls_server_listen(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 1024) == -1 || getsockname(fd, (struct sockaddr *)&address, &length) == -1)
		err(1, "listening");
	*port = ntohs(address.sin_port);
	return fd;
}

static void
connection_end(struct connection *connection)
{
	tls_free(connection->tls);
	event_free(connection->event);
	close(connection->fd);
	free(connection);
}

static void
handshake(struct connection *connection)
{
	struct tls_server *server = connection->server;

	switch (tls_handshake(connection->tls)) {
	case TLS_OK:
		server->done++;
		if (server->done >= server->enough)
			event_base_loopbreak(server->base);
		if (server->keep) {
			char byte;
			size_t done;

			/* As a gate does next; it also gives the buffers back. */
			(void)tls_read(connection->tls, &byte, 1, &done);
			event_del(connection->event);
			return;
		}
		tls_close(connection->tls);
		connection_end(connection);
		return;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
	case TLS_WANT_KEY:
		return;
	default:
		if (server->failed++ == 0)
			warnx("a handshake failed: %s", tls_error(connection->tls));
		connection_end(connection);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	handshake(arg);
}

static void
on_wake(void *arg)
{
	handshake(arg);
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct tls_server *server = arg;
	int fd, one = 1;

	(void)what;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		struct connection *connection = calloc(1, sizeof(*connection));
		struct error error = {""};

		if (connection == NULL)
			err(1, "accepting");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		connection->server = server;
		connection->fd = fd;
		connection->tls = tls_new(server->context, fd, &server->choice, NULL, on_wake,
					  connection, &error);
		if (connection->tls == NULL)
			errx(1, "%s", error.text);
		connection->event =
		    event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, connection);
		event_add(connection->event, NULL);
	}
	if (errno != EAGAIN)
		err(1, "accepting");
}

static void
on_ready(void *arg)
{
	event_base_loopbreak(((struct tls_server *)arg)->base);
}

void
tls_server_start(struct tls_server *server, int listener, int channel)
{
	static const struct mg_settings settings = {.handshake_timeout = 60};
	struct error error = {""};
	struct event *accept;

	server->base = event_base_new();
	server->listener = listener;
	server->context = tls_context_new(server->base, &settings, &error);
	if (server->context == NULL)
		errx(1, "%s", error.text);
	if (tls_context_set_channel(server->context, channel, "certd", on_ready, server) != 0)
		err(1, "the channel to certd");
	event_base_dispatch(server->base);
	accept = event_new(server->base, listener, EV_READ | EV_PERSIST, on_accept, server);
	event_add(accept, NULL);
}

void
tls_server_use_local_key(struct tls_server *server, EVP_PKEY *key)
{
	struct certificate_set set = {.count = 0};
	bool known;
	SSL_CTX *ctx = NULL;
	struct error error = {""};
	unsigned char *der = NULL;
	const unsigned char *at;
	int length = i2d_PrivateKey(key, &der);
	EVP_PKEY *local;

	at = der;
	local = d2i_AutoPrivateKey_ex(NULL, &at, length, server->context->libctx,
				      PROVIDER_PREFER_DEFAULT);
	if (choose(server->context, &server->choice, NULL, &set, &known))
		ctx = choice_ctx(server->context, &set, &error);
	if (ctx == NULL || local == NULL || SSL_CTX_use_PrivateKey(ctx, local) != 1)
		errx(1, "OpenSSL doesn't take the key");
	SSL_CTX_clear_mode(server->context->bare, SSL_MODE_ASYNC);
	EVP_PKEY_free(local);
	OPENSSL_free(der);
}

void
tls_server_run(struct tls_server *server, unsigned long enough)
{
	server->enough = enough;
	event_base_dispatch(server->base);
}
