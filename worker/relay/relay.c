/* SPDX-License-Identifier: ISC */
/*
 * The relay role: brings mails to other hosts (design section 2). It has no file but the bodies
 * that queue hands over, no listening socket, and no key.
 */
#include "config.h"

#include "worker/relay/relay.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "worker/dns/resolver.h"
#include "worker/relay/job.h"
#include "worker/roles.h"

static struct relay relay;

static bool
is_settings(const struct mr_settings *settings)
{
	bool sound = memchr(settings->hostname, '\0', sizeof(settings->hostname)) != NULL &&
		     memchr(settings->host, '\0', sizeof(settings->host)) != NULL &&
		     settings->port >= 1 && settings->port <= UINT16_MAX &&
		     settings->tls < RELAY_TLS_COUNT;

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

/* -- The channel to queue --------------------------------------------------------------- */

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return job_start(context, message);
}

static const struct ipc_handler queue_handlers[] = {
    {QR_SEND, on_send},
    {0, NULL},
};

/* Its successor begins anew. */
static void
on_queue_ended(struct ipc_channel *channel, void *context)
{
	struct relay *r = context;

	if (r->queue != channel)
		return;
	r->queue = NULL;
	jobs_drop(r);
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mc_channel *to = message->body;

	(void)channel;
	(void)context;
	if (to->peer_role != ROLE_QUEUE)
		return -1;
	ipc_close(relay.queue);
	jobs_drop(&relay);
	relay.queue = ipc_open(relay.base, ipc_take_fd(message), &queue_relay_boundary, IPC_SERVER,
			       queue_handlers, on_queue_ended, &relay, "queue");
	return relay.queue == NULL ? -1 : 0;
}

static const struct ipc_handler handlers[] = {
    {MR_SETTINGS, on_settings},
    {MR_CHANNEL, on_channel},
    {0, NULL},
};

/* -- The role ------------------------------------------------------------------------------ */

/*
 * Whose certificate it is is not looked at: without a policy for the domain nobody could say whose
 * it should be, and TLS to anybody is better than none (RFC 7435).
 */
static int
open_tls(struct error *err)
{
	/* No configuration file: it could load modules. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return error_set(err, "OpenSSL does not start");
	relay.tls = SSL_CTX_new(TLS_client_method());
	if (relay.tls == NULL || SSL_CTX_set_min_proto_version(relay.tls, TLS1_2_VERSION) != 1)
		return error_set(err, "OpenSSL makes no context");
	SSL_CTX_set_verify(relay.tls, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_mode(relay.tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					      SSL_MODE_RELEASE_BUFFERS);
	return 0;
}

static int
relay_init(struct child *child, struct error *err)
{
	child->context = &relay;
	relay.base = child->base;
	LIST_INIT(&relay.jobs);
	LIST_INIT(&relay.connections);
	return open_tls(err);
}

/* What libunbound opens for itself it opens here. */
static int
relay_prepare(struct child *child, struct error *err)
{
	size_t count = 0;

	if (relay.settings.port == 0)
		return error_set(err, "started without its settings");
	while (count < RESOLVERS_MAX && relay.settings.resolvers[count][0] != '\0')
		count++;
	relay.resolver = resolver_open(child->base, relay.settings.resolvers, count, err);
	return relay.resolver == NULL ? -1 : 0;
}

static int
relay_run(struct child *child, struct error *err)
{
	(void)err;
	child_ready(child);
	return 0;
}

static void
relay_drain(struct child *child)
{
	child_exit(child);
}

/* Sockets of IPv4 and IPv6 only. bind(2) is for the ports that questions of DNS leave from; a
 * listening socket there is none, and TCP's bind is refused by Landlock. */
static const char *const syscalls[] = {
    "bind", "connect", "getpeername", "getsockname", "setsockopt", "pread64", NULL,
};

static const struct sandbox_argument arguments[] = {
    {"socket", 0, UINT64_MAX, AF_INET},
    {"socket", 0, UINT64_MAX, AF_INET6},
    {NULL, 0, 0, 0},
};

static const struct sandbox_rules rules = {
    .role = "relay",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .arguments = arguments,
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
