/* SPDX-License-Identifier: ISC */
/* outgoing - a TCP connection to another host, with TLS from some point on. */
#ifndef POSTERN_WORKER_RELAY_OUTGOING_H
#define POSTERN_WORKER_RELAY_OUTGOING_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/relay/dial.h"

struct client_certificates;
struct evbuffer;
struct event_base;
struct outgoing;
struct security;

/* What its user is told; from the loop, and from outgoing_flush(). He may free it in any of them.
 */
struct outgoing_calls {
	void (*connected)(void *arg);
	void (*secured)(void *arg);
	void (*received)(void *arg, const char *data, size_t length);
	void (*sent)(void *arg); /* something was; what is left is in outgoing_out() */
	void (*lost)(void *arg, const char *why);
};

/* Begins to connect. NULL without memory. */
struct outgoing *outgoing_connect(struct event_base *, SSL_CTX *, const struct dial_plan *,
				  const struct outgoing_calls *, void *arg);
/* When it is connected: to which address of the plan. */
size_t outgoing_which(const struct outgoing *);
void outgoing_free(struct outgoing *);

/* When it is lost: whether the other side has ended it (or the network), not our patience. */
bool outgoing_was_ended(const struct outgoing *);
/* Whether the other side has said that it is done (close_notify), and nobody has cut it off. */
bool outgoing_ended_cleanly(const struct outgoing *);

/* What is added here is sent by outgoing_flush(). */
struct evbuffer *outgoing_out(struct outgoing *);
void outgoing_flush(struct outgoing *);

/*
 * The handshake, as SECURITY says, in which the server is shown a certificate if it asks for one
 * and CERTIFICATE is not ""; then secured(). -1 without memory, or that certificate.
 */
int outgoing_start_tls(struct outgoing *, const struct security *, struct client_certificates *,
		       const char *certificate);
/* "TLSv1.3", or "". */
const char *outgoing_tls(const struct outgoing *);
/* Whether the server's certificate has been verified. */
bool outgoing_verified(const struct outgoing *);

/* After so many seconds without another call of this it is lost(). */
void outgoing_wait(struct outgoing *, unsigned seconds);

#endif
