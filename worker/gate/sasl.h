/* SPDX-License-Identifier: ISC */
/*
 * sasl - logging in: the mechanisms (RFC 4422), and asking accounts. What the protocols have in
 * common; how things are said is theirs.
 *
 * Each of sasl_begin(), sasl_response() and sasl_password() leads to one call of the event
 * function, at once or when accounts has answered; meanwhile the connection is paused.
 */
#ifndef POSTERN_WORKER_GATE_SASL_H
#define POSTERN_WORKER_GATE_SASL_H

#include "worker/gate/conn.h"

enum sasl_event {
	SASL_CHALLENGE,   /* TEXT, base64 or "", is for the client; then comes sasl_response() */
	SASL_LOGGED_IN,   /* MESSAGE is GA_LOGGED_IN; the connection is still paused */
	SASL_WRONG,       /* the credentials are */
	SASL_UNAVAILABLE, /* nobody can tell now */
	SASL_MALFORMED,   /* not a response; TEXT: of what, "PLAIN response (RFC 4616)" */
};
typedef void sasl_event_fn(struct conn *, enum sasl_event, const char *text,
			   struct ipc_message *message);

struct sasl_mechanism;

/* In a protocol's state; zeroed is nothing under way. */
struct sasl {
	struct conn *conn;
	sasl_event_fn *event;
	const struct sasl_mechanism *mechanism; /* a response of it is awaited */
	char *user;                             /* of LOGIN, waits for the password */
	size_t user_length;
	bool carried;                /* accounts has an exchange of SCRAM of this connection */
	struct ipc_channel *channel; /* accounts is being asked there */
	uint32_t request;
};

#define SASL_LIST_SIZE 192
/* Those that can be used now, each with PREFIX before it (" ", " AUTH="). */
void sasl_list(const struct conn *, const char *prefix, char out[SASL_LIST_SIZE]);

/* NULL: there is none of that name (in any case), or not now. */
const struct sasl_mechanism *sasl_find(const struct conn *, const char *name, size_t length);

/* RESPONSE: the initial one as it came, base64 or "=" (RFC 4959 3), or NULL. */
void sasl_begin(struct sasl *sasl, struct conn *c, sasl_event_fn *event,
		const struct sasl_mechanism *mechanism, const char *response, size_t length);
/* True: a response is awaited. */
bool sasl_in_exchange(const struct sasl *);
/* A line of base64 as it came. */
void sasl_response(struct sasl *, const char *text, size_t length);

/* A name and a password that came otherwise. "MALFORMED": they can't be one. */
void sasl_password(struct sasl *sasl, struct conn *c, sasl_event_fn *event, const char *user,
		   size_t user_length, const char *password, size_t password_length);

/* Forgets the exchange, and what accounts may still answer. */
void sasl_cancel(struct sasl *);

#endif
