/* SPDX-License-Identifier: ISC */
/* When nothing has happened for a while, clients that wait in IDLE sleep, and the process may go.
 */
#include "config.h"

#include <event2/event.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/session/pop3/pop3.h"
#include "worker/session/session_private.h"

static struct {
	struct event *linger;
	struct event *hibernate; /* since something happened last */
} life;

static bool
is_busy(void)
{
	return session.pop3 != NULL || session.imaps > 0 || session.checkups > 0 ||
	       deliver_pending(session.deliver) > 0 || session.waiting > 0;
}

void
life_close_all(const char *why)
{
	pop3_abort(session.pop3, why);
	session.pop3 = NULL;
	while (session.imaps > 0)
		imap_abort(session.imap[--session.imaps], why);
	store_close(session.store);
	session.store = NULL;
}

static void
wait_to_hibernate(void)
{
	struct timeval time = {.tv_sec = session.settings.hibernate};

	if (session.settings.hibernate != 0 && session.imaps > 0)
		event_add(life.hibernate, &time);
	else
		event_del(life.hibernate);
}

void
life_touch(void *arg)
{
	struct timeval time = {.tv_sec = session.settings.linger};

	(void)arg;
	wait_to_hibernate();
	indexing_later(session.indexing);
	if (is_busy()) {
		event_del(life.linger);
		return;
	}
	if (ipc_state(session.child->control) == CHILD_DRAINING)
		time.tv_sec = 0;
	event_add(life.linger, &time);
}

/*
 * Delivery channels stay open while they are idle, and don't keep the process. If the master does
 * not answer, work is on its way; or it was lost, so it is asked again.
 */
static void
on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct ms_idle idle = {.seen = session.seen};
	struct timeval again = {.tv_sec = session.settings.linger + 1};

	(void)fd;
	(void)what;
	(void)arg;
	if (is_busy())
		return;
	if (ipc_state(session.child->control) == CHILD_DRAINING) {
		life_close_all("The server stops");
		child_exit(session.child);
	}
	(void)ipc_send(session.child->control, MS_IDLE, 0, &idle, NULL, 0, -1);
	event_add(life.linger, &again);
}

/*
 * All connections wait in IDLE: the master keeps them, and this process ends as it does without
 * any. One that does something else keeps them all here, as the process is there anyhow.
 */
static void
on_hibernate(evutil_socket_t fd, short what, void *arg)
{
	struct ms_parked parked;

	(void)fd;
	(void)what;
	(void)arg;
	if (ipc_state(session.child->control) == CHILD_DRAINING)
		return; /* they are to hear that the server stops */
	for (unsigned i = 0; i < session.imaps; i++)
		if (session.pop3 != NULL || deliver_pending(session.deliver) > 0 ||
		    !imap_can_park(session.imap[i], &parked)) {
			wait_to_hibernate();
			return;
		}
	while (session.imaps > 0) {
		struct imap *imap = session.imap[--session.imaps];
		int stream;

		(void)imap_can_park(imap, &parked);
		stream = imap_leave(imap);
		(void)ipc_send(session.child->control, MS_PARK, 0, &parked, NULL, 0, stream);
		close(stream);
	}
	log_event(LOG_INFO, "session.hibernates", KV_STR("user", session.settings.mailbox));
	on_linger(-1, 0, NULL);
}

int
life_init(struct event_base *base)
{
	life.linger = event_new(base, -1, 0, on_linger, NULL);
	life.hibernate = event_new(base, -1, 0, on_hibernate, NULL);
	return life.linger == NULL || life.hibernate == NULL ? -1 : 0;
}
