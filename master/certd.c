/* SPDX-License-Identifier: ISC */
/* certd, as the master sees it. */
#include "common/cert_name.h"
#include "common/proto/master_certd.h"

#include <string.h>
#include <unistd.h>

#include "master/master.h"
#include "master/roles.h"
#include "master/state.h"

static void
send_relay_keys(struct process *p)
{
	char names[CERTD_RELAY_KEYS_MAX * CERT_NAME_SIZE];
	struct md_relay_keys keys = {.zero = 0};
	size_t length;

	keys.count = (uint32_t)conf_relay_certificates(master_conf(p->master), names, &length);
	(void)ipc_send(p->control, MD_RELAY_KEYS, 0, &keys, names, length, -1);
}

static int
configure(struct process *p, struct error *err)
{
	const struct master *m = p->master;
	uint32_t uid = m->users.uid[ROLE_CERTD];
	const struct configuration *conf = master_conf(m);
	struct md_settings settings = {.uid = uid == UINT32_MAX ? geteuid() : uid};
	int folder = state_open(conf, &m->users, STATE_CERTS, err);

	if (folder == -1)
		return -1;
	strlcpy(settings.host, conf->hostname, sizeof(settings.host));
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		/* A name that is given and missing is a mistake, not a first start. */
		if (l->tls != TLS_NONE && l->certificates.count == 0)
			settings.first = 1;
	}
	(void)ipc_send(p->control, MD_SETTINGS, 0, &settings, NULL, 0, folder);
	close(folder);
	send_relay_keys(p);
	return 0;
}

void
certd_tell_relay_keys(struct master *m)
{
	struct process *p = m->certd.process;

	if (p != NULL && p->control != NULL)
		send_relay_keys(p);
}

/* Queue has mails signed. A gate may use the keys that its listeners can choose. */
static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	char names[CERTD_NAMES_MAX];
	struct md_gate gate = {.gate = peer->number};
	size_t length;

	if (peer->role->role == ROLE_QUEUE) {
		(void)ipc_send(p->control, MD_QUEUE, 0, NULL, NULL, 0, fd);
		return;
	}
	if (peer->role->role == ROLE_RELAY) {
		(void)ipc_send(p->control, MD_RELAY, 0, NULL, NULL, 0, fd);
		return;
	}
	conf_gate_keys(gate_generation(peer)->conf, &gate, names, &length);
	(void)ipc_send(p->control, MD_GATE, 0, &gate, names, length, fd);
}

int
certd_administrate(struct master *m, int fd)
{
	struct process *p = m->certd.process;

	if (p == NULL || p->phase != PROCESS_RUNNING || p->control == NULL)
		return -1;
	return ipc_send(p->control, MD_ADMIN, 0, NULL, NULL, 0, fd);
}

void
certd_reload(struct master *m)
{
	struct process *p = m->certd.process;

	/* One that is starting reads the folder anyway. */
	if (p != NULL && p->phase == PROCESS_RUNNING && p->control != NULL)
		(void)ipc_send(p->control, MD_RELOAD, 0, NULL, NULL, 0, -1);
}

static int
on_self_signed(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct md_self_signed *report = message->body;
	struct process *p = context;

	(void)control;
	if (memchr(report->name, '\0', sizeof(report->name)) == NULL ||
	    (report->name[0] != '\0' && !cert_name_valid(report->name)))
		return -1;
	strlcpy(p->master->self_signed, report->name, sizeof(p->master->self_signed));
	return 0;
}

static int
on_certificate(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	struct process *p = context;

	(void)control;
	return certs_told(&p->master->certs, message->body);
}

static int
on_told(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	struct process *p = context;

	(void)control;
	(void)message;
	certs_all_told(&p->master->certs);
	certs_notify(p->master);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MD_SELF_SIGNED, on_self_signed},
    {MD_CERTIFICATE, on_certificate},
    {MD_TOLD, on_told},
    {MC_READY, process_on_ready},
    {0, NULL},
};

const struct master_role certd_master_role = {
    .role = ROLE_CERTD,
    .name = "certd",
    .program = "postern-certd",
    .boundary = &master_certd_boundary,
    .handlers = handlers,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = slot_gone,
};
