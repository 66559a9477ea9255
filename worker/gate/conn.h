/* SPDX-License-Identifier: ISC */
/*
 * conn - one client's connection: plaintext or TLS, its buffers, its timers; and the protocol that
 * talks on it. Protocols (smtp, pop3 login, imap login) are tables of functions that are
 * given bytes and answer with replies; they never see a socket.
 */
#ifndef POSTERN_WORKER_GATE_CONN_H
#define POSTERN_WORKER_GATE_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_gate.h"
#include "worker/gate/deadline.h"

struct conn;
struct gate;

/* A listener as the gate keeps it. */
struct listener {
	LIST_ENTRY(listener) entry;
	struct mg_listener settings;
	const struct protocol *protocol;
	struct network *networks; /* allow first, then deny */
	int fd;                   /* -1: closed, its connections go on */
	struct event *accept;
	struct gate *gate;
	struct deadlines idle;
};

/* A connection closed by the protocol for a reason says so in the log with one of its words. */
struct protocol {
	const char *name;  /* in the log: "smtp" */
	const char *alpn;  /* RFC 7301 identifier, or NULL */
	size_t state_size; /* of the protocol's own state, zeroed, conn_state() */
	size_t input_max;  /* the most input() ever waits for: one line, with its CRLF */

	/* The connection is there (for implicit TLS: after the handshake): greet. */
	void (*open)(struct conn *);

	/*
	 * The handshake after STARTTLS/STLS is done; closed() has been called and the state is
	 * zeroed again (RFC 3207 4.2, RFC 2595 4). NULL: nothing is to be done.
	 */
	void (*secured)(struct conn *);

	/*
	 * Takes bytes from the front of what has come; returns how many it used (0: wait for more).
	 * Called again at once as long as it uses some and nobody has called conn_pause(),
	 * conn_start_tls(), conn_hand_over() or conn_finish(). If input_max bytes are there and it
	 * uses none, the protocol is broken: it must deal with long lines itself, by using them up.
	 */
	size_t (*input)(struct conn *, const char *bytes, size_t length);

	/*
	 * A new channel to queue is there (conn_queue()) in place of one that ended. Called for
	 * every connection, whatever it is doing. May be NULL.
	 */
	void (*queue_up)(struct conn *);

	/*
	 * The connection ends, whoever began it, or its state is zeroed for secured(): free what
	 * the state holds, cancel requests. Nothing can be written any more.
	 */
	void (*closed)(struct conn *);

	/* What to say before the connection is closed for these reasons, with CRLF. */
	const char *idle_farewell;   /* "421 4.4.2 ..." */
	const char *drain_farewell;  /* newer gates are there */
	const char *stop_farewell;   /* none are, the server stops */
	const char *full_farewell;   /* instead of a greeting: max_connections or ..._per_address */
	const char *early_farewell;  /* to who talks before the greeting; or NULL: it never waits */
	const char *denied_farewell; /* instead of a greeting: deny, or not in allow */
	const char *tls_farewell;    /* the client speaks TLS where plaintext is spoken; or NULL */

	/*
	 * True while something is under way that a drain must not cut off (a mail transaction). A
	 * paused connection is busy anyhow. May be NULL: between commands it never is.
	 */
	bool (*busy)(struct conn *);

	/*
	 * True while what the client sends is a mail's content, which buys it less time than
	 * commands do. May be NULL: it never is.
	 */
	bool (*content)(struct conn *);
};

extern const struct protocol smtp_protocol;       /* worker/gate/smtp/ */
extern const struct protocol submission_protocol; /* worker/gate/smtp/ */
extern const struct protocol pop3_protocol;       /* worker/gate/pop3/ */
extern const struct protocol imap_protocol;       /* worker/gate/imap/ */

/*
 * -- What a protocol may ask and do ---------------------------------------------
 */

void *conn_state(struct conn *);
conn_id conn_identity(const struct conn *);
const struct peer *conn_peer(const struct conn *);
const struct listener *conn_listener(const struct conn *);
const struct mg_settings *conn_settings(const struct conn *);
bool conn_is_secure(const struct conn *);
/* TLS is possible and not yet there: STARTTLS/STLS may be offered. */
bool conn_can_start_tls(const struct conn *);
/* A login may be offered: over TLS, or where the listener says plaintext_auth. */
bool conn_may_login(const struct conn *);
/* The same for one by password: not where a listener requires clients' certificates. */
bool conn_may_password(const struct conn *);
/* The client has shown a certificate, and not logged in with it yet: EXTERNAL may be offered. */
bool conn_may_external(const struct conn *);
/*
 * Asks accounts (GA_EXTERNAL) to let the client in by its certificate, as AUTHORIZATION ("": as who
 * the certificate says). TIMEOUT is in seconds; REPLY as for ipc_request(), on conn_accounts().
 * Returns the request's id, or 0: not now. What the client has shown is then spent, right or wrong.
 */
uint32_t conn_ask_external(struct conn *, const char *authorization, unsigned timeout,
			   ipc_reply_fn *reply, void *arg);
/* The client has logged in, by whatever means: what it has shown is of no more use. */
void conn_forget_certificate(struct conn *);
/* What accounts says is worth offering (GA_OFFER): a bit for each enum scram_hash. */
uint32_t conn_scram_offer(const struct conn *);
/* What SCRAM can bind to this connection (GA_SCRAM). Returns whether there is any; without TLS
 * none. */
bool conn_bindings(const struct conn *, struct ga_binding binding[BINDING_TYPES]);
/* "TLSv1.3", "TLS_AES_256_GCM_SHA384", for Received: (RFC 8314 4.3); NULL without TLS. */
const char *conn_tls_version(const struct conn *);
const char *conn_tls_cipher(const struct conn *);

/* Queues output; one write for all that is queued in one turn of the loop (RFC 2920 3.2). */
void conn_write(struct conn *, const void *bytes, size_t length);
void conn_printf(struct conn *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The client has made an error, or asked for what is not here: what is queued waits, the longer the
 * more often that happened (defence.h). What it says is not heard meanwhile.
 */
void conn_note_error(struct conn *);

/* The client is a stranger whose mail may have to wait (mg_settings.greylist), and not exempt. */
bool conn_may_greylist(const struct conn *);

/* No more input() until conn_resume(): an answer from another process is awaited. No time-out runs
 * meanwhile: the request's own deadline does. */
void conn_pause(struct conn *);
void conn_resume(struct conn *);

/* After what is queued has been written: throws away all plaintext input and starts the handshake.
 */
void conn_start_tls(struct conn *);

/*
 * After what is queued has been written: STREAM (taken) is the user's session process; the gate
 * only pumps from now on. Unused input goes there first. The protocol's closed() is called at once.
 */
void conn_hand_over(struct conn *, int stream);

/* Writes what is queued, then closes (TLS: with close_notify). WHY, for the log, is a literal. */
void conn_finish(struct conn *, const char *why);

/* The gate drains: what to say, with CRLF, to who begins anything new. NULL: it doesn't. */
const char *conn_drain_farewell(const struct conn *);

/*
 * -- Channels to the rest of the house; NULL while that process is being restarted ------
 */
struct ipc_channel *conn_accounts(const struct conn *);
struct ipc_channel *conn_queue(const struct conn *);
struct event_base *conn_event_base(const struct conn *);

#endif
