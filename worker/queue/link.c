/* SPDX-License-Identifier: ISC */
#include "worker/queue/link.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/proto/queue_relay.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/policy.h"
#include "worker/queue/queue.h"

static void
link_free(struct link *link)
{
	if (link->schedule->link == link)
		link->schedule->link = NULL;
	LIST_REMOVE(link, entry);
	free(link);
}

/* Is there another one for new jobs, and has this one none? */
static void
let_go(struct link *link)
{
	if (link->jobs > 0 || link->schedule->link == link)
		return;
	ipc_close(link->channel);
	link_free(link);
}

static int
on_policy(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct link *link = context;

	(void)channel;
	return policy_keep(link->schedule->queue, message);
}

static const struct ipc_handler handlers[] = {
    {QR_KEEP_POLICY, on_policy},
    {0, NULL},
};

/* Each of its jobs has heard of it. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	link_free(context);
}

int
link_open(struct schedule *schedule, int fd)
{
	struct link *link = calloc(1, sizeof(*link)), *before = schedule->link;

	if (link == NULL) {
		close(fd);
		return -1;
	}
	link->schedule = schedule;
	link->channel = ipc_open(schedule->queue->base, fd, &queue_relay_boundary, IPC_CLIENT,
				 handlers, on_ended, link, "relay");
	if (link->channel == NULL) {
		free(link);
		return -1;
	}
	LIST_INSERT_HEAD(&schedule->links, link, entry);
	schedule->link = link;
	if (before != NULL)
		let_go(before);
	return 0;
}

void
links_close(struct schedule *schedule)
{
	struct link *link, *next;

	LIST_FOREACH_SAFE (link, &schedule->links, entry, next) {
		ipc_close(link->channel);
		link_free(link);
	}
}

void
link_hold(struct link *link)
{
	link->jobs++;
}

void
link_release(struct link *link)
{
	link->jobs--;
	let_go(link);
}
