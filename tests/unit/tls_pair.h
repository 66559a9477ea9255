/* SPDX-License-Identifier: ISC */
/* tls_pair - an OpenSSL client and a struct tls as its server, on a socketpair, in one loop. */
#ifndef POSTERN_TESTS_UNIT_TLS_PAIR_H
#define POSTERN_TESTS_UNIT_TLS_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tests/unit/fake_certd.h"
#include "worker/gate/tls.h"

/* What a test begins with: a context that has its certificates from a fake certd. */
struct bench {
	struct event_base *base;
	struct fake_certd certd;
	struct tls_context *context;
	unsigned ready; /* times that the context said so */
};

/* The certificates are added to bench->certd between the two. */
void bench_init(struct bench *);
void bench_start(struct bench *);
void bench_reconnect(struct bench *); /* a new channel, taken up when it returns */
void bench_turn(struct bench *);      /* some turns of the loop */
void bench_free(struct bench *);

struct pair {
	struct bench *bench;
	struct mg_choice choice;
	struct tls *server;
	SSL_CTX *client_ctx;
	SSL *client;
	int server_fd, client_fd;
	bool auto_wake; /* the default */
	unsigned woken;
	enum tls_result result; /* of the server's handshake */
	int client_result;      /* of SSL_do_handshake() */
	unsigned long client_error;
	int client_alert; /* received, or -1 */
};

/* pair_open() starts the server; the client can be set up before pair_run(). */
void pair_open(struct pair *, struct bench *, const char *certificate, const char *alpn);
void pair_open_choice(struct pair *, struct bench *, struct mg_choice, const char *alpn);
/* A listener that names this one. */
struct mg_choice choice_of(const char *certificate);
/* Both sides go on until nothing moves any more. */
void pair_run(struct pair *);
/* All the server has received in SIZE bytes of room is copied back; true if it came whole. */
bool pair_echo(struct pair *);
void pair_free(struct pair *);

#endif
