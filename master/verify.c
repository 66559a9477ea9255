/* SPDX-License-Identifier: ISC */
/* verify, as the master sees it: it hands over authorities and CRLs (trust.h). */
#include "common/proto/master_verify.h"

#include "master/master.h"
#include "master/roles.h"
#include "master/trust.h"

static int
configure(struct process *p, struct error *err)
{
	(void)err;
	trust_send(p->master, p);
	return 0;
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	(void)ipc_send(p->control, MV_CHANNEL, 0, &channel, NULL, 0, fd);
}

int
verify_start(struct master *m)
{
	if (!conf_asks_clients(master_conf(m)))
		return 0;
	if (m->verify.master == NULL) {
		if (slot_init(&m->verify, m, &verify_master_role) == -1)
			return -1;
		slot_fill(&m->verify);
	} else {
		trust_changed(m);
	}
	return 0;
}

bool
verify_ready(const struct master *m)
{
	return m->verify.master == NULL || slot_ready(&m->verify);
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {0, NULL},
};

const struct master_role verify_master_role = {
    .role = ROLE_VERIFY,
    .name = "verify",
    .program = "postern-verify",
    .boundary = &master_verify_boundary,
    .handlers = handlers,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = slot_gone,
};
