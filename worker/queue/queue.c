/* SPDX-License-Identifier: ISC */
/*
 * The queue role: takes mails from gates, makes them durable, and sees to it that each gets into
 * its mailboxes exactly once (design section 8).
 */
#include "config.h"

#include "worker/queue/queue.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sqlite_dir.h"
#include "worker/queue/admin.h"
#include "worker/queue/asker.h"
#include "worker/queue/batch.h"
#include "worker/queue/check.h"
#include "worker/queue/greylister.h"
#include "worker/queue/notice.h"
#include "worker/queue/schedule.h"
#include "worker/queue/sign.h"
#include "worker/roles.h"

#define DRAIN_LOOKS_A_SECOND 20
#define TAKING_SECONDS 20 /* for want of a moment in which no gate writes */

struct early {
	STAILQ_ENTRY(early) entry;
	struct mc_channel peer;
	int fd;
};

static struct queue queue;
STAILQ_HEAD(early_list, early);
static struct early_list early_channels = STAILQ_HEAD_INITIALIZER(early_channels);
static unsigned drain_looks;

static int
queue_init(struct child *child, struct error *err)
{
	(void)err;
	child->context = &queue;
	queue.base = child->base;
	return 0;
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;

	(void)channel;
	if (child->directory != -1 || fchdir(message->fd) == -1)
		return -1;
	memcpy(&queue.settings, message->body, sizeof(queue.settings));
	queue.settings.hostname[sizeof(queue.settings.hostname) - 1] = '\0';
	child->directory = ipc_take_fd(message);
	return 0;
}

/* Takes FD. -1 if it is a channel that queue doesn't have. */
static int
open_channel(const struct mc_channel *peer, int fd)
{
	char name[32];

	if (peer->peer_role == ROLE_ACCOUNTS)
		return asker_open(queue.asker, fd);
	if (peer->peer_role == ROLE_RELAY)
		return schedule_open_relay(queue.schedule, fd);
	if (peer->peer_role == ROLE_CERTD)
		return signer_open(queue.signer, fd);
	if (peer->peer_role == ROLE_FILTER)
		return checker_open(queue.checker, fd);
	if (peer->peer_role != ROLE_GATE) {
		close(fd);
		return -1;
	}
	snprintf(name, sizeof(name), "gate %u", peer->peer);
	/* Without memory the gate sees its channel end. */
	(void)source_open(&queue, fd, name, "", NULL);
	return 0;
}

/* Channels that come before the queue is open wait. */
static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct early *early;

	(void)context;
	if (ipc_state(channel) != CHILD_STARTING)
		return open_channel(message->body, ipc_take_fd(message));
	early = calloc(1, sizeof(*early));
	if (early == NULL)
		return -1;
	memcpy(&early->peer, message->body, sizeof(early->peer));
	early->fd = ipc_take_fd(message);
	STAILQ_INSERT_TAIL(&early_channels, early, entry);
	return 0;
}

static int
on_notice(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	return notice_take(&queue, message->body, message->tail, message->tail_length);
}

static int
on_admin(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	admin_open(&queue, ipc_take_fd(message));
	return 0;
}

static int
open_early_channels(struct error *err)
{
	struct early *early;
	int result = 0;

	while (result == 0 && (early = STAILQ_FIRST(&early_channels)) != NULL) {
		STAILQ_REMOVE_HEAD(&early_channels, entry);
		result = open_channel(&early->peer, early->fd);
		free(early);
	}
	return result == 0 ? 0 : error_set(err, "a channel that queue doesn't have");
}

static int
queue_run(struct child *child, struct error *err)
{
	if (child->directory == -1)
		return error_set(err, "started without its settings");
	queue.control = child->control;
	if (queue_open(&queue, child->directory, err) == -1 || open_early_channels(err) == -1)
		return -1;
	child_ready(child);
	return 0;
}

/* What is known to have arrived elsewhere must not be sent again by the next process. */
static void
queue_shut_down(struct child *child)
{
	(void)child;
	if (queue.batch != NULL) {
		(void)batch_run(queue.batch);
		batch_sync(queue.batch);
	}
	if (queue.greylister != NULL)
		greylister_commit(queue.greylister);
}

/*
 * What is being delivered is: a host that takes a mail just now would get it again. Gates are
 * served until a moment at which nobody writes, and if there is none for long, they have to wait
 * for the next process. How long all that may take is the master's business.
 */
static void
on_drain_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)batch_run(queue.batch);
	batch_sync(queue.batch);
	if (queue_is_quiet(&queue)) {
		queue_shut_down(arg);
		queue_close(&queue);
		child_exit(arg);
	}
	if (schedule_running(queue.schedule) == 0 && !queue.draining &&
	    ++drain_looks > TAKING_SECONDS * DRAIN_LOOKS_A_SECOND)
		queue_stop(&queue);
}

static void
queue_drain(struct child *child)
{
	static const struct timeval interval = {.tv_usec = 1000000 / DRAIN_LOOKS_A_SECOND};
	struct event *look;

	schedule_stop(queue.schedule);
	look = event_new(child->base, -1, EV_PERSIST, on_drain_look, child);
	if (look == NULL || event_add(look, &interval) == -1)
		child_exit(child);
	event_active(look, 0, 0);
}

static const struct ipc_handler handlers[] = {
    {MQ_SETTINGS, on_settings},
    {MQ_CHANNEL, on_channel},
    {MQ_NOTICE, on_notice},
    {MQ_ADMIN, on_admin},
    {0, NULL},
};

static const char *const syscalls[] = {
    SQLITE_DIR_SYSCALLS,
    /* the spool: listing, moving, room, bodies in memory */
    "getdents64",
    "rename",
    "renameat",
    "renameat2",
    "fstatfs",
    "statfs",
    "sync_file_range",
    "memfd_create",
    NULL,
};

static const struct sandbox_rules rules = {
    .role = "queue",
    .files = SANDBOX_READ_WRITE,
    .syscalls = syscalls,
    .descriptors = 16384,
};

const struct child_role queue_role = {
    .name = "queue",
    .control = &master_queue_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = queue_init,
    .run = queue_run,
    .drain = queue_drain,
    .shutdown = queue_shut_down,
};
