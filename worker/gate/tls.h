/* SPDX-License-Identifier: ISC */
/*
 * tls - server-side TLS on a non-blocking socket, with keys that are in certd.
 *
 * A handshake that needs a signature returns TLS_WANT_KEY and is carried on by tls_handshake() when
 * the wake function has been called; the event loop is never blocked (SSL_MODE_ASYNC under it).
 */
#ifndef POSTERN_WORKER_GATE_TLS_H
#define POSTERN_WORKER_GATE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_gate.h"

struct event_base;
struct tls_context; /* one a gate: certificates, ticket keys, the channel to certd */
struct tls;         /* one a connection */

enum tls_result {
	TLS_OK,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_WANT_KEY, /* wait for wake */
	TLS_EOF,      /* close_notify, or the peer went away between records */
	TLS_FAILED,   /* tls_error() says why; an alert has been sent where one is due */
};

/* Before the sandbox closes. BASE drives time-outs. NULL with ERR filled. */
struct tls_context *tls_context_new(struct event_base *, const struct mg_settings *,
				    struct error *);
void tls_context_free(struct tls_context *);

/*
 * A new channel to certd (taken); the old one, if any, is gone. Requests without an answer are sent
 * again on it. READY is called (once) when the first channel has brought all certificates.
 */
int tls_context_set_channel(struct tls_context *, int fd, const char *peer, void (*ready)(void *),
			    void *arg);

/*
 * How clients are asked for their certificates at listeners of this TRUST: NAMES is a list of
 * authorities, DER one after the other, LENGTH bytes. Returns 0, or -1 if it is none.
 */
int tls_context_set_question(struct tls_context *, uint32_t trust, const char *names,
			     size_t length);
bool tls_context_has_question(const struct tls_context *, uint32_t trust);

/*
 * CHOICE: which certificates the listener presents; it has to stay until tls_free(). ALPN: the one
 * protocol offered, or NULL. NULL with ERR filled, also when CHOICE leaves no certificate.
 */
struct tls *tls_new(struct tls_context *, int fd, const struct mg_choice *, const char *alpn,
		    void (*wake)(void *), void *arg, struct error *);
/* Any time, a handshake that waits for a key included. Does not close fd. NULL is fine. */
void tls_free(struct tls *);

/*
 * Before the handshake: asks the client for a certificate, whoever it is of; without one the
 * handshake fails if REQUIRE. 0, or -1 with ERR filled: there is no question of that trust.
 */
int tls_ask_client(struct tls *, uint32_t trust, bool require, struct error *);

enum tls_result tls_handshake(struct tls *);
/* *DONE: bytes moved, with TLS_OK. */
enum tls_result tls_read(struct tls *, void *buffer, size_t size, size_t *done);
enum tls_result tls_write(struct tls *, const void *buffer, size_t length, size_t *done);
/* Sends close_notify; doesn't wait for the peer's. */
void tls_close(struct tls *);
/* Decrypted bytes are there that no poll of the socket would tell of. */
int tls_pending(const struct tls *);

/*
 * The messages of the handshake in which the client has signed with its certificate's key
 * (verify/proof.h): *LENGTH bytes, until tls_record_free(). NULL: it showed none.
 */
const uint8_t *tls_proof(const struct tls *, size_t *length);
void tls_record_free(struct tls *);

/*
 * What a login over this connection can be bound to, of each type that it has. Returns whether
 * there is any.
 */
bool tls_bindings(const struct tls *, struct ga_binding binding[BINDING_TYPES]);

const char *tls_error(const struct tls *);   /* of the last TLS_FAILED, for the log */
const char *tls_version(const struct tls *); /* "TLSv1.3" */
const char *tls_cipher(const struct tls *);
int tls_resumed(const struct tls *);
/* The host name that the client asked for (RFC 6066 3), as it came; NULL: none. */
const char *tls_server_name(const struct tls *);

#endif
