/* SPDX-License-Identifier: ISC */
#include "worker/relay/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/monotonic.h"
#include "worker/relay/table.h"

struct pause {
	LIST_ENTRY(pause) entry;
	struct table *table;
	const struct mr_route *route; /* in it */
	time_t until;                 /* monotonic */
	struct reply why;
};

static void
end(struct pause *pause)
{
	LIST_REMOVE(pause, entry);
	table_release(pause->table);
	free(pause);
}

static struct pause *
find(const struct relay *relay, const struct mr_route *route)
{
	struct pause *pause;

	LIST_FOREACH (pause, &relay->pauses, entry) {
		if (pause->route == route)
			return pause;
	}
	return NULL;
}

void
pause_begin(struct relay *relay, struct table *table, const struct mr_route *route,
	    const struct reply *why)
{
	struct pause *pause = find(relay, route);

	if (pause == NULL) {
		pause = calloc(1, sizeof(*pause));
		if (pause == NULL)
			return;
		pause->table = table_hold(table);
		pause->route = route;
		LIST_INSERT_HEAD(&relay->pauses, pause, entry);
	}
	pause->until = monotonic_seconds() + (time_t)PAUSE_SECONDS;
	pause->why = *why;
	pause->why.said = false;
	(void)snprintf(pause->why.text, sizeof(pause->why.text),
		       "the login at %.80s was refused, it is not tried for %u minutes: %.100s",
		       route->host, PAUSE_SECONDS / 60, why->text);
}

const struct reply *
pause_of(struct relay *relay, const struct mr_route *route)
{
	struct pause *pause = find(relay, route);

	if (pause == NULL)
		return NULL;
	if (pause->until > monotonic_seconds())
		return &pause->why;
	end(pause);
	return NULL;
}

void
pauses_end(struct relay *relay)
{
	struct pause *pause;

	while ((pause = LIST_FIRST(&relay->pauses)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it has left the list */
		end(pause);
	}
}
