/* SPDX-License-Identifier: ISC */
/*
 * session - one mailbox: all its user's connections and all deliveries into it, in one process,
 * the only one that touches it.
 *
 * The master hands over the mailbox's directory, then logged-in clients (master_session.h) and
 * channels to queue (queue_session.h). When nothing has happened for a while the session asks the
 * master whether it may go.
 */
#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sqlite_dir.h"
#include "worker/session/checkup.h"
#include "worker/session/session_private.h"

#if defined(__SANITIZE_ADDRESS__)
#define POSTERN_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POSTERN_ASAN
#endif
#endif

#define REPAIRING "The mailbox is being repaired, please connect again"

struct session session;

/*
 * -- What comes -------------------------------------------------------------------
 */

enum arrival_kind { CONNECTION, DELIVERY, PARKED, CHECKUP };
struct arrival {
	STAILQ_ENTRY(arrival) entry;
	enum arrival_kind kind;
	uint32_t purpose;        /* of CHECKUP */
	struct ms_parked parked; /* its connection is also that of CONNECTION */
	int fd;
};

/* What came before MC_START: it waits until the sandbox is closed. */
static STAILQ_HEAD(arrival_list, arrival) waiting = STAILQ_HEAD_INITIALIZER(waiting);

static void
start_delivery(int fd)
{
	if (deliver_add_channel(session.deliver, fd) == -1)
		log_event(LOG_ERR, "delivery.refused", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", "no memory"));
	life_touch(NULL);
}

static void
on_checkup_closed(struct checkup *checkup, void *arg)
{
	(void)checkup;
	session.checkups--;
	life_touch(arg);
}

/*
 * Clients wait while their mailbox is looked at. A repair that has something to do ends them first:
 * what they know of their folders may be wrong afterwards.
 */
static void
start_checkup(uint32_t purpose, int fd)
{
	struct checkup *checkup;

	checkup =
	    checkup_new(session.child->base, fd, session.settings.mailbox, on_checkup_closed, NULL);
	if (checkup == NULL)
		return;
	session.checkups++;
	if (session.pop3 == NULL && session.imaps == 0)
		life_close_all(REPAIRING);
	if (!checkup_look(checkup, session.store) && purpose == MAILBOX_REPAIR) {
		life_close_all(REPAIRING);
		checkup_repair(checkup);
	}
	checkup_answer(checkup);
	life_touch(NULL);
}

static void
start(const struct arrival *arrival)
{
	switch (arrival->kind) {
	case CONNECTION:
		clients_start(&arrival->parked.connection, arrival->fd);
		break;
	case DELIVERY:
		start_delivery(arrival->fd);
		break;
	case PARKED:
		clients_resume(&arrival->parked, arrival->fd);
		break;
	case CHECKUP:
		start_checkup(arrival->purpose, arrival->fd);
		break;
	}
}

static void
start_waiting(void)
{
	struct arrival *arrival;

	while ((arrival = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, entry);
		session.waiting--;
		start(arrival);
		free(arrival);
	}
}

/* Takes the message's descriptor. */
static int
arrive(struct ipc_message *message, struct arrival arrival)
{
	struct arrival *kept;

	arrival.fd = ipc_take_fd(message);
	session.seen++;
	if (session.running) {
		start(&arrival);
		return 0;
	}
	kept = malloc(sizeof(*kept));
	if (kept == NULL) {
		close(arrival.fd);
		return 0;
	}
	*kept = arrival;
	STAILQ_INSERT_TAIL(&waiting, kept, entry);
	session.waiting++;
	return 0;
}

/*
 * -- What the master says -----------------------------------------------------------
 */

/*
 * Beyond it malloc() fails, and what asked for it is refused. With AddressSanitizer, whose shadow
 * is terabytes, only what the sessions count is bounded.
 */
static void
limit_memory(void)
{
#ifndef POSTERN_ASAN
	struct rlimit limit = {session.settings.memory, session.settings.memory};

	if (session.settings.memory != 0 && setrlimit(RLIMIT_DATA, &limit) == -1)
		log_event(LOG_ERR, "session.memory", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", "the limit can't be set"));
#endif
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;

	(void)channel;
	if (child->directory != -1)
		return -1;
	memcpy(&session.settings, message->body, sizeof(session.settings));
	session.settings.mailbox[sizeof(session.settings.mailbox) - 1] = '\0';
	session.settings.hostname[sizeof(session.settings.hostname) - 1] = '\0';
	if (fchdir(message->fd) == -1)
		log_fatal("session.failed", "the directory of %s: %m", session.settings.mailbox);
	child->directory = ipc_take_fd(message);
	session.budget.command_seconds = session.settings.command_seconds;
	session.budget.memory = session.settings.memory / 2;
	limit_memory();
	setproctitle("session %s", session.settings.mailbox);
	return 0;
}

static int
on_limits(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	session.limits = *(const struct ms_limits *)message->body;
	if (session.store != NULL)
		store_set_limits(session.store, session.limits.storage, session.limits.messages);
	return 0;
}

static int
on_tags(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_tags *tags = message->body;

	(void)channel;
	(void)context;
	if (tags->separator > 126)
		return -1;
	session.tags = *tags;
	return 0;
}

static int
on_connection(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_connection *connection = message->body;

	(void)channel;
	(void)context;
	return arrive(message,
		      (struct arrival){.kind = CONNECTION, .parked = {.connection = *connection}});
}

static int
on_delivery(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	return arrive(message, (struct arrival){.kind = DELIVERY});
}

static int
on_resume(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_parked *parked = message->body;

	(void)channel;
	(void)context;
	return arrive(message, (struct arrival){.kind = PARKED, .parked = *parked});
}

static int
on_checkup(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_checkup *checkup = message->body;

	(void)channel;
	(void)context;
	if (checkup->purpose != MAILBOX_CHECK && checkup->purpose != MAILBOX_REPAIR)
		return -1;
	return arrive(message, (struct arrival){.kind = CHECKUP, .purpose = checkup->purpose});
}

static const struct ipc_handler handlers[] = {
    {MS_SETTINGS, on_settings}, {MS_LIMITS, on_limits},
    {MS_TAGS, on_tags},         {MS_CONNECTION, on_connection},
    {MS_DELIVERY, on_delivery}, {MS_RESUME, on_resume},
    {MS_CHECKUP, on_checkup},   {0, NULL},
};

/*
 * -- The role -----------------------------------------------------------------------
 */

/* The mailbox's directory and nothing else; no sockets but those that are handed over. */
static const char *const syscalls[] = {
    SQLITE_DIR_SYSCALLS, /* index.db */
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "getdents64",
    "syncfs",
    NULL,
};

static const struct sandbox_rules rules = {
    .role = "session",
    .files = SANDBOX_READ_WRITE,
    .syscalls = syscalls,
};

static int
init(struct child *child, struct error *err)
{
	struct deliver_options options = {.mailbox = session.settings.mailbox,
					  .tags = &session.tags,
					  .store = clients_store,
					  .activity = life_touch};

	/* What a large message needed goes back to the system; there may be thousands of us. */
	(void)mallopt(M_MMAP_THRESHOLD, 65536);
	(void)mallopt(M_TRIM_THRESHOLD, 65536);
	session.child = child;
	session.indexing =
	    indexing_new(child->base, session.settings.mailbox, clients_store_to_index);
	session.deliver = deliver_new(child->base, &options);
	if (life_init(child->base) == -1 || session.indexing == NULL || session.deliver == NULL)
		return error_set(err, "no memory");
	return 0;
}

static int
prepare(struct child *child, struct error *err)
{
	if (child->directory == -1)
		return error_set(err, "no settings have come");
	return 0;
}

static int
run(struct child *child, struct error *err)
{
	(void)err;
	session.running = true;
	child_ready(child);
	start_waiting();
	life_touch(NULL);
	return 0;
}

/* Those who are connected may finish; the master sends MC_SHUTDOWN when it waits no longer. */
static void
drain(struct child *child)
{
	(void)child;
	life_touch(NULL);
}

static void
shut_down(struct child *child)
{
	(void)child;
	life_close_all("The server stops");
}

const struct child_role session_role = {
    .name = "session",
    .control = &master_session_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = init,
    .prepare = prepare,
    .run = run,
    .drain = drain,
    .shutdown = shut_down,
};
