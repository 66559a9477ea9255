/* SPDX-License-Identifier: ISC */
/* Who speaks with whom. A channel is made whenever one of two such children starts. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "master/master.h"

static const struct {
	enum role a, b;
} wires[] = {
    {ROLE_GATE, ROLE_CERTD},     {ROLE_GATE, ROLE_ACCOUNTS},   {ROLE_GATE, ROLE_QUEUE},
    {ROLE_ACCOUNTS, ROLE_QUEUE}, {ROLE_ACCOUNTS, ROLE_VERIFY}, {ROLE_QUEUE, ROLE_RELAY},
    {ROLE_QUEUE, ROLE_FILTER},   {ROLE_QUEUE, ROLE_CERTD},     {ROLE_RELAY, ROLE_CERTD},
};

static bool
wired(enum role a, enum role b)
{
	for (size_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
		if ((wires[i].a == a && wires[i].b == b) || (wires[i].a == b && wires[i].b == a))
			return true;
	}
	return false;
}

void
processes_wire(struct process *p, struct process *q)
{
	int sv[2];

	if (ipc_pair(sv) == -1) {
		/* Without it the new child is of no use: it is started again later. */
		log_event(LOG_ERR, "channel.failed", KV_STR("child", p->name),
			  KV_STR("peer", q->name), KV_ERRNO(errno));
		process_kill(p);
		return;
	}
	p->role->give_channel(p, q, sv[0]);
	q->role->give_channel(q, p, sv[1]);
	close(sv[0]);
	close(sv[1]);
}

/* A relay that drains works for the queue that gave it its mails, and for no other. */
static bool
is_leaving(const struct process *p)
{
	return p->role->role == ROLE_RELAY && p->phase == PROCESS_DRAINING;
}

void
process_wire(struct process *p)
{
	struct process *q;

	for (q = processes_first(p->master); q != NULL; q = processes_next(q)) {
		if (q != p && process_alive(q) && !is_leaving(q) &&
		    wired(p->role->role, q->role->role))
			processes_wire(p, q);
	}
}
