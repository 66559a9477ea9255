/* SPDX-License-Identifier: ISC */
/* queue, as the master sees it. */
#include "common/proto/master_filter.h"
#include "common/proto/master_queue.h"
#include "common/proto/queue_filter.h"

#include <string.h>
#include <unistd.h>

#include "master/master.h"
#include "master/roles.h"
#include "master/state.h"

/* What the milters that see mail of KIND may do to its envelope, all of them together. */
static uint32_t
envelope_of(const struct conf_filter *filter, uint32_t kind)
{
	uint32_t most = FILTER_ENVELOPE_OFF;

	for (uint32_t i = 0; i < filter->milter_count; i++) {
		if ((filter->milters[i].kinds & kind) != 0 && filter->milters[i].envelope > most)
			most = filter->milters[i].envelope;
	}
	return most;
}

static struct mq_settings
settings_of(const struct configuration *conf)
{
	struct mq_settings settings = {
	    .max_message_size = conf->limits.message_size,
	    .max_recipients = conf->limits.recipients,
	    .retry = conf->limits.retry,
	    .relay = conf_reach(conf),
	    .expire = conf->relay.expire,
	    .delay_notice = conf->queue.delay_notice,
	    .check_author = conf->sender_check == SENDER_CHECK_BOTH,
	    .limits = conf->submit_limits,
	    .greylist = conf->defences.greylist,
	};

	if (conf->filter.check != FILTER_CHECK_NONE)
		settings.filter_kinds |= FILTER_STRANGER;
	for (uint32_t i = 0; i < conf->filter.milter_count; i++)
		settings.filter_kinds |= conf->filter.milters[i].kinds & FILTER_SUBMITTER;
	settings.filter_local = conf->filter.check == FILTER_CHECK_ALL ? 1 : 0;
	settings.filter_failure = conf->filter.failure;
	settings.filter_sign = conf->filter.sign;
	settings.filter_envelope_strangers = envelope_of(&conf->filter, FILTER_STRANGER);
	settings.filter_envelope_submitters = envelope_of(&conf->filter, FILTER_SUBMITTER);
	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	return settings;
}

bool
queue_settings_differ(const struct configuration *conf, const struct configuration *old)
{
	struct mq_settings new = settings_of(conf), before = settings_of(old);

	return memcmp(&new, &before, sizeof(new)) != 0;
}

int
queue_administrate(struct master *m, int fd)
{
	struct process *p = m->queue.process;

	if (p == NULL || (p->phase != PROCESS_RUNNING && p->phase != PROCESS_DRAINING) ||
	    p->control == NULL)
		return -1;
	return ipc_send(p->control, MQ_ADMIN, 0, NULL, NULL, 0, fd);
}

static int
configure(struct process *p, struct error *err)
{
	const struct master *m = p->master;
	struct mq_settings settings = settings_of(master_conf(m));
	int folder = state_open(master_conf(m), &m->users, STATE_QUEUE, err);

	if (folder == -1)
		return -1;
	(void)ipc_send(p->control, MQ_SETTINGS, 0, &settings, NULL, 0, folder);
	close(folder);
	return 0;
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	(void)ipc_send(p->control, MQ_CHANNEL, 0, &channel, NULL, 0, fd);
}

static int
on_attach(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	struct process *p = context;
	struct attach attach = {
	    .kind = ATTACH_DELIVERY,
	    .asker = p->number,
	    .request = message->id,
	};

	(void)control;
	return sessions_attach(p->master, &attach, message->tail, message->tail_length);
}

static void
on_ready(struct process *p)
{
	certs_notify(p->master);
	master_child_ready(p);
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {MQ_ATTACH, on_attach},
    {0, NULL},
};

const struct master_role queue_master_role = {
    .role = ROLE_QUEUE,
    .name = "queue",
    .program = "postern-worker",
    .boundary = &master_queue_boundary,
    .handlers = handlers,
    .configure = configure,
    .give_channel = give_channel,
    .ready = on_ready,
    .gone = slot_gone,
};
