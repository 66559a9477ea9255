/* SPDX-License-Identifier: ISC */
#include "tests/bench/tls_client.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	struct event_base *base;
	struct sockaddr_in address;
	SSL_CTX *ctx;
	unsigned long left, open;
	bool keep;
};

struct visit {
	struct client *client;
	struct event *event;
	SSL *ssl;
	int fd;
	bool done;
};

static void visit_begin(struct client *);

static void
visit_end(struct visit *visit)
{
	/* A reset leaves no socket in TIME_WAIT. */
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	struct client *client = visit->client;

	client->open--;
	event_free(visit->event);
	if (!client->keep) {
		setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		SSL_free(visit->ssl);
		close(visit->fd);
	}
	free(visit);
	if (client->left > 0)
		visit_begin(client);
	else if (client->open == 0)
		event_base_loopbreak(client->base);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct visit *visit = arg;
	char byte;
	int result, error;

	(void)what;
	if (!visit->done) {
		result = SSL_do_handshake(visit->ssl);
		if (result != 1) {
			error = SSL_get_error(visit->ssl, result);
			/* Not connected yet: the kernel may leave that to a thread of its own. */
			if (error == SSL_ERROR_WANT_WRITE)
				event_base_once(visit->client->base, fd, EV_WRITE, on_event, visit,
						NULL);
			if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
				return;
			ERR_print_errors_fp(stderr);
			errx(1, "a client's handshake failed");
		}
		visit->done = true;
		if (visit->client->keep) {
			visit_end(visit);
			return;
		}
	}
	result = SSL_read(visit->ssl, &byte, 1);
	if (SSL_get_error(visit->ssl, result) != SSL_ERROR_WANT_READ)
		visit_end(visit);
	ERR_clear_error();
}

static void
visit_begin(struct client *client)
{
	struct visit *visit = calloc(1, sizeof(*visit));
	int one = 1;

	client->left--;
	client->open++;
	if (visit == NULL ||
	    (visit->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		err(1, "connecting");
	if (connect(visit->fd, (const struct sockaddr *)&client->address,
		    sizeof(client->address)) == -1 &&
	    errno != EINPROGRESS)
		err(1, "connecting");
	setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	visit->client = client;
	visit->ssl = SSL_new(client->ctx);
	SSL_set_fd(visit->ssl, visit->fd);
	SSL_set_connect_state(visit->ssl);
	visit->event = event_new(client->base, visit->fd, EV_READ | EV_PERSIST, on_event, visit);
	event_add(visit->event, NULL);
	/* The first turn, as soon as it is connected: to the loopback that is at once. */
	event_active(visit->event, EV_READ, 0);
}

void
tls_client_run(uint16_t port, int version, unsigned long count, unsigned at_once, bool keep)
{
	struct client client = {.left = count, .keep = keep};

	client.address.sin_family = AF_INET;
	client.address.sin_port = htons(port);
	client.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client.base = event_base_new();
	client.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(client.ctx, version);
	SSL_CTX_set_max_proto_version(client.ctx, version);
	SSL_CTX_set1_groups_list(client.ctx, "X25519:P-256");
	SSL_CTX_set_options(client.ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(client.ctx, SSL_MODE_RELEASE_BUFFERS);
	for (unsigned i = 0; i < at_once && client.left > 0; i++)
		visit_begin(&client);
	event_base_dispatch(client.base);
	SSL_CTX_free(client.ctx);
	event_base_free(client.base);
}
