/* SPDX-License-Identifier: ISC */
/*
 * accounts - who is a recipient here, and who is who.
 *
 * Serves gates (gate_accounts.h) and queue (accounts_queue.h) from accounts.conf, which the master
 * hands over whenever it changes. Opens no file and no socket; passwords are verified on threads
 * that were started before the sandbox closed, so that the answers about recipients never wait for
 * them.
 */
#include "config.h"

#include "worker/accounts/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_accounts.h"
#include "common/proto/master_relay.h"
#include "worker/accounts/answers.h"
#include "worker/accounts/load.h"
#include "worker/roles.h"

#define THREADS_MAX 256
#define JOBS_A_THREAD 128 /* some seconds of hashing */

static struct accounts_service service;

/*
 * -- Gates ------------------------------------------------------------------------
 */

enum rcpt_verdict
accounts_resolve(const struct accounts_service *s, const char *path, size_t length,
		 struct resolved *resolved)
{
	enum rcpt_verdict verdict = resolve_mailbox(s->resolver, path, length, resolved);

	if (verdict == RCPT_UNAVAILABLE)
		log_event(LOG_ERR, "accounts.unavailable", KV_MEM("rcpt", path, length),
			  KV_STR("why", s->accounts == NULL
					    ? "no good accounts.conf has been read yet"
					    : "there is no account to take mail for postmaster"));
	return verdict;
}

static int
on_rcpt(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct resolved resolved;
	struct ga_rcpt_verdict verdict = {
	    .verdict = accounts_resolve(&service, message->tail, message->tail_length, &resolved)};

	(void)context;
	(void)ipc_send(channel, GA_RCPT_VERDICT, message->id, &verdict, NULL, 0, -1);
	return 0;
}

static void
on_gate_ended(struct ipc_channel *channel, void *context)
{
	struct gate_channel *gate = context;

	login_gate_gone(&service, channel);
	LIST_REMOVE(gate, entry);
	free(gate);
	accounts_rest(&service);
}

static const struct ipc_handler gate_handlers[] = {
    {GA_RCPT, on_rcpt},
    {GA_LOGIN, login_handle},
    {GA_EXTERNAL, external_handle},
    {GA_SCRAM, scram_handle},
    {GA_RESPONSE, scram_handle_response},
    {GA_FORGET, scram_handle_forget},
    {0, NULL},
};

/*
 * -- The master -------------------------------------------------------------------
 */

static void
open_gate(const struct early *from)
{
	struct gate_channel *gate = calloc(1, sizeof(*gate));
	char peer[32];

	snprintf(peer, sizeof(peer), "gate %u", from->channel.peer);
	if (gate == NULL) {
		close(from->fd);
	} else {
		gate->service = &service;
		gate->trust_count = from->trust_count;
		memcpy(gate->trusts, from->trusts, sizeof(gate->trusts));
		gate->channel = ipc_open(service.child->base, from->fd, &gate_accounts_boundary,
					 IPC_SERVER, gate_handlers, on_gate_ended, gate, peer);
	}
	if (gate == NULL || gate->channel == NULL) {
		free(gate);
		log_event(LOG_ERR, "accounts.channel", KV_STR("peer", peer),
			  KV_STR("why", "no memory"));
		return;
	}
	LIST_INSERT_HEAD(&service.gate_channels, gate, entry);
	offer_tell(&service, gate);
	clients_tell(&service, gate);
}

static void
open_channel(const struct early *from)
{
	if (from->channel.peer_role == ROLE_QUEUE)
		answers_open(&service, from->fd);
	else if (from->channel.peer_role == ROLE_VERIFY)
		clients_open(&service, from->fd);
	else
		open_gate(from);
}

static int
on_srs(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ma_srs *srs = message->body;

	(void)channel;
	(void)context;
	if (srs->forwards > 1 || srs->count > SRS_SECRETS_MAX ||
	    memchr(srs->domain, '\0', sizeof(srs->domain)) == NULL)
		return -1;
	service.srs = *srs;
	return 0;
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ma_settings *settings = message->body;
	struct resolver *resolver =
	    resolver_new(message->tail, message->tail_length, settings->count);

	(void)channel;
	(void)context;
	if (resolver == NULL || settings->threads == 0 || settings->threads > THREADS_MAX ||
	    memchr(settings->hostname, '\0', sizeof(settings->hostname)) == NULL) {
		resolver_free(resolver);
		return -1;
	}
	service.any_sender = settings->any_sender == 1;
	resolver_set_host(resolver, settings->hostname);
	resolver_set_separator(resolver, (char)settings->separator);
	resolver_set_srs(resolver, &service.srs);
	resolver_take_inbound(resolver, &service.inbound);
	service.threads = settings->threads; /* of effect before the start only */
	resolver_use(resolver, service.accounts);
	resolver_free(service.resolver);
	service.resolver = resolver;
	load_warn(&service);
	return 0;
}

/* Behind the settings, which have all domains. */
static int
on_domain(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ma_domain *domain = message->body;

	(void)channel;
	(void)context;
	if (service.resolver == NULL || domain->separator > 126 || domain->forward > 1 ||
	    memchr(domain->name, '\0', sizeof(domain->name)) == NULL)
		return -1;
	return resolver_set_domain(service.resolver, domain->name, (char)domain->separator,
				   domain->forward == 1);
}

/* In front of the settings: no mail for it is refused meanwhile. */
static int
on_inbound(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ma_inbound *inbound = message->body;

	(void)channel;
	(void)context;
	if (memchr(inbound->name, '\0', sizeof(inbound->name)) == NULL ||
	    service.inbound.count >= RELAY_ROUTES_MAX)
		return -1;
	return inbound_add(&service.inbound, inbound->name);
}

