/* SPDX-License-Identifier: ISC */
/*
 * The relay role: brings mails to other hosts (design section 2). It has no file but the bodies
 * that queue hands over, no listening socket, and no key: certd signs with those of the
 * certificates that it shows to servers.
 */
#include "config.h"

#include "worker/relay/relay.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/dns/resolver.h"
#include "worker/dns/sandbox_rules.h"
#include "worker/relay/client_certificates.h"
#include "worker/relay/job.h"
#include "worker/relay/pause.h"
#include "worker/relay/pool.h"
#include "worker/relay/sts.h"
#include "worker/relay/table.h"
#include "worker/relay/taken.h"
#include "worker/relay/tls_client.h"
#include "worker/roles.h"

/* Recipients: more than queue can have been told of without writing it down. */
#define TAKEN_MAX 4096
#define QUEUE_SECONDS 60 /* for queue to come back; it may crash some times before it does */

static struct relay relay;

static bool
is_settings(const struct mr_settings *settings)
{
	bool sound = memchr(settings->hostname, '\0', sizeof(settings->hostname)) != NULL &&
		     settings->hostname[0] != '\0' && settings->validation < DNS_VALIDATIONS &&
		     settings->sts_port <= UINT16_MAX;

	for (size_t i = 0; i < RESOLVERS_MAX; i++)
		sound = sound && memchr(settings->resolvers[i], '\0', RESOLVER_SIZE) != NULL;
	return sound;
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	memcpy(&relay.settings, message->body, sizeof(relay.settings));
	return is_settings(&relay.settings) ? 0 : -1;
}

static int
on_table(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	table_release(relay.coming);
	relay.coming = table_begin(message->body);
	return relay.coming == NULL ? -1 : 0;
}

static int
on_table_route(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	if (relay.coming == NULL || table_add(relay.coming, message->body) == -1)
		return -1;
	if (!table_is_whole(relay.coming))
		return 0;
	table_release(relay.table);
	relay.table = relay.coming;
	pauses_end(&relay);
	relay.coming = NULL;
	return 0;
}

/* The whole file that came along, with a NUL behind it; the caller's. NULL if it is longer. */
static char *
read_file(struct ipc_message *message, size_t max, size_t *length)
{
	int fd = ipc_take_fd(message);
	char *text = malloc(max + 1);
	ssize_t n = 1;

	for (*length = 0; text != NULL && n > 0 && *length <= max; *length += (size_t)n) {
		n = read(fd, text + *length, max + 1 - *length);
		if (n < 0)
			break;
	}
	close(fd);
	if (text == NULL || n < 0 || *length > max) {
		free(text);
		return NULL;
	}
	text[*length] = '\0';
	return text;
}

static int
on_anchors(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	size_t length;

	(void)channel;
	(void)context;
	free(relay.anchors);
	relay.anchors = read_file(message, RELAY_ANCHORS_MAX, &length);
	return relay.anchors == NULL ? -1 : 0;
}

static int
on_authorities(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	size_t length, count;
	char *pem = read_file(message, RELAY_AUTHORITIES_MAX, &length);

	(void)channel;
	(void)context;
	if (pem == NULL)
		return -1;
	count = tls_client_trust(relay.tls.ctx, pem, length);
	free(pem);
	log_event(LOG_INFO, "relay.authorities", KV_U64("certificates", count));
	return 0;
}

/* -- The channel to queue --------------------------------------------------------------- */

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	return job_start(&relay, message);
}

/* What an earlier relay has fetched. */
static int
on_policy(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qr_policy *kept = message->body;
	struct sts_policy policy = {.mode = (enum sts_mode)kept->mode, .max_age = kept->seconds};

	(void)channel;
	(void)context;
	if (!qr_policy_is_sound(kept, message->tail, message->tail_length) ||
	    kept->mode >= STS_MODES || message->tail_length > sizeof(policy.mx) ||
	    strlen(kept->id) >= STS_ID_SIZE)
		return -1;
	policy.mx_length = message->tail_length;
	if (policy.mx_length > 0)
		memcpy(policy.mx, message->tail, policy.mx_length);
	sts_remember(relay.sts, kept->domain, kept->id, &policy, kept->seconds);
	return 0;
}

/* To queue: this process has no files. */
static void
keep_policy(const char *domain, const char *id, const struct sts_policy *policy, void *arg)
{
	struct qr_policy kept = {.mode = (uint32_t)policy->mode, .seconds = policy->max_age};

	(void)arg;
	strlcpy(kept.domain, domain, sizeof(kept.domain));
	strlcpy(kept.id, id, sizeof(kept.id));
	if (relay.queue != NULL)
		(void)ipc_send(relay.queue, QR_KEEP_POLICY, 0, &kept, policy->mx, policy->mx_length,
			       -1);
}

