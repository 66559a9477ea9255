/* SPDX-License-Identifier: ISC */
/*
 * The filter role: looks at mails before they are taken. It reads what strangers wrote, and asks
 * DNS and filters of others about it; it has no file but the messages that queue hands over, no
 * listening socket, and no key.
 */
#include "config.h"

#include "worker/filter/filter.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/proto/queue_filter.h"
#include "worker/dns/sandbox_rules.h"
#include "worker/filter/dkim_crypto.h"
#include "worker/filter/suffix.h"
#include "worker/roles.h"

#define QUEUE_SECONDS 5 /* for queue to come back: a check waits for this one, too */
#define FILE_SIZE_MIN (64 * 1024 * 1024) /* of what it writes, the log's is one too */

static struct filter filter;

static bool
is_settings(const struct mf_settings *settings)
{
	bool sound = memchr(settings->hostname, '\0', sizeof(settings->hostname)) != NULL &&
		     settings->failure < FILTER_FAILURE_COUNT && settings->sign <= 1 &&
		     settings->max_message_size > 0 && settings->max_message_size < INT64_MAX / 2;

	sound = sound && settings->milter_count <= FILTER_MILTERS_MAX &&
		settings->list_count <= FILTER_LISTS_MAX &&
		settings->exempt_count <= FILTER_EXEMPT_MAX;
	for (size_t i = 0; sound && i < settings->exempt_count; i++)
		sound = settings->exempt[i].bits <= 128;
	for (size_t i = 0; sound && i < settings->list_count; i++)
		sound = memchr(settings->lists[i].zone, '\0', HOST_NAME_SIZE) != NULL;
	for (size_t i = 0; sound && i < settings->milter_count; i++)
		sound = settings->milters[i].failure < FILTER_FAILURE_COUNT &&
			settings->milters[i].timeout > 0 && settings->milters[i].local <= 1 &&
			settings->milters[i].envelope < FILTER_ENVELOPE_COUNT &&
			(settings->milters[i].port > 0 || settings->milters[i].local == 1);
	for (size_t i = 0; i < FILTER_EVENT_COUNT; i++)
		sound = sound && settings->actions[i] < FILTER_ACTION_COUNT;
	for (size_t i = 0; i < FILTER_TRUSTED_MAX; i++)
		sound = sound && memchr(settings->arc_trusted[i], '\0', HOST_NAME_SIZE) != NULL;
	for (size_t i = 0; i < RESOLVERS_MAX; i++)
		sound = sound && memchr(settings->resolvers[i], '\0', RESOLVER_SIZE) != NULL;
	return sound;
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	memcpy(&filter.settings, message->body, sizeof(filter.settings));
	return is_settings(&filter.settings) ? 0 : -1;
}

/* Its successor begins anew. */
static void
on_queue_ended(struct ipc_channel *channel, void *context)
{
	(void)context;
	if (filter.queue != channel)
		return;
	checks_drop(&filter);
	filter.queue = NULL;
	child_misses(filter.child, "queue", QUEUE_SECONDS);
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mc_channel *to = message->body;

	(void)channel;
	if (to->peer_role != ROLE_QUEUE)
		return -1;
	child_has(context);
	checks_drop(&filter);
	ipc_close(filter.queue);
	filter.queue = ipc_open(filter.base, ipc_take_fd(message), &queue_filter_boundary,
				IPC_SERVER, checks_handlers, on_queue_ended, &filter, "queue");
	return filter.queue == NULL ? -1 : 0;
}

static const struct ipc_handler handlers[] = {
    {MF_SETTINGS, on_settings},
    {MF_CHANNEL, on_channel},
    {0, NULL},
};

static int
filter_init(struct child *child, struct error *err)
{
	child->context = &filter;
	filter.child = child;
	filter.base = child->base;
	LIST_INIT(&filter.checks);
	return dkim_crypto_open() == 0 ? 0 : error_set(err, "OpenSSL does not start");
}

/* What libunbound opens for itself it opens here. No file grows past what a message may be. */
static int
filter_prepare(struct child *child, struct error *err)
{
	/* No result is worth more for a proof: what DKIM and SPF say, they say of who can write
	 * into the DNS that this host sees. */
	static const struct dns_trust trust = {DNS_VALIDATE_NONE, NULL};
	struct rlimit limit;

	if (filter.settings.max_message_size == 0)
		return error_set(err, "started without its settings");
	filter.resolver = resolver_open(child->base, filter.settings.resolvers, &trust, err);
	if (filter.resolver == NULL)
		return -1;
	suffix_load();
	limit.rlim_cur = filter.settings.max_message_size + GQ_RECEIVED_MAX + QF_FIELDS_MAX;
	if (limit.rlim_cur < FILE_SIZE_MIN)
		limit.rlim_cur = FILE_SIZE_MIN;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return error_errno(err, "limiting the size of files");
	return 0;
}

static int
filter_run(struct child *child, struct error *err)
{
	(void)err;
	filter.control = child->control;
	child_ready(child);
	return 0;
}

/* Or else queue takes the mails that are here for what killed it. */
static void
filter_shutdown(struct child *child)
{
	(void)child;
	if (filter.queue != NULL)
		(void)ipc_send(filter.queue, QF_LEAVING, 0, NULL, NULL, 0, -1);
}

static void
filter_drain(struct child *child)
{
	filter_shutdown(child);
	child_exit(child);
}

/* What it asks others, and the files that queue hands over. */
static const char *const syscalls[] = {OUTGOING_SYSCALLS, "pread64", NULL};

static const struct sandbox_rules rules = {
    .role = "filter",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .arguments = outgoing_arguments,
    .descriptors = 4096,
    .connects = true,
};

const struct child_role filter_role = {
    .name = "filter",
    .control = &master_filter_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = filter_init,
    .prepare = filter_prepare,
    .run = filter_run,
    .drain = filter_drain,
    .shutdown = filter_shutdown,
};
