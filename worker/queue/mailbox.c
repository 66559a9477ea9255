/* SPDX-License-Identifier: ISC */
#include "worker/queue/mailbox.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/clock.h"
#include "worker/queue/schedule.h"

#define DEATHS_MAX 3 /* of a session process over one mail, until that is put off alone */
#define IDLE_SECONDS 5
#define KEPT_SECONDS 7200        /* longer than there is between two attempts */
#define QUICK (CLOCK_SECOND / 5) /* the pause after a first failure */

static int
compare_names(const struct mailbox *a, const struct mailbox *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(mailboxes, mailbox, by_name, compare_names, static __attribute__((unused)))

/* -- Mailboxes ---------------------------------------------------------------------------- */

/*
 * How many mails a domain takes at a time outlives its mails: when all are put off, they would
 * otherwise all be tried at once again.
 */
static void
set_kept(struct mailbox *mailbox, bool kept)
{
	struct schedule *schedule = mailbox->schedule;

	if (mailbox->kept == kept)
		return;
	mailbox->kept = kept;
	if (kept) {
		TAILQ_INSERT_TAIL(&schedule->kept, mailbox, in_idle);
		schedule->kept_count++;
		schedule_set_timer(mailbox->timer, KEPT_SECONDS * CLOCK_SECOND);
	} else {
		TAILQ_REMOVE(&schedule->kept, mailbox, in_idle);
		schedule->kept_count--;
		evtimer_del(mailbox->timer);
	}
}

/* The end of a pause, of the patience with an idle channel, or of a memory. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct mailbox *mailbox = arg;

	(void)fd;
	(void)what;
	mailbox->paused = false;
	if (mailbox->kept)
		mailbox->window = REMOTE_WINDOW;
	if (mailbox->place == PLACE_IDLE)
		delivery_detach(mailbox);
	mailbox_settle(mailbox);
}

void
mailbox_move(struct mailbox *mailbox, enum mailbox_place place)
{
	struct schedule *schedule = mailbox->schedule;

	if (mailbox->place == place)
		return;
	if (mailbox->place == PLACE_IDLE)
		TAILQ_REMOVE(&schedule->idle, mailbox, in_idle);
	if (place == PLACE_IDLE)
		TAILQ_INSERT_TAIL(&schedule->idle, mailbox, in_idle);
	mailbox->place = place;
	lane_place_all(mailbox);
}

void
mailbox_free(struct mailbox *mailbox)
{
	struct delivery *delivery;
	struct lane *lane;

	set_kept(mailbox, false);
	mailbox_move(mailbox, PLACE_NONE);
	while ((delivery = TAILQ_FIRST(&mailbox->running)) != NULL) {
		TAILQ_REMOVE(&mailbox->running, delivery, entry);
		free(delivery);
	}
	while ((lane = RB_ROOT(&mailbox->lanes)) != NULL)
		lane_free(lane);
	RB_REMOVE(mailboxes, &mailbox->schedule->mailboxes, mailbox);
	if (mailbox->timer != NULL)
		event_free(mailbox->timer);
	free(mailbox->suspension);
	free(mailbox);
}

struct mailbox *
mailbox_get(struct schedule *schedule, const char *name)
{
	size_t size = strlen(name) + 1;
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox) + size);
	struct mailbox *found;

	if (mailbox == NULL)
		return NULL;
	memcpy(mailbox->name, name, size);
	found = RB_INSERT(mailboxes, &schedule->mailboxes, mailbox);
	if (found != NULL) {
		free(mailbox);
		return found;
	}
	mailbox->schedule = schedule;
	mailbox->window = WINDOW_MAX;
	mailbox->remote = name[0] == '@';
	if (mailbox->remote)
		mailbox->window = REMOTE_WINDOW;
	RB_INIT(&mailbox->lanes);
	TAILQ_INIT(&mailbox->running);
	mailbox->timer = evtimer_new(schedule->queue->base, on_timer, mailbox);
	if (mailbox->timer == NULL) {
		mailbox_free(mailbox);
		return NULL;
	}
	return mailbox;
}

/*
 * A session process that does not answer keeps what it has for minutes: as in next_lane() of
 * remote.c, each has fewer than are free, and one always, so that no number of others has all.
 */
bool
mailbox_has_room(const struct mailbox *mailbox)
{
	if (mailbox->running_count >= mailbox->window || mailbox->paused)
		return false;
	return mailbox->remote || mailbox->running_count == 0 ||
	       mailbox->running_count + mailbox->schedule->running < RUNNING_MAX;
}

static enum mailbox_place
place_of(const struct mailbox *mailbox)
{
	bool room = mailbox_has_room(mailbox);
	bool work = mailbox->working > 0;

	if (suspension_holds(mailbox))
		return work && !mailbox->paused ? PLACE_PUT_OFF : PLACE_NONE;
	if (mailbox->remote)
		return work && room ? PLACE_REMOTE : PLACE_NONE;
	if (mailbox->state == MAILBOX_QUIET)
		return work && !mailbox->paused ? PLACE_LINE : PLACE_NONE;
	if (mailbox->state == MAILBOX_ATTACHED && work && room)
		return PLACE_READY;
	if (mailbox->state == MAILBOX_ATTACHED && !work && mailbox->running_count == 0)
		return PLACE_IDLE;
	return PLACE_NONE;
}

void
mailbox_settle(struct mailbox *mailbox)
{
	struct schedule *schedule = mailbox->schedule;
	enum mailbox_place place = place_of(mailbox);
	bool empty = mailbox->state == MAILBOX_QUIET && RB_EMPTY(&mailbox->lanes) &&
		     !mailbox->paused && mailbox->running_count == 0;

	if (mailbox->place == PLACE_IDLE && place != PLACE_IDLE)
		evtimer_del(mailbox->timer);
	if (mailbox->place != PLACE_IDLE && place == PLACE_IDLE)
		schedule_set_timer(mailbox->timer, IDLE_SECONDS * CLOCK_SECOND);
	mailbox_move(mailbox, place);
	/* If not for this one, there may be room for another. */
	schedule_wake(schedule);
	set_kept(mailbox, empty && mailbox->remote && mailbox->window < REMOTE_WINDOW);
	if (schedule->kept_count > KEPT_MAX)
		mailbox_free(TAILQ_FIRST(&schedule->kept));
	if (empty && !mailbox->kept)
		mailbox_free(mailbox);
}

void
mailbox_pause(struct mailbox *mailbox, int64_t delay)
{
	mailbox->paused = true;
	schedule_set_timer(mailbox->timer, delay);
}

/* -- Failures -------------------------------------------------------------------------------- */

/* Puts back what was running, in front; what has killed its session too often is put off. */
static void
put_back(struct mailbox *mailbox, const char *why)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_LAST(&mailbox->running, deliveries)) != NULL) {
		TAILQ_REMOVE(&mailbox->running, delivery, entry);
		mailbox->running_count--;
		mailbox->schedule->running--;
		if (++delivery->deaths >= DEATHS_MAX) {
			delivery_not_now(delivery, why);
			continue;
		}
		lane_put_back(delivery);
	}
}

