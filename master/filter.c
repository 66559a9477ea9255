/* SPDX-License-Identifier: ISC */
/* filter, as the master sees it: started unless the configuration has nothing for it to do. */
#include "common/proto/master_filter.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/master.h"
#include "master/resolvers.h"
#include "master/roles.h"

static struct mf_settings
settings_of(const struct configuration *conf)
{
	struct mf_settings settings;

	memset(&settings, 0, sizeof(settings));
	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	resolvers_of(conf, settings.resolvers);
	settings.max_message_size = conf->limits.message_size;
	settings.failure = conf->filter.failure;
	settings.sign = conf->filter.sign;
	settings.list_count = conf->filter.list_count;
	memcpy(settings.lists, conf->filter.lists, sizeof(settings.lists));
	settings.milter_count = conf->filter.milter_count;
	memcpy(settings.milters, conf->filter.milters, sizeof(settings.milters));
	memcpy(settings.actions, conf->filter.actions, sizeof(settings.actions));
	settings.exempt_count = (uint32_t)conf->filter.exempt.count;
	memcpy(settings.exempt, conf->filter.exempt.networks, sizeof(settings.exempt));
	for (size_t i = 0; i < conf->filter.arc_trusted_count; i++)
		strlcpy(settings.arc_trusted[i], conf->filter.arc_trusted[i], HOST_NAME_SIZE);
	return settings;
}

static int
configure(struct process *p, struct error *err)
{
	struct mf_settings *settings = &p->master->filter_told;

	(void)err;
	*settings = settings_of(master_conf(p->master));
	(void)ipc_send(p->control, MF_SETTINGS, 0, settings, NULL, 0, -1);
	return 0;
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	(void)ipc_send(p->control, MF_CHANNEL, 0, &channel, NULL, 0, fd);
}

int
filter_start(struct master *m)
{
	const struct configuration *conf = master_conf(m);
	struct mf_settings new;

	/* What it was told counts: it is more than the configuration says. */
	if (!conf_filters(conf)) {
		slot_stop(&m->filter);
		return 0;
	}
	if (!m->filter.wanted) {
		if (slot_init(&m->filter, m, &filter_master_role) == -1)
			return -1;
		slot_fill(&m->filter);
		return 0;
	}
	new = settings_of(conf);
	if (memcmp(&new, &m->filter_told, sizeof(new)) != 0)
		slot_restart(&m->filter);
	return 0;
}

bool
filter_ready(const struct master *m)
{
	return !m->filter.wanted || slot_ready(&m->filter);
}

/*
 * Filter has no files, and so no way to a socket among them: the master, which reads nothing from
 * it, connects to the one that the configuration names. That happens at once, or there is no room
 * for it just now (EAGAIN), and filter asks again, or it does not happen at all.
 */
static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), saved;

	strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd != -1 &&
	    connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) == 0)
		return fd;
	saved = errno;
	if (fd != -1)
		close(fd);
	errno = saved;
	return -1;
}

static int
on_connect(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mf_connect *asked = message->body;
	struct process *p = context;
	const struct conf_filter *conf = &master_conf(p->master)->filter;
	struct mf_unconnected answer = {.number = ENOENT};
	int fd = -1;

	if (message->id == 0 || asked->milter >= FILTER_MILTERS_MAX)
		return -1;
	/* A reload may have taken it away. */
	if (asked->milter < conf->milter_count && conf->milters[asked->milter].local == 1) {
		fd = connect_to(conf->milter_paths[asked->milter]);
		answer.number = errno;
	}
	if (fd == -1) {
		(void)ipc_send(channel, MF_UNCONNECTED, message->id, &answer, NULL, 0, -1);
		return 0;
	}
	(void)ipc_send(channel, MF_CONNECTED, message->id, NULL, NULL, 0, fd);
	close(fd);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {MF_CONNECT, on_connect},
    {0, NULL},
};

const struct master_role filter_master_role = {
    .role = ROLE_FILTER,
    .name = "filter",
    .program = "postern-filter",
    .boundary = &master_filter_boundary,
    .handlers = handlers,
    .chroot = true,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = slot_gone,
};
