/* SPDX-License-Identifier: ISC */
/* Toys in place of TLS and SMTP, for the tests of the gate (gate_house.h). */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/gate_house.h"
#include "worker/gate/conn.h"
#include "worker/gate/tls.h"

struct tls_context {
	struct event_base *base;
};

struct tls {
	int fd;
	bool woken;
	bool asked;
	struct event *later; /* when "certd" answers */
	void (*wake)(void *);
	void *arg;
	size_t seen;
};

struct tls_context *
tls_context_new(struct event_base *base, const struct mg_settings *settings, struct error *err)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	(void)settings;
	(void)err;
	context->base = base;
	return context;
}

void
tls_context_free(struct tls_context *context)
{
	free(context);
}

int
tls_context_set_channel(struct tls_context *context, int fd, const char *peer,
			void (*ready)(void *), void *arg)
{
	(void)context;
	(void)peer;
	close(fd);
	ready(arg);
	return 0;
}

int
tls_context_set_question(struct tls_context *context, uint32_t trust, const char *names,
			 size_t length)
{
	(void)context;
	(void)trust;
	(void)names;
	(void)length;
	return 0;
}

bool
tls_context_has_question(const struct tls_context *context, uint32_t trust)
{
	(void)context;
	(void)trust;
	return true;
}

int
tls_ask_client(struct tls *tls, uint32_t trust, bool require, struct error *err)
{
	(void)tls;
	(void)trust;
	(void)require;
	(void)err;
	return 0;
}

const uint8_t *
tls_proof(const struct tls *tls, size_t *length)
{
	(void)tls;
	(void)length;
	return NULL;
}

bool
tls_bindings(const struct tls *tls, struct ga_binding binding[BINDING_TYPES])
{
	(void)tls;
	memset(binding, 0, BINDING_TYPES * sizeof(binding[0]));
	return false;
}

void
tls_record_free(struct tls *tls)
{
	(void)tls;
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct tls *tls = arg;

	(void)fd;
	(void)what;
	tls->woken = true;
	tls->wake(tls->arg);
}

struct tls *
tls_new(struct tls_context *context, int fd, const struct mg_choice *choice, const char *alpn,
	void (*wake)(void *), void *arg, struct error *err)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	(void)choice;
	(void)alpn;
	(void)err;
	tls->fd = fd;
	tls->wake = wake;
	tls->arg = arg;
	tls->later = evtimer_new(context->base, on_later, tls);
	return tls;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	event_free(tls->later);
	free(tls);
}

enum tls_result
tls_handshake(struct tls *tls)
{
	static const struct timeval soon = {.tv_usec = 1000};

	while (tls->seen < TOY_HELLO_LENGTH) {
		char c;
		ssize_t n = recv(tls->fd, &c, 1, 0);

		if (n == -1 && errno == EAGAIN)
			return TLS_WANT_READ;
		if (n == 0)
			return TLS_EOF;
		if (n != 1 || c != TOY_HELLO[tls->seen])
			return TLS_FAILED;
		tls->seen++;
	}
	if (!tls->woken) {
		if (!tls->asked)
			evtimer_add(tls->later, &soon);
		tls->asked = true;
		return TLS_WANT_KEY;
	}
	return send(tls->fd, TOY_HELLO, TOY_HELLO_LENGTH, MSG_NOSIGNAL) == TOY_HELLO_LENGTH
		   ? TLS_OK
		   : TLS_FAILED;
}

static enum tls_result
result_of(ssize_t n, enum tls_result wait, size_t *done)
{
	if (n > 0) {
		*done = (size_t)n;
		return TLS_OK;
	}
	if (n == 0)
		return TLS_EOF;
	return errno == EAGAIN ? wait : TLS_FAILED;
}

static void
turn_over(uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] ^= TOY_KEY;
}

enum tls_result
tls_read(struct tls *tls, void *buffer, size_t size, size_t *done)
{
	enum tls_result result = result_of(recv(tls->fd, buffer, size, 0), TLS_WANT_READ, done);

	if (result == TLS_OK)
		turn_over(buffer, *done);
	return result;
}

enum tls_result
tls_write(struct tls *tls, const void *buffer, size_t length, size_t *done)
{
	uint8_t *copy = malloc(length);
	enum tls_result result;

	memcpy(copy, buffer, length);
	turn_over(copy, length);
	result = result_of(send(tls->fd, copy, length, MSG_NOSIGNAL), TLS_WANT_WRITE, done);
	free(copy);
	return result;
}

void
tls_close(struct tls *tls)
{
	(void)tls;
}

int
tls_pending(const struct tls *tls)
{
	(void)tls;
	return 0;
}

const char *
tls_error(const struct tls *tls)
{
	(void)tls;
	return "the toy broke";
}

const char *
tls_version(const struct tls *tls)
{
	(void)tls;
	return "Toy";
}

const char *
tls_cipher(const struct tls *tls)
{
	(void)tls;
	return "XOR";
}

int
tls_resumed(const struct tls *tls)
{
	(void)tls;
	return 0;
}

const char *
tls_server_name(const struct tls *tls)
{
	(void)tls;
	return NULL;
}

/* -- A protocol that echoes lines, and takes TOY_ERROR for one
 * ------------------------------------------------ */

static void
echo_open(struct conn *c)
{
	conn_printf(c, "echo\r\n");
}

static size_t
echo_input(struct conn *c, const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);
	size_t n;

	if (end == NULL)
		return 0;
	n = (size_t)(end - bytes) + 1;
	conn_write(c, bytes, n);
	if (n == strlen(TOY_ERROR) && memcmp(bytes, TOY_ERROR, n) == 0)
		conn_note_error(c);
	return n;
}

static void
echo_closed(struct conn *c)
{
	(void)c;
}

#define ECHO                                                                                 \
	{                                                                                    \
		.name = "echo", .state_size = 1, .input_max = 1024, .open = echo_open,       \
		.input = echo_input, .closed = echo_closed, .idle_farewell = "421 idle\r\n", \
		.drain_farewell = "421 drained\r\n", .full_farewell = "421 full\r\n",        \
		.stop_farewell = "421 stopped\r\n", .early_farewell = "554 early\r\n",       \
		.denied_farewell = "550 denied\r\n", .tls_farewell = "500 tls\r\n"           \
	}

const struct protocol smtp_protocol = ECHO;
const struct protocol submission_protocol = ECHO;
