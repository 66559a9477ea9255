/* SPDX-License-Identifier: ISC */
/* relay, as the master sees it: started if the configuration has it. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proto/master_relay.h"
#include "master/master.h"
#include "master/resolvers.h"
#include "master/roles.h"
#include "master/trusted_file.h"

#define HOST_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt" /* Debian's ca-certificates */

static struct mr_settings
settings_of(const struct configuration *conf)
{
	struct mr_settings settings = {.port = conf->relay.port,
				       .tls = conf->relay.tls,
				       .validation = conf->relay.validation,
				       .sts_port = conf->relay.sts_port};

	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	strlcpy(settings.host, conf->relay.host, sizeof(settings.host));
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
	struct mr_settings settings = settings_of(conf);
	struct error missing;

	p->master->relay_files = state_of_files(conf);
	(void)ipc_send(p->control, MR_SETTINGS, 0, &settings, NULL, 0, -1);
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
	struct mr_settings new, before;

	if (!conf->relay.wanted)
		return 0;
	if (m->relay.master == NULL) {
		if (slot_init(&m->relay, m, &relay_master_role) == -1)
			return -1;
		slot_fill(&m->relay);
		return 0;
	}
	if (old == NULL)
		return 0;
	new = settings_of(conf);
	before = settings_of(old);
	if (memcmp(&new, &before, sizeof(new)) != 0 || state_of_files(conf) != m->relay_files)
		slot_restart(&m->relay);
	return 0;
}

bool
relay_ready(const struct master *m)
{
	return m->relay.master == NULL || slot_ready(&m->relay);
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
