/* SPDX-License-Identifier: ISC */
/*
 * pool - connections that have done their mails and wait some seconds for the next one to the same
 * server, and how many there may be to it (mr_route.connections).
 */
#ifndef POSTERN_WORKER_RELAY_POOL_H
#define POSTERN_WORKER_RELAY_POOL_H

#include "worker/relay/connection.h"

#define POOL_SECONDS 5     /* that one waits */
#define POOL_IDLE_MAX 64   /* of all that wait; the longest is sent away for another */
#define POOL_MAILS_MAX 100 /* over one connection */

/*
 * One that waits and is as good as a new one: to the same address of the same host, by the same
 * route, made sure of as well as SECURITY asks. The caller's, ready for a mail; or NULL.
 */
struct connection *pool_take(struct relay *, const struct mr_route *, const struct route_target *,
			     const struct security *);
/* One that is ready: it waits here, or says QUIT. */
void pool_put(struct relay *, struct connection *);
/* All that wait say QUIT. */
void pool_empty(struct relay *);
/* May one more be opened? Those that wait, or say QUIT, count too. */
bool pool_has_room(const struct relay *, const struct mr_route *, const struct route_target *);

#endif
