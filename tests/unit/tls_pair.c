/* SPDX-License-Identifier: ISC */
#include "tests/unit/tls_pair.h"

#include <assert.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 12       /* of the loop until a message has come and been answered */
#define QUIET_ROUNDS 4 /* without progress: nothing moves any more */

void
bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->base = event_base_new();
	fake_certd_init(&bench->certd, bench->base);
}

void
bench_turn(struct bench *bench)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(bench->base, EVLOOP_NONBLOCK);
}

static void
on_ready(void *arg)
{
	((struct bench *)arg)->ready++;
}

void
bench_reconnect(struct bench *bench)
{
	int fd = fake_certd_connect(&bench->certd);

	if (tls_context_set_channel(bench->context, fd, "certd", on_ready, bench) != 0)
		abort();
	bench_turn(bench);
}

void
bench_start(struct bench *bench)
{
	static const struct mg_settings settings = {.hostname = "two.example",
						    .handshake_timeout = 30};
	struct error err;

	bench->context = tls_context_new(bench->base, &settings, &err);
	if (bench->context == NULL)
		abort();
	bench_reconnect(bench);
}

void
bench_free(struct bench *bench)
{
	tls_context_free(bench->context);
	fake_certd_free(&bench->certd);
	event_base_free(bench->base);
}

static void
on_wake(void *arg)
{
	struct pair *pair = arg;

	pair->woken++;
	if (pair->auto_wake)
		pair->result = tls_handshake(pair->server);
}

static void
on_info(const SSL *ssl, int where, int value)
{
	struct pair *pair = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		pair->client_alert = value & 0xff;
}

struct mg_choice
choice_of(const char *certificate)
{
	struct mg_choice choice = {.count = 1};

	strlcpy(choice.names[0], certificate, sizeof(choice.names[0]));
	return choice;
}

void
pair_open(struct pair *pair, struct bench *bench, const char *certificate, const char *alpn)
{
	pair_open_choice(pair, bench, choice_of(certificate), alpn);
}

void
pair_open_choice(struct pair *pair, struct bench *bench, struct mg_choice choice, const char *alpn)
{
	struct error err;
	int sv[2];

	memset(pair, 0, sizeof(*pair));
	pair->bench = bench;
	pair->auto_wake = true;
	pair->client_alert = -1;
	pair->result = TLS_WANT_READ;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) == -1)
		abort();
	pair->choice = choice;
	pair->server_fd = sv[0];
	pair->client_fd = sv[1];
	pair->server =
	    tls_new(bench->context, pair->server_fd, &pair->choice, alpn, on_wake, pair, &err);
	assert(pair->server != NULL);
	pair->client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(pair->client_ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_options(pair->client_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	pair->client = SSL_new(pair->client_ctx);
	SSL_set_fd(pair->client, pair->client_fd);
	SSL_set_app_data(pair->client, pair);
	SSL_set_info_callback(pair->client, on_info);
	SSL_set_connect_state(pair->client);
}

static bool
moves(enum tls_result result)
{
	return result == TLS_WANT_READ || result == TLS_WANT_WRITE || result == TLS_WANT_KEY;
}

void
pair_run(struct pair *pair)
{
	char byte;

	for (int quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
		int client_before = pair->client_result;
		enum tls_result before = pair->result;

		ERR_clear_error();
		if (pair->client_result != 1 && pair->client_error == 0) {
			pair->client_result = SSL_do_handshake(pair->client);
			if (SSL_get_error(pair->client, pair->client_result) == SSL_ERROR_SSL)
				pair->client_error = ERR_peek_error();
		} else if (pair->client_result == 1) {
			/* Tickets and alerts come after the client's handshake. */
			(void)SSL_peek(pair->client, &byte, 1);
		}
		ERR_clear_error();
		if (moves(pair->result))
			pair->result = tls_handshake(pair->server);
		bench_turn(pair->bench);
		if (pair->client_result != client_before || pair->result != before)
			quiet = 0;
	}
}

bool
pair_echo(struct pair *pair)
{
	static char sent[40000], got[sizeof(sent)], back[sizeof(sent)];
	size_t written = 0, received = 0, echoed = 0, returned = 0, done;
	int n;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	SSL_set_mode(pair->client,
		     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	for (int round = 0; round < 1000 && returned < sizeof(sent); round++) {
		ERR_clear_error();
		if (written < sizeof(sent) && (n = SSL_write(pair->client, sent + written,
							     (int)(sizeof(sent) - written))) > 0)
			written += (size_t)n;
		if (tls_read(pair->server, got + received, sizeof(got) - received, &done) == TLS_OK)
			received += done;
		if (echoed < received &&
		    tls_write(pair->server, got + echoed, received - echoed, &done) == TLS_OK)
			echoed += done;
		ERR_clear_error();
		if ((n = SSL_read(pair->client, back + returned, (int)(sizeof(back) - returned))) >
		    0)
			returned += (size_t)n;
	}
	ERR_clear_error();
	return returned == sizeof(sent) && memcmp(sent, back, sizeof(sent)) == 0;
}

void
pair_free(struct pair *pair)
{
	tls_free(pair->server);
	SSL_free(pair->client);
	SSL_CTX_free(pair->client_ctx);
	close(pair->server_fd);
	close(pair->client_fd);
}
