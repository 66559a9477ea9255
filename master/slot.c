/* SPDX-License-Identifier: ISC */
#include "master/slot.h"

#include <stdlib.h>
#include <string.h>

#include "master/master.h"
#include "master/notify.h"

#define START_FAILURES_MAX 5 /* before the first readiness: then the master gives up */
#define SHUTDOWN_SECONDS 30
#define SUCCESSIONS_MAX 4 /* children that drain beside one another */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct slot *slot = arg;

	(void)fd;
	(void)what;
	if (slot->wanted && slot->process == NULL)
		slot_fill(slot);
}

int
slot_init(struct slot *slot, struct master *m, const struct master_role *role)
{
	memset(slot, 0, sizeof(*slot));
	slot->master = m;
	slot->role = role;
	slot->timer = evtimer_new(m->base, on_timer, slot);
	slot->wanted = true;
	return slot->timer == NULL ? -1 : 0;
}

void
slot_close(struct slot *slot)
{
	slot->wanted = false;
	if (slot->timer != NULL)
		event_free(slot->timer);
	slot->timer = NULL;
}

void
slot_stop(struct slot *slot)
{
	struct process *p = slot->process;

	if (!slot->wanted)
		return;
	slot_close(slot);
	if (p != NULL)
		process_shutdown(p, SHUTDOWN_SECONDS);
}

bool
slot_ready(const struct slot *slot)
{
	return slot->process != NULL && slot->process->phase == PROCESS_RUNNING;
}

/* Plans the next start. Returns the seconds until then, or UINT_MAX if the master gives up. */
static unsigned
plan_start(struct slot *slot, uint64_t lived)
{
	struct master *m = slot->master;
	struct timeval tv = {0};

	if (m->phase == MASTER_STARTING && slot->backoff.failures >= START_FAILURES_MAX) {
		slot->wanted = false;
		return UINT_MAX;
	}
	tv.tv_sec = backoff_next(&slot->backoff, lived, master_conf(m)->limits.restart_delay);
	evtimer_add(slot->timer, &tv);
	return (unsigned)tv.tv_sec;
}

static void
give_up(struct slot *slot)
{
	log_event(LOG_CRIT, "child.given_up", KV_STR("child", slot->role->name),
		  KV_U64("starts", START_FAILURES_MAX + 1),
		  KV_STR("why", "it never became ready; its own lines above say why"));
	master_fail(slot->master, "a child could not be started");
}

void
slot_fill(struct slot *slot)
{
	struct master *m = slot->master;
	const struct master_role *role = slot->role;
	struct error err = {.text = ""};
	unsigned wait;

	slot->process = process_start(m, role, slot, role->name, m->users.uid[role->role],
				      m->users.gid[role->role], &err);
	if (slot->process != NULL)
		return;
	wait = plan_start(slot, 0);
	log_event(LOG_ERR, "child.not_started", KV_STR("child", role->name),
		  KV_STR("why", err.text), KV_U64("again_in_s", wait));
	if (wait == UINT_MAX)
		give_up(slot);
}

void
slot_restart(struct slot *slot)
{
	slot->backoff.failures = 0;
	if (slot->process != NULL)
		process_shutdown(slot->process, SHUTDOWN_SECONDS);
}

void
slot_renew(struct slot *slot, unsigned seconds)
{
	slot->backoff.failures = 0;
	/* Another renewal does not give it more time. */
	if (slot->process != NULL && slot->process->phase < PROCESS_DRAINING)
		process_drain(slot->process, seconds);
}

void
slot_succeed(struct slot *slot, unsigned seconds)
{
	struct process *old = slot->process;

	if (!slot_ready(slot) ||
	    processes_count(slot->master, slot->role->role) > SUCCESSIONS_MAX) {
		slot_restart(slot);
		return;
	}
	old->owner = NULL;
	slot->backoff.failures = 0;
	slot_fill(slot);
	process_drain(old, seconds);
}

/* For who looks at the unit while something is missing; readiness says that all is well again. */
static void
tell_init(const char *name, const char *how, unsigned wait)
{
	char line[ADDRESS_SIZE + PROCESS_STATUS_SIZE + 64];

	snprintf(line, sizeof(line), "%s %s, and is started again in %u s", name, how, wait);
	notify_status(line);
}

void
slot_gone(struct process *p, int status)
{
	struct slot *slot = p->owner;
	struct master *m = p->master;
	bool intended = p->phase >= PROCESS_DRAINING && status == 0;
	char text[PROCESS_STATUS_SIZE];
	unsigned wait;

	/* Who drains beside a successor, and a gate that is full, has left its slot. */
	if (slot == NULL || slot->process != p || !slot->wanted) {
		log_event(status == 0 ? LOG_INFO : LOG_ERR, "child.ended", KV_STR("child", p->name),
			  KV_I64("pid", p->pid), KV_STR("how", process_status_text(status, text)));
		if (slot != NULL && slot->process == p)
			slot->process = NULL;
		master_child_gone(m);
		return;
	}
	slot->process = NULL;
	wait = plan_start(slot, intended ? BACKOFF_HEALTHY : process_age(p));
	log_event(intended ? LOG_INFO : LOG_ERR, "child.died", KV_STR("child", p->name),
		  KV_I64("pid", p->pid), KV_STR("how", process_status_text(status, text)),
		  KV_U64("lived_s", process_age(p)), KV_U64("again_in_s", wait));
	tell_init(p->name, text, wait);
	if (wait == UINT_MAX)
		give_up(slot);
}