static const struct ipc_handler queue_handlers[] = {
    {QR_SEND, on_send},
    {QR_POLICY, on_policy},
    {0, NULL},
};

/* Its successor begins anew, but for what hosts are taking right now. Who drains is done. */
static void
on_queue_ended(struct ipc_channel *channel, void *context)
{
	struct child *child = context;

	if (relay.queue != channel)
		return;
	relay.queue = NULL;
	if (relay.draining)
		child_exit(child);
	jobs_orphan(&relay);
	child_misses(child, "queue", QUEUE_SECONDS);
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mc_channel *to = message->body;
	struct child *child = context;

	(void)channel;
	if (to->peer_role == ROLE_CERTD)
		return client_certificates_set_channel(relay.certificates, ipc_take_fd(message));
	if (to->peer_role != ROLE_QUEUE)
		return -1;
	child_has(child);
	ipc_close(relay.queue);
	relay.queue = NULL;
	jobs_orphan(&relay);
	relay.queue = ipc_open(relay.base, ipc_take_fd(message), &queue_relay_boundary, IPC_SERVER,
			       queue_handlers, on_queue_ended, child, "queue");
	return relay.queue == NULL ? -1 : 0;
}

static const struct ipc_handler handlers[] = {
    {MR_SETTINGS, on_settings},
    {MR_TABLE, on_table},
    {MR_ROUTE, on_table_route},
    {MR_CHANNEL, on_channel},
    {MR_ANCHORS, on_anchors},
    {MR_AUTHORITIES, on_authorities},
    {0, NULL},
};

/* -- The role ------------------------------------------------------------------------------ */

static int
relay_init(struct child *child, struct error *err)
{
	child->context = &relay;
	relay.base = child->base;
	TAILQ_INIT(&relay.jobs);
	LIST_INIT(&relay.pauses);
	LIST_INIT(&relay.connections);
	TAILQ_INIT(&relay.idle);
	relay.room = event_new(relay.base, -1, 0, jobs_try_again, &relay);
	relay.taken = taken_new(TAKEN_MAX);
	if (relay.room == NULL || relay.taken == NULL)
		return error_set(err, "no memory");
	if (tls_client_start(&relay.tls, err) == -1)
		return -1;
	relay.certificates = client_certificates_new(relay.base, relay.tls.libctx, relay.room);
	return relay.certificates != NULL ? 0 : error_set(err, "no memory, or no fibres");
}

/* What libunbound opens for itself it opens here. */
static int
relay_prepare(struct child *child, struct error *err)
{
	const struct dns_trust trust = {(enum dns_validation)relay.settings.validation,
					relay.anchors};

	if (relay.settings.hostname[0] == '\0' || relay.table == NULL)
		return error_set(err, "started without its settings");
	relay.resolver = resolver_open(child->base, relay.settings.resolvers, &trust, err);
	free(relay.anchors);
	relay.anchors = NULL;
	if (relay.resolver == NULL)
		return -1;
	relay.sts =
	    sts_new(child->base, relay.resolver, relay.tls.ctx, (uint16_t)relay.settings.sts_port);
	if (relay.sts == NULL)
		return error_set(err, "no memory");
	sts_keep(relay.sts, keep_policy, NULL);
	return 0;
}

static int
relay_run(struct child *child, struct error *err)
{
	(void)err;
	child_ready(child);
	return 0;
}

/* Queue has another one for what comes: it closes this one's channel when the last is done. */
static void
relay_drain(struct child *child)
{
	relay.draining = true;
	pool_empty(&relay);
	if (relay.queue == NULL)
		child_exit(child);
}

/* Sockets of IPv4 and IPv6 only. bind(2) is for the ports that questions of DNS leave from; a
 * listening socket there is none. Of TCP, Landlock leaves a source address with any free port. */
static const char *const syscalls[] = {OUTGOING_SYSCALLS, "pread64", NULL};

static const struct sandbox_rules rules = {
    .role = "relay",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .arguments = outgoing_arguments,
    .descriptors = 4096,
    .connects = true,
};

const struct child_role relay_role = {
    .name = "relay",
    .control = &master_relay_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = relay_init,
    .prepare = relay_prepare,
    .run = relay_run,
    .drain = relay_drain,
};