void
mailbox_failed(struct mailbox *mailbox, const char *why)
{
	uint32_t first = mailbox->schedule->queue->settings.retry;
	/* Of what is sent, the first that waits may be the cause: the others get their turn. */
	unsigned patience = mailbox->running_count == 0 ? DEATHS_MAX : 2 * DEATHS_MAX;
	int64_t delay = QUICK;

	if (mailbox->failures > 0)
		delay = clock_backoff(first, mailbox->failures, arc4random());
	mailbox->failures++;
	put_back(mailbox, why);
	if (mailbox->failures >= patience)
		lane_put_off_all(mailbox, why);
	mailbox->window = 1;
	log_event(LOG_WARNING, "queue.deferred", KV_STR("to", mailbox->name), KV_STR("why", why),
		  KV_I64("next", (delay + CLOCK_SECOND / 2) / CLOCK_SECOND));
	mailbox_pause(mailbox, delay);
	mailbox_settle(mailbox);
}

struct mailbox *
mailbox_find(const struct schedule *schedule, const char *name)
{
	struct mailbox *mailbox = RB_ROOT(&schedule->mailboxes);

	while (mailbox != NULL) {
		int order = strcmp(name, mailbox->name);

		if (order == 0)
			return mailbox;
		mailbox = order < 0 ? RB_LEFT(mailbox, by_name) : RB_RIGHT(mailbox, by_name);
	}
	return NULL;
}
