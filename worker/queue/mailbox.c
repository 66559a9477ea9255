/* SPDX-License-Identifier: ISC */
#include "worker/queue/mailbox.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/clock.h"
#include "worker/queue/schedule.h"

#define LOADED_LOW 8 /* fewer: the next ones are taken from the database */
#define DEATHS_MAX 3 /* of a session process over one mail, until that is put off alone */
#define IDLE_SECONDS 5
#define QUICK (CLOCK_SECOND / 5) /* the pause after a first failure */

static int
compare_names(const struct mailbox *a, const struct mailbox *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(mailboxes, mailbox, by_name, compare_names, static __attribute__((unused)))

static void
set_timer(struct event *timer, int64_t delay)
{
	struct timeval tv;

	if (delay < 0)
		delay = 0;
	tv.tv_sec = (time_t)(delay / CLOCK_SECOND);
	tv.tv_usec = (suseconds_t)(delay % CLOCK_SECOND);
	(void)evtimer_add(timer, &tv);
}

/* -- Mailboxes ---------------------------------------------------------------------------- */

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct mailbox *mailbox = arg;

	(void)fd;
	(void)what;
	mailbox->due = DB_HELD;
	mailbox->more = true;
	mailbox_settle(mailbox);
}

/* The end of a pause, or of the patience with an idle channel. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct mailbox *mailbox = arg;

	(void)fd;
	(void)what;
	mailbox->paused = false;
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
	if (mailbox->place != PLACE_NONE)
		TAILQ_REMOVE(&schedule->places[mailbox->place], mailbox, in_place);
	if (place != PLACE_NONE)
		TAILQ_INSERT_TAIL(&schedule->places[place], mailbox, in_place);
	mailbox->place = place;
}

static void
free_deliveries(struct deliveries *list)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, delivery, entry);
		free(delivery);
	}
}

void
mailbox_free(struct mailbox *mailbox)
{
	mailbox_move(mailbox, PLACE_NONE);
	RB_REMOVE(mailboxes, &mailbox->schedule->mailboxes, mailbox);
	free_deliveries(&mailbox->waiting);
	free_deliveries(&mailbox->running);
	if (mailbox->due_timer != NULL)
		event_free(mailbox->due_timer);
	if (mailbox->timer != NULL)
		event_free(mailbox->timer);
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
	mailbox->due = DB_HELD;
	mailbox->window = WINDOW_MAX;
	mailbox->remote = name[0] == '@';
	if (mailbox->remote)
		mailbox->window = REMOTE_WINDOW;
	/*
	 * What was due before the last batch was taken by one of the same name that is gone:
	 * another host would not recognise a second copy.
	 */
	if (mailbox->remote && !schedule->resuming)
		mailbox->position = (struct db_position){schedule->last_position - 1, INT64_MAX, 0};
	TAILQ_INIT(&mailbox->waiting);
	TAILQ_INIT(&mailbox->running);
	mailbox->due_timer = evtimer_new(schedule->queue->base, on_due, mailbox);
	mailbox->timer = evtimer_new(schedule->queue->base, on_timer, mailbox);
	if (mailbox->due_timer == NULL || mailbox->timer == NULL) {
		mailbox_free(mailbox);
		return NULL;
	}
	return mailbox;
}

static enum mailbox_place
place_of(const struct mailbox *mailbox, bool work)
{
	bool room = mailbox->running_count < mailbox->window;

	if (mailbox->remote)
		return work && room && !mailbox->paused ? PLACE_REMOTE : PLACE_NONE;
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
	bool work = mailbox->waiting_count > 0 || mailbox->more;
	enum mailbox_place place = place_of(mailbox, work);

	if (mailbox->place == PLACE_IDLE && place != PLACE_IDLE)
		evtimer_del(mailbox->timer);
	if (mailbox->place != PLACE_IDLE && place == PLACE_IDLE)
		set_timer(mailbox->timer, IDLE_SECONDS * CLOCK_SECOND);
	mailbox_move(mailbox, place);
	/* If not for this one, there may be room for another. */
	schedule_wake(schedule);
	if (mailbox->state == MAILBOX_QUIET && !work && !mailbox->paused &&
	    mailbox->running_count == 0 && mailbox->due == DB_HELD)
		mailbox_free(mailbox);
}

bool
mailbox_append(struct mailbox *mailbox, const struct db_delivery *row)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery == NULL)
		return false;
	delivery->mailbox = mailbox;
	delivery->message = row->position.message;
	delivery->index = row->position.index;
	delivery->attempts = row->attempts;
	delivery->notify = row->notify;
	delivery->delayed = row->delayed;
	mailbox->position = row->position;
	TAILQ_INSERT_TAIL(&mailbox->waiting, delivery, entry);
	mailbox->waiting_count++;
	return true;
}

void
mailbox_set_due(struct mailbox *mailbox, int64_t due)
{
	mailbox->due = due;
	if (due == DB_HELD)
		evtimer_del(mailbox->due_timer);
	else
		set_timer(mailbox->due_timer, due - clock_now());
}

void
mailbox_refill(struct mailbox *mailbox)
{
	struct db_delivery rows[MAILBOX_LOADED_MAX];
	struct db *db = mailbox->schedule->queue->db;
	int64_t now = clock_now(), due;
	int count;

	if (!mailbox->more || mailbox->waiting_count >= LOADED_LOW)
		return;
	count = db_due(db, mailbox->name, mailbox->position, now, rows, MAILBOX_LOADED_MAX, &due);
	if (count == -1) {
		log_event(LOG_ERR, "queue.read_failed", KV_STR("to", mailbox->name),
			  KV_STR("why", db_error(db)));
		mailbox_set_due(mailbox, now + CLOCK_SECOND);
		mailbox->more = false;
		return;
	}
	mailbox->more = due <= now;
	for (int i = 0; i < count; i++) {
		if (!mailbox_append(mailbox, &rows[i])) {
			/* No memory: a little later. */
			mailbox->more = false;
			due = now + CLOCK_SECOND;
			break;
		}
	}
	mailbox_set_due(mailbox, mailbox->more ? DB_HELD : due);
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
			delivery_defer(delivery, why);
			continue;
		}
		TAILQ_INSERT_HEAD(&mailbox->waiting, delivery, entry);
		mailbox->waiting_count++;
	}
}

void
mailbox_failed(struct mailbox *mailbox, const char *why)
{
	uint32_t first = mailbox->schedule->queue->settings.retry;
	int64_t delay = QUICK;

	if (mailbox->failures > 0)
		delay = clock_backoff(first, mailbox->failures, arc4random());
	mailbox->failures++;
	put_back(mailbox, why);
	mailbox->window = 1;
	mailbox->paused = true;
	log_event(LOG_WARNING, "queue.deferred", KV_STR("to", mailbox->name), KV_STR("why", why),
		  KV_I64("next", (delay + CLOCK_SECOND / 2) / CLOCK_SECOND));
	set_timer(mailbox->timer, delay);
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
