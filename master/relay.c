/* SPDX-License-Identifier: ISC */
/* relay, as the master sees it: started if the configuration has it. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proto/master_certd.h"
#include "common/proto/master_relay.h"
#include "common/proto/queue_relay.h"
#include "master/master.h"
#include "master/network.h"
#include "master/password_file.h"
#include "master/resolvers.h"
#include "master/roles.h"
#include "master/trusted_file.h"

#define HOST_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt" /* Debian's ca-certificates */
#define DRAIN_SECONDS (RELAY_SECONDS + 120) /* by then it has told of each mail, late or not */

static struct mr_settings
settings_of(const struct configuration *conf)
{
	struct mr_settings settings = {.validation = conf->relay.validation,
				       .sts_port = conf->relay.sts_port};

	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	resolvers_of(conf, settings.resolvers);
	return settings;
}

static const char *
authorities_of(const struct configuration *conf)
{
	return conf->relay.authorities != NULL ? conf->relay.authorities : HOST_AUTHORITIES;
}

/* Changes with what the files say; 0 for those that are not there. */
static uint64_t
state_of_files(const struct configuration *conf)
{
	const char *const paths[] = {conf->relay.anchors, authorities_of(conf)};
	uint64_t state = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct stat st;

		if (paths[i] == NULL || stat(paths[i], &st) == -1)
			memset(&st, 0, sizeof(st));
		state = state * 1000003 + (uint64_t)st.st_ino;
		state = state * 1000003 + (uint64_t)st.st_size;
		state = state * 1000003 + (uint64_t)st.st_ctim.tv_sec;
		state = state * 1000003 + (uint64_t)st.st_ctim.tv_nsec;
	}
	return state;
}

/* -- Routes ---------------------------------------------------------------------------------- */

static struct mr_listener
listener_of(const struct endpoint *endpoint)
{
	struct mr_listener listener = {.port = endpoint_port(endpoint)};

	if (endpoint->address.any.sa_family == AF_INET6) {
		listener.address = endpoint->address.v6.sin6_addr;
		return listener;
	}
	listener.address.s6_addr[10] = listener.address.s6_addr[11] = 0xff;
	memcpy(listener.address.s6_addr + 12, &endpoint->address.v4.sin_addr,
	       sizeof(endpoint->address.v4.sin_addr));
	return listener;
}

/* Where this host takes mail from strangers. */
static void
own_listeners(const struct configuration *conf, struct mr_table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *listener = &conf->listeners[i];

		if (listener->service != SERVICE_SMTP)
			continue;
		for (size_t a = 0; a < listener->address_count && count < RELAY_LISTENERS_MAX; a++)
			table->listeners[count++] = listener_of(&listener->addresses[a]);
	}
}

static void
send_route(struct process *p, const struct conf_route *conf)
{
	struct mr_route route = {.port = conf->port,
				 .protocol = conf->protocol,
				 .tls = conf->tls,
				 .implicit_tls = conf->implicit_tls ? 1 : 0,
				 .inbound = conf->inbound ? 1 : 0,
				 .connections = conf->connections};
	struct error err;

	strlcpy(route.domain, conf->domain, sizeof(route.domain));
	strlcpy(route.host, conf->host, sizeof(route.host));
	strlcpy(route.helo, conf->helo, sizeof(route.helo));
	memcpy(route.source, conf->source, sizeof(route.source));
	strlcpy(route.user, conf->user, sizeof(route.user));
	strlcpy(route.certificate, conf->certificate, sizeof(route.certificate));
	if (conf->password_file != NULL && password_file_read(conf->password_file, route.password,
							      sizeof(route.password), &err) == -1)
		log_event(LOG_ERR, "relay.no_password", KV_STR("route", conf->domain),
			  KV_STR("why", err.text),
			  KV_STR("so", "mail of this route waits until a reload"));
	(void)ipc_send(p->control, MR_ROUTE, 0, &route, NULL, 0, -1);
	explicit_bzero(&route, sizeof(route));
}