static int
on_file(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ma_file *file = message->body;
	int fd = ipc_take_fd(message);

	(void)channel;
	(void)context;
	if (service.running) {
		load_file(&service, fd, file->generation, message->id);
		return 0;
	}
	if (service.early_file != -1)
		close(service.early_file);
	service.early_file = fd;
	service.early_generation = *file;
	service.early_id = message->id;
	return 0;
}

static bool
channel_is_valid(const struct mc_channel *from, size_t tail_length)
{
	if (from->peer_role == ROLE_GATE)
		return tail_length % sizeof(uint32_t) == 0;
	return (from->peer_role == ROLE_QUEUE || from->peer_role == ROLE_VERIFY) &&
	       tail_length == 0;
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct early *early;

	(void)channel;
	(void)context;
	if (!channel_is_valid(message->body, message->tail_length))
		return -1;
	early = calloc(1, sizeof(*early));
	if (early == NULL)
		return 0;
	early->channel = *(const struct mc_channel *)message->body;
	early->fd = ipc_take_fd(message);
	early->trust_count = message->tail_length / sizeof(uint32_t);
	memcpy(early->trusts, message->tail, message->tail_length);
	if (!service.ready) {
		STAILQ_INSERT_TAIL(&service.earlies, early, entry);
		return 0;
	}
	open_channel(early);
	free(early);
	return 0;
}

static int
on_quota(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct ma_quota quota = {.storage = 0};
	const struct account *account = NULL;
	char name[ADDRESS_SIZE];

	(void)context;
	if (message->id == 0 || message->tail_length >= sizeof(name))
		return -1;
	memcpy(name, message->tail, message->tail_length);
	name[message->tail_length] = '\0';
	if (service.accounts != NULL)
		account = accounts_find(service.accounts, name);
	if (account != NULL) {
		quota.storage = account->quota;
		quota.messages = account->quota_messages;
	}
	return ipc_send(channel, MA_QUOTA_IS, message->id, &quota, NULL, 0, -1);
}

static const struct ipc_handler master_handlers[] = {
    {MA_SETTINGS, on_settings}, {MA_FILE, on_file}, {MA_CHANNEL, on_channel},
    {MA_QUOTA, on_quota},       {MA_SRS, on_srs},   {MA_DOMAIN, on_domain},
    {MA_INBOUND, on_inbound},   {0, NULL},
};

/*
 * -- The process ------------------------------------------------------------------
 */

void
accounts_rest(struct accounts_service *s)
{
	if (s->draining && LIST_EMPTY(&s->gate_channels) && TAILQ_EMPTY(&s->logins))
		child_exit(s->child);
}

static int
accounts_init(struct child *child, struct error *err)
{
	(void)err;
	service.child = child;
	service.early_file = -1;
	TAILQ_INIT(&service.logins);
	LIST_INIT(&service.gate_channels);
	LIST_INIT(&service.questions);
	STAILQ_INIT(&service.earlies);
	child->context = &service;
	return 0;
}

static int
accounts_prepare(struct child *child, struct error *err)
{
	uint64_t seed;

	if (service.resolver == NULL)
		return error_set(err, "started without settings");
	arc4random_buf(&seed, sizeof(seed));
	arc4random_buf(&service.secret, sizeof(service.secret));
	arc4random_buf(service.scram_secret, sizeof(service.scram_secret));
	service.throttle = throttle_new(THROTTLE_ENTRIES, seed);
	if (service.throttle == NULL)
		return error_errno(err, "the throttle");
	if (crypt_gensalt_rn(NULL, 0, NULL, 0, service.setting, sizeof(service.setting)) == NULL)
		return error_errno(err, "crypt_gensalt");
	service.pool =
	    pool_new(child->base, service.threads, (size_t)service.threads * JOBS_A_THREAD, err);
	return service.pool == NULL ? -1 : 0;
}

/* Serves from now on: with the first file, good or not, or without one. */
static void
serve(void)
{
	struct early *early;

	service.ready = true;
	while ((early = STAILQ_FIRST(&service.earlies)) != NULL) {
		STAILQ_REMOVE_HEAD(&service.earlies, entry);
		open_channel(early);
		free(early);
	}
	child_ready(service.child);
}

void
accounts_loaded(struct accounts_service *s)
{
	if (!s->ready)
		serve();
}

static int
accounts_run(struct child *child, struct error *err)
{
	(void)child;
	(void)err;
	service.running = true;
	if (service.early_file == -1) {
		serve();
		return 0;
	}
	load_file(&service, service.early_file, service.early_generation.generation,
		  service.early_id);
	service.early_file = -1;
	return 0;
}

/* Gates drain too, and may ask until the last of their connections is gone. */
static void
accounts_drain(struct child *child)
{
	(void)child;
	service.draining = true;
	accounts_rest(&service);
}

/* The file is read by descriptor; a submitter's channel is made; the threads hash. */
static const char *const syscalls[] = {"pread64", NULL};

static const struct sandbox_argument arguments[] = {
    {"socketpair", 0, UINT64_MAX, AF_UNIX},
    {NULL, 0, 0, 0},
};

static const struct sandbox_rules rules = {
    .role = "accounts",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .arguments = arguments,
};

const struct child_role accounts_role = {
    .name = "accounts",
    .control = &master_accounts_boundary,
    .handlers = master_handlers,
    .rules = &rules,
    .init = accounts_init,
    .prepare = accounts_prepare,
    .run = accounts_run,
    .drain = accounts_drain,
};
