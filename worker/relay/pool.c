/* SPDX-License-Identifier: ISC */
#include "worker/relay/pool.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct idle {
	TAILQ_ENTRY(idle) entry;
	struct relay *relay;
	struct connection *connection;
	struct event *timer;
};

static void
idle_free(struct idle *idle)
{
	TAILQ_REMOVE(&idle->relay->idle, idle, entry);
	idle->relay->idle_count--;
	event_free(idle->timer);
	free(idle);
}

/* It has waited long enough, or another wants its place. */
static void
send_away(struct idle *idle)
{
	connection_quit(idle->connection);
	idle_free(idle);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_away(arg);
}

static void
on_ready(void *arg)
{
	/* It has been ready all along. */
	(void)arg;
}

static void
on_closed(void *arg, const struct reply *why)
{
	(void)why;
	idle_free(arg);
}

static const struct connection_calls calls = {.ready = on_ready, .closed = on_closed};

/* The same server, for the same reasons. */
static bool
leads_there(const struct connection *connection, const struct mr_route *route,
	    const struct route_target *target)
{
	const struct route_target *to = connection_target(connection);

	return connection_route(connection) == route &&
	       memcmp(&to->address, &target->address, sizeof(to->address)) == 0 &&
	       strcasecmp(to->host, target->host) == 0;
}

struct connection *
pool_take(struct relay *relay, const struct mr_route *route, const struct route_target *target,
	  const struct security *security)
{
	struct connection *connection;
	struct idle *idle;

	/* The last to come has the best chances to be alive. */
	TAILQ_FOREACH_REVERSE(idle, &relay->idle, idle_list, entry)
	{
		if (!connection_is_ready(idle->connection) ||
		    !leads_there(idle->connection, route, target) ||
		    !security_suffices(connection_security(idle->connection), security))
			continue;
		connection = idle->connection;
		idle_free(idle);
		return connection;
	}
	return NULL;
}

void
pool_put(struct relay *relay, struct connection *connection)
{
	static const struct timeval patience = {.tv_sec = POOL_SECONDS};
	struct idle *idle = NULL;

	if (connection_mails(connection) < POOL_MAILS_MAX && !relay->draining)
		idle = calloc(1, sizeof(*idle));
	if (idle == NULL) {
		connection_quit(connection);
		return;
	}
	idle->timer = evtimer_new(relay->base, on_timer, idle);
	if (idle->timer == NULL || evtimer_add(idle->timer, &patience) == -1) {
		if (idle->timer != NULL)
			event_free(idle->timer);
		free(idle);
		connection_quit(connection);
		return;
	}
	idle->relay = relay;
	idle->connection = connection;
	connection_give(connection, &calls, idle);
	TAILQ_INSERT_TAIL(&relay->idle, idle, entry);
	if (++relay->idle_count > POOL_IDLE_MAX)
		send_away(TAILQ_FIRST(&relay->idle));
}

void
pool_empty(struct relay *relay)
{
	struct idle *idle, *next;

	TAILQ_FOREACH_SAFE (idle, &relay->idle, entry, next)
		send_away(idle);
}

bool
pool_has_room(const struct relay *relay, const struct mr_route *route,
	      const struct route_target *target)
{
	const struct connection *connection;
	unsigned count = 0;

	for (connection = LIST_FIRST(&relay->connections); connection != NULL;
	     connection = connection_next(connection)) {
		if (leads_there(connection, route, target))
			count++;
	}
	return count < route->connections;
}
