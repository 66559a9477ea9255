/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/session/indexing.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/log.h"

#define LATER_S 2
/* While clients are at work it waits so long, and so often at most. */
#define QUIET_MS 100
#define POSTPONED_MAX 50

struct indexing {
	struct event *timer;
	const char *mailbox;
	indexing_store_fn *store;
	unsigned turns, turns_seen; /* of the clients' work */
	unsigned postponed;
};

/*
 * Clients have been at work since this was asked last: they would wait for each piece of the index.
 * They are not always left alone, or those that never rest would never have one.
 */
static bool
are_at_work(struct indexing *indexing)
{
	bool work = indexing->turns != indexing->turns_seen;

	indexing->turns_seen = indexing->turns;
	indexing->postponed = work ? indexing->postponed + 1 : 0;
	return indexing->postponed % POSTPONED_MAX != 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval at_once = {0, 1000}, soon = {0, QUIET_MS * 1000};
	struct indexing *indexing = arg;
	struct store *store = indexing->store();
	struct error err;
	bool more = false;

	(void)fd;
	(void)what;
	if (store == NULL)
		return;
	if (are_at_work(indexing)) {
		event_add(indexing->timer, &soon);
		return;
	}
	if (store_index_some(store, &more, &err) != STORE_OK)
		log_event(LOG_ERR, "mailbox.index", KV_STR("user", indexing->mailbox),
			  KV_STR("why", err.text));
	else if (more)
		event_add(indexing->timer, &at_once);
}

struct indexing *
indexing_new(struct event_base *base, const char *mailbox, indexing_store_fn *store)
{
	struct indexing *indexing = calloc(1, sizeof(*indexing));

	if (indexing == NULL)
		return NULL;
	indexing->mailbox = mailbox;
	indexing->store = store;
	indexing->timer = event_new(base, -1, 0, on_timer, indexing);
	if (indexing->timer != NULL)
		return indexing;
	free(indexing);
	return NULL;
}

void
indexing_later(struct indexing *indexing)
{
	const struct timeval time = {.tv_sec = LATER_S};

	if (indexing->store() != NULL && event_pending(indexing->timer, EV_TIMEOUT, NULL) == 0)
		event_add(indexing->timer, &time);
}

void
indexing_worked(struct indexing *indexing)
{
	indexing->turns++;
	indexing_later(indexing);
}
