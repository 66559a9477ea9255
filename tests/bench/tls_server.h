/* SPDX-License-Identifier: ISC */
/* tls_server - for the benchmarks: the gate's TLS on a listening socket, and nothing behind it. */
#ifndef POSTERN_TESTS_BENCH_TLS_SERVER_H
#define POSTERN_TESTS_BENCH_TLS_SERVER_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "worker/gate/tls_internal.h"

struct tls_server {
	struct event_base *base;
	struct tls_context *context;
	int listener;
	struct mg_choice choice;
	bool keep;          /* connections, after their handshake */
	unsigned long done; /* handshakes */
	unsigned long failed;
	unsigned long enough; /* handshakes after which tls_server_run() returns */
};

/* A listening socket on the loopback; *PORT in host byte order. */
int tls_server_listen(uint16_t *port);

/*
 * Makes the context; its certificates come over CHANNEL (taken). Returns when they are there. All
 * of these end the program when something fails.
 */
void tls_server_start(struct tls_server *, int listener, int channel);

/*
 * For comparison only: signs with KEY in this process, by OpenSSL's own provider and without
 * fibres, as a server that keeps its keys itself.
 */
void tls_server_use_local_key(struct tls_server *, EVP_PKEY *key);

void tls_server_run(struct tls_server *, unsigned long enough);

#endif
