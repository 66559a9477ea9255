/* SPDX-License-Identifier: ISC */
/* certd, as the master sees it. */
#include "common/proto/master_certd.h"

#include <unistd.h>

#include "master/master.h"
#include "master/roles.h"
#include "master/state.h"

static int
configure(struct process *p, struct error *err)
{
	const struct master *m = p->master;
	uint32_t uid = m->users.uid[ROLE_CERTD];
	struct md_settings settings = {.uid = uid == UINT32_MAX ? geteuid() : uid};
	int folder = state_open(master_conf(m), &m->users, STATE_CERTS, err);

	if (folder == -1)
		return -1;
	(void)ipc_send(p->control, MD_SETTINGS, 0, &settings, NULL, 0, folder);
	close(folder);
	return 0;
}

/* The peer is a gate: it may use the keys of its own listeners. */
static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	char names[CERTD_NAMES_MAX];
	struct md_gate gate = {.gate = peer->number};
	size_t length;

	gate.count = (uint32_t)conf_certificates(gate_generation(peer)->conf, names, &length);
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

static const struct ipc_handler handlers[] = {
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
