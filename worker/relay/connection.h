/* SPDX-License-Identifier: ISC */
/*
 * connection - one to a mail server: the stream, and the client's side of SMTP on it. It carries
 * mails one after the other, and knows nothing of where they come from.
 */
#ifndef POSTERN_WORKER_RELAY_CONNECTION_H
#define POSTERN_WORKER_RELAY_CONNECTION_H

#include "worker/relay/client.h"
#include "worker/relay/relay.h"
#include "worker/relay/route.h"
#include "worker/relay/security.h"
#include "worker/relay/table.h"

struct connection;

/* What its owner is told, from the loop. */
struct connection_calls {
	/* It takes a mail. The one before, if there was any, has an outcome for each recipient. */
	void (*ready)(void *arg);
	/*
	 * It is gone when this returns. Recipients of its mail that are PENDING have been refused
	 * by nobody; WHY says what came instead.
	 */
	void (*closed)(void *arg, const struct reply *why);
};

/*
 * Begins to connect, to speak as the table's route ROUTE says, and takes no mail unless the server
 * is as SECURITY says. OTHER: another address of the same host, used if it answers where the
 * target's doesn't, or not soon (dial.h); NULL: it has none. NULL without memory.
 */
struct connection *connection_open(struct relay *, struct table *, const struct mr_route *route,
				   const struct route_target *, const struct in6_addr *other,
				   const struct security *, const struct connection_calls *,
				   void *arg);

/* When it is ready: the next mail. Both stay the caller's, until it is ready again or closed. */
void connection_send(struct connection *, struct client_mail *, int body);

/* It takes a mail. One that was ready may be lost: its owner hears that from the loop. */
bool connection_is_ready(const struct connection *);
/* When it has been ready: no more mails. It says QUIT and goes; its owner hears no more of it. */
void connection_quit(struct connection *);
/* At once, whatever it is at. Its owner hears no more of it. */
void connection_drop(struct connection *);
/* Has another owner from now on, who is told. It may be ready already. */
void connection_give(struct connection *, const struct connection_calls *, void *arg);

/* The server is getting a message, or has it and has not said what becomes of it. */
bool connection_delivers(const struct connection *);

/* The one behind it in the relay's list, or NULL. */
struct connection *connection_next(const struct connection *);
const struct mr_route *connection_route(const struct connection *);
const struct security *connection_security(const struct connection *);
/* When it is closed: its host would never have taken the mail; another one may. */
bool connection_is_useless(const struct connection *);
/* Whether there was one: then its target has the address that answered. */
bool connection_was_made(const struct connection *);
/* How many mails it has been given. */
unsigned connection_mails(const struct connection *);
const struct route_target *connection_target(const struct connection *);
/* How the server's certificate was verified: "dane", "sts", "pkix", or "none". */
const char *connection_verified(const struct connection *);
/* "TLSv1.3", or "". */
const char *connection_tls(const struct connection *);

#endif
