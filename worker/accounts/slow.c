/* SPDX-License-Identifier: ISC */
/* Guesses at a password wait here as long as the throttle says. */
#include "config.h"

#include <event2/event.h>
#include <time.h>

#include "common/monotonic.h"
#include "worker/accounts/login.h"

#define SLOWED_MAX 4096 /* logins that wait for the throttle */

static void go_on(struct login *);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

static void
wait_for(struct login *login, int64_t wait)
{
	struct timeval tv = {.tv_sec = (time_t)(wait / 1000),
			     .tv_usec = (suseconds_t)(wait % 1000 * 1000)};

	login_set_state(login, LOGIN_SLOWED);
	if (login->timer == NULL)
		login->timer = evtimer_new(login->service->child->base, on_timer, login);
	if (login->timer == NULL || login->service->waiting > SLOWED_MAX ||
	    evtimer_add(login->timer, &tv) == -1)
		login_unavailable(login, "too many logins wait");
}

static void
go_on(struct login *login)
{
	int64_t wait = 0;

	switch (throttle_ask(login->service->throttle, &login->attempt, monotonic_milliseconds(),
			     &wait)) {
	case THROTTLE_GO:
		login->go(login);
		return;
	case THROTTLE_WAIT:
		wait_for(login, wait);
		return;
	case THROTTLE_REFUSE:
		login_failed(login, "too many failures");
		return;
	case THROTTLE_BUSY:
		login_unavailable(login, "too many logins at once from there");
		return;
	}
}

void
login_slow(struct login *login, void (*go)(struct login *))
{
	login->go = go;
	throttle_begin(&login->attempt, &login->peer.address, login->user,
		       monotonic_milliseconds());
	go_on(login);
}

void
login_tried(struct login *login, enum throttle_result result)
{
	throttle_done(login->service->throttle, &login->attempt, result, monotonic_milliseconds());
}
