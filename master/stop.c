/* SPDX-License-Identifier: ISC */
/*
 * Stopping, in the order in which work flows: gates finish what they have, queue what it is
 * delivering, then relay, filter, sessions, accounts and certd go, each kind when the one before it
 * is gone.
 */
#include "master/master.h"
#include "master/notify.h"
#include "master/roles.h"

#define HASTE_SECONDS 5 /* for gates that were told to drain no longer */
#define KILL_SECONDS 10 /* from the end of anybody's time until nothing is left of him */

static void
close_queue(struct master *m)
{
	slot_close(&m->queue);
}

static void
close_relay(struct master *m)
{
	slot_close(&m->relay);
}

static void
close_filter(struct master *m)
{
	slot_close(&m->filter);
}

static void
close_accounts(struct master *m)
{
	slot_close(&m->accounts);
}

static void
close_verify(struct master *m)
{
	slot_close(&m->verify);
}

static void
close_certd(struct master *m)
{
	slot_close(&m->certd);
}

/* Whom the phase waits for, and how whom the next phase waits for is told to go. */
static const struct {
	enum role waits_for;
	void (*close)(struct master *); /* their slot, so that none is started again */
	unsigned seconds;               /* until they are killed */
} stops[] = {
    [MASTER_STOPPING_GATES] = {ROLE_GATE, NULL, 0},
    [MASTER_STOPPING_QUEUE] = {ROLE_QUEUE, close_queue, 30},
    [MASTER_STOPPING_RELAY] = {ROLE_RELAY, close_relay, 5},
    [MASTER_STOPPING_FILTER] = {ROLE_FILTER, close_filter, 5},
    [MASTER_STOPPING_SESSIONS] = {ROLE_SESSION, NULL, 30},
    [MASTER_STOPPING_ACCOUNTS] = {ROLE_ACCOUNTS, close_accounts, 5},
    [MASTER_STOPPING_VERIFY] = {ROLE_VERIFY, close_verify, 5},
    [MASTER_STOPPING_CERTD] = {ROLE_CERTD, close_certd, 5},
};

/* A host that is just taking a mail would get it again if nobody heard that it has. */
static void
end(struct master *m)
{
	unsigned patience = master_conf(m)->limits.drain_timeout;

	if (stops[m->phase].close != NULL)
		stops[m->phase].close(m);
	if (m->phase == MASTER_STOPPING_QUEUE && patience > 0 && !m->hastened) {
		notify_wait(patience + KILL_SECONDS);
		processes_drain(m, ROLE_QUEUE, patience);
	} else {
		notify_wait(stops[m->phase].seconds + KILL_SECONDS);
		processes_shutdown(m, stops[m->phase].waits_for, stops[m->phase].seconds);
	}
}

void
master_stop_next(struct master *m)
{
	if (m->phase < MASTER_STOPPING_GATES)
		return;
	while (m->phase < MASTER_STOPPED && processes_count(m, stops[m->phase].waits_for) == 0) {
		m->phase++;
		if (m->phase == MASTER_STOPPED)
			break;
		end(m);
	}
	if (m->phase == MASTER_STOPPED)
		event_base_loopexit(m->base, NULL);
}

static void
hasten(struct master *m)
{
	m->hastened = true;
	processes_shutdown(m, ROLE_GATE, HASTE_SECONDS);
	if (m->phase == MASTER_STOPPING_QUEUE)
		processes_shutdown(m, ROLE_QUEUE, HASTE_SECONDS);
}

static void
on_drain_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	(void)fd;
	(void)what;
	if (m->phase != MASTER_STOPPING_GATES)
		return;
	log_event(LOG_NOTICE, "master.drained", KV_U64("gates", processes_count(m, ROLE_GATE)),
		  KV_STR("why", "limits.drain_timeout is over: what is left is cut off"));
	processes_shutdown(m, ROLE_GATE, HASTE_SECONDS);
}

void
master_stop(struct master *m)
{
	struct timeval tv = {.tv_sec = (time_t)master_conf(m)->limits.drain_timeout};

	if (m->phase >= MASTER_STOPPING_GATES) {
		hasten(m);
		return;
	}
	log_event(LOG_NOTICE, "master.stopping",
		  KV_U64("drain_timeout", master_conf(m)->limits.drain_timeout));
	notify_stopping();
	notify_wait(master_conf(m)->limits.drain_timeout + KILL_SECONDS);
	m->phase = MASTER_STOPPING_GATES;
	m->stop_timer = evtimer_new(m->base, on_drain_timeout, m);
	if (m->stop_timer == NULL || evtimer_add(m->stop_timer, &tv) == -1)
		hasten(m);
	gates_drain_all(m);
	/* Nobody takes part in what is new from here on. */
	generation_close(m->generation);
	master_stop_next(m);
}

void
master_fail(struct master *m, const char *why)
{
	log_event(LOG_CRIT, "master.failed", KV_STR("why", why));
	m->exit_status = 1;
	master_stop(m);
	hasten(m);
}