static void
send_table(struct process *p)
{
	const struct conf_relay *conf = &master_conf(p->master)->relay;
	struct mr_table table = {.routes = (uint32_t)conf->route_count + 1,
				 .address_literals = conf->address_literals ? 1 : 0,
				 .reply_seconds = conf->reply_timeout};

	own_listeners(master_conf(p->master), &table);
	(void)ipc_send(p->control, MR_TABLE, 0, &table, NULL, 0, -1);
	for (size_t i = 0; i < conf->route_count; i++)
		send_route(p, &conf->routes[i]);
	send_route(p, &conf->standard);
}

static bool
same_certificates(const struct configuration *a, const struct configuration *b)
{
	char names[2][CERTD_RELAY_KEYS_MAX * CERT_NAME_SIZE];
	size_t length[2];

	(void)conf_relay_certificates(a, names[0], &length[0]);
	(void)conf_relay_certificates(b, names[1], &length[1]);
	return length[0] == length[1] && memcmp(names[0], names[1], length[0]) == 0;
}

/*
 * What is on its way goes on as it began. With other certificates there is a new channel to certd,
 * so that relay knows when those have come that the new routes name.
 */
static void
change_table(struct master *m, const struct configuration *old)
{
	if (!same_certificates(master_conf(m), old) && m->certd.process != NULL)
		processes_wire(m->relay.process, m->certd.process);
	send_table(m->relay.process);
}

static int
send_file(struct process *p, uint16_t type, const char *path, struct error *err)
{
	const struct ipc_empty empty = {{0}};
	int fd = trusted_file_open(path, TRUST_NOBODY_ELSE, err);

	if (fd == -1)
		return -1;
	(void)ipc_send(p->control, type, 0, &empty, NULL, 0, fd);
	close(fd);
	return 0;
}

static int
configure(struct process *p, struct error *err)
{
	const struct configuration *conf = master_conf(p->master);
	struct mr_settings *settings = &p->master->relay_told;
	struct error missing;

	*settings = settings_of(conf);
	p->master->relay_files = state_of_files(conf);
	(void)ipc_send(p->control, MR_SETTINGS, 0, settings, NULL, 0, -1);
	send_table(p);
	if (conf->relay.anchors != NULL && send_file(p, MR_ANCHORS, conf->relay.anchors, err) == -1)
		return -1;
	if (send_file(p, MR_AUTHORITIES, authorities_of(conf), &missing) == 0)
		return 0;
	/* A host without any is none where certificates are verified. */
	if (conf->relay.authorities == NULL)
		return 0;
	return error_set(err, "%s", missing.text);
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	(void)ipc_send(p->control, MR_CHANNEL, 0, &channel, NULL, 0, fd);
}

int
relay_start(struct master *m, const struct configuration *old)
{
	const struct configuration *conf = master_conf(m);
	struct mr_settings new;

	certd_tell_relay_keys(m);
	if (!conf->relay.wanted) {
		/* The queue keeps what it has for other domains. */
		slot_stop(&m->relay);
		return 0;
	}
	if (!m->relay.wanted) {
		if (slot_init(&m->relay, m, &relay_master_role) == -1)
			return -1;
		slot_fill(&m->relay);
		return 0;
	}
	if (old == NULL)
		return 0;
	new = settings_of(conf);
	if (memcmp(&new, &m->relay_told, sizeof(new)) != 0 ||
	    state_of_files(conf) != m->relay_files)
		slot_succeed(&m->relay, DRAIN_SECONDS);
	else if (m->relay.process != NULL && m->relay.process->control != NULL)
		change_table(m, old);
	return 0;
}

bool
relay_ready(const struct master *m)
{
	return !m->relay.wanted || slot_ready(&m->relay);
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {0, NULL},
};

const struct master_role relay_master_role = {
    .role = ROLE_RELAY,
    .name = "relay",
    .program = "postern-relay",
    .boundary = &master_relay_boundary,
    .handlers = handlers,
    .chroot = true,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = slot_gone,
};
