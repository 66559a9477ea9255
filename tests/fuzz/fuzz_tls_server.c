/* SPDX-License-Identifier: ISC */
/* A client's bytes into a TLS server session, to its end. */
#include <event2/event.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tls_pair.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bench bench;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	bench_init(&bench);
	fake_certd_add(&bench.certd, "a", fake_key(KEY_KIND_P256), "DNS:a.example,DNS:*.example");
	fake_certd_add(&bench.certd, "b", fake_key(KEY_KIND_RSA), "DNS:b.example");
	bench_start(&bench);
	return 0;
}

static void
on_wake(void *arg)
{
	*(bool *)arg = true;
}

static void
serve(struct tls *tls, const bool *woken)
{
	enum tls_result result;
	char buffer[512];
	size_t done;

	result = tls_handshake(tls);
	for (int i = 0; result == TLS_WANT_KEY && i < 100; i++) {
		event_base_loop(bench.base, EVLOOP_NONBLOCK);
		if (*woken)
			result = tls_handshake(tls);
	}
	if (result == TLS_WANT_KEY)
		abort();
	while (result == TLS_OK)
		result = tls_read(tls, buffer, sizeof(buffer), &done);
	if (result == TLS_FAILED && *tls_error(tls) == '\0')
		abort();
	tls_close(tls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	struct tls *tls;
	const struct mg_choice choice = choice_of("a");
	bool woken = false;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) == -1)
		abort();
	tls = tls_new(bench.context, sv[0], &choice, "pop3", on_wake, &woken, &err);
	if (tls == NULL)
		abort();
	if (send(sv[1], data, size, MSG_NOSIGNAL) == (ssize_t)size)
		serve(tls, &woken);
	tls_free(tls);
	close(sv[0]);
	close(sv[1]);
	/* What was asked for an ended connection is still answered. */
	event_base_loop(bench.base, EVLOOP_NONBLOCK);
	ERR_clear_error();
	return 0;
}
