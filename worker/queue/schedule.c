/* SPDX-License-Identifier: ISC */
#include "worker/queue/schedule.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"

#define ATTACHING_MAX 64
#define ATTACHED_MAX 256
#define RUNNING_MAX 256
#define LOADED_MAX 64 /* deliveries of one mailbox in memory */
#define LOADED_LOW 8  /* fewer: the next ones are taken from the database */
#define DEATHS_MAX 3  /* of a session process over one mail, until that is put off alone */
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

static void
move(struct mailbox *mailbox, enum mailbox_place place)
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

static void
mailbox_free(struct mailbox *mailbox)
{
	move(mailbox, PLACE_NONE);
	RB_REMOVE(mailboxes, &mailbox->schedule->mailboxes, mailbox);
	free_deliveries(&mailbox->waiting);
	free_deliveries(&mailbox->running);
	if (mailbox->due_timer != NULL)
		event_free(mailbox->due_timer);
	if (mailbox->timer != NULL)
		event_free(mailbox->timer);
	free(mailbox);
}

/* The mailbox of that name; NULL if there is no memory. */
static struct mailbox *
get(struct schedule *schedule, const char *name)
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
	move(mailbox, place);
	/* If not for this one, there may be room for another. */
	schedule_wake(schedule);
	if (mailbox->state == MAILBOX_QUIET && !work && !mailbox->paused &&
	    mailbox->running_count == 0 && mailbox->due == DB_HELD)
		mailbox_free(mailbox);
}

/* Adds to what is waiting; false without memory. */
static bool
append(struct mailbox *mailbox, const struct db_delivery *row)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery == NULL)
		return false;
	delivery->mailbox = mailbox;
	delivery->message = row->position.message;
	delivery->index = row->position.index;
	delivery->attempts = row->attempts;
	mailbox->position = row->position;
	TAILQ_INSERT_TAIL(&mailbox->waiting, delivery, entry);
	mailbox->waiting_count++;
	return true;
}

static void
set_due(struct mailbox *mailbox, int64_t due)
{
	mailbox->due = due;
	if (due == DB_HELD)
		evtimer_del(mailbox->due_timer);
	else
		set_timer(mailbox->due_timer, due - clock_now());
}

/* Takes the next ones from the database. */
void
mailbox_refill(struct mailbox *mailbox)
{
	struct db_delivery rows[LOADED_MAX];
	struct db *db = mailbox->schedule->queue->db;
	int64_t now = clock_now(), due;
	int count;

	if (!mailbox->more || mailbox->waiting_count >= LOADED_LOW)
		return;
	count = db_due(db, mailbox->name, mailbox->position, now, rows, LOADED_MAX, &due);
	if (count == -1) {
		log_event(LOG_ERR, "queue.read_failed", KV_STR("to", mailbox->name),
			  KV_STR("why", db_error(db)));
		set_due(mailbox, now + CLOCK_SECOND);
		mailbox->more = false;
		return;
	}
	mailbox->more = due <= now;
	for (int i = 0; i < count; i++) {
		if (!append(mailbox, &rows[i])) {
			/* No memory: a little later. */
			mailbox->more = false;
			due = now + CLOCK_SECOND;
			break;
		}
	}
	set_due(mailbox, mailbox->more ? DB_HELD : due);
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

/* -- The pump ---------------------------------------------------------------------------------- */

/* Room for one more session process. */
static bool
make_room(struct schedule *schedule)
{
	struct mailbox *idle = TAILQ_FIRST(&schedule->places[PLACE_IDLE]);

	if (schedule->attaching >= ATTACHING_MAX)
		return false;
	if (schedule->attaching + schedule->attached < ATTACHED_MAX)
		return true;
	if (idle == NULL)
		return false;
	delivery_detach(idle);
	mailbox_settle(idle);
	return true;
}

static void
attach_some(struct schedule *schedule)
{
	struct mailbox *mailbox;

	while ((mailbox = TAILQ_FIRST(&schedule->places[PLACE_LINE])) != NULL &&
	       make_room(schedule)) {
		move(mailbox, PLACE_NONE);
		mailbox_refill(mailbox);
		if (mailbox->waiting_count > 0)
			delivery_attach(mailbox);
		else
			mailbox_settle(mailbox);
	}
}

/* One each in turn. */
static void
deliver_some(struct schedule *schedule)
{
	struct mailbox *mailbox;

	while ((mailbox = TAILQ_FIRST(&schedule->places[PLACE_READY])) != NULL &&
	       schedule->running < RUNNING_MAX && !batch_is_behind(schedule->queue->batch)) {
		move(mailbox, PLACE_NONE);
		mailbox_refill(mailbox);
		if (mailbox->waiting_count > 0)
			delivery_send(mailbox);
		else
			mailbox_settle(mailbox);
	}
}

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct schedule *schedule = arg;

	(void)fd;
	(void)what;
	if (schedule->stopped)
		return;
	attach_some(schedule);
	deliver_some(schedule);
	remote_send_some(schedule);
	delivery_drop_body(schedule);
}

void
schedule_wake(struct schedule *schedule)
{
	event_active(schedule->pump, 0, 0);
}

/* -- From the rest of the queue ------------------------------------------------------------------
 */

struct schedule *
schedule_open(struct queue *queue)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	if (schedule == NULL)
		return NULL;
	schedule->queue = queue;
	schedule->body_fd = -1;
	LIST_INIT(&schedule->jobs);
	RB_INIT(&schedule->mailboxes);
	for (int i = 0; i < PLACE_COUNT; i++)
		TAILQ_INIT(&schedule->places[i]);
	schedule->pump = event_new(queue->base, -1, 0, on_pump, schedule);
	if (schedule->pump == NULL) {
		free(schedule);
		return NULL;
	}
	return schedule;
}

void
schedule_close(struct schedule *schedule)
{
	struct mailbox *mailbox;

	if (schedule == NULL)
		return;
	remote_close(schedule);
	while ((mailbox = RB_ROOT(&schedule->mailboxes)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it has left the tree */
		ipc_close(mailbox->channel);
		if (mailbox->state == MAILBOX_ATTACHING)
			ipc_cancel(schedule->queue->control, mailbox->request);
		mailbox_free(mailbox);
	}
	delivery_drop_body(schedule);
	event_free(schedule->pump);
	free(schedule);
}

int
schedule_resume(struct schedule *schedule, struct error *err)
{
	char name[ADDRESS_SIZE] = "";
	struct mailbox *mailbox;
	int found;

	schedule->resuming = true;
	while ((found = db_next_mailbox(schedule->queue->db, name, name)) == 1) {
		mailbox = get(schedule, name);
		if (mailbox == NULL)
			return error_set(err, "no memory for the mailboxes that have mail waiting");
		mailbox->more = true;
		mailbox_settle(mailbox);
	}
	schedule->resuming = false;
	if (found == -1)
		return error_set(err, "%s", db_error(schedule->queue->db));
	return 0;
}

int64_t
schedule_positions(struct schedule *schedule, size_t count)
{
	int64_t now = clock_now();

	if (now <= schedule->last_position)
		now = schedule->last_position + 1;
	schedule->last_position = now + (int64_t)count - 1;
	return now;
}

void
schedule_new(struct schedule *schedule, const char *name, uint64_t message, uint32_t index,
	     int64_t position)
{
	struct mailbox *mailbox = get(schedule, name);
	struct db_delivery row = {.position = {position, message, index}};

	if (mailbox == NULL) {
		log_event(LOG_ERR, "queue.delivery_late", KV_STR("to", name),
			  KV_STR("why", "no memory: it waits for the next start of queue"));
		return;
	}
	/* Straight into memory, unless others are before it that are not. */
	if (mailbox->more || mailbox->due <= position || mailbox->waiting_count >= LOADED_MAX ||
	    !append(mailbox, &row))
		mailbox->more = true;
	mailbox_settle(mailbox);
}

void
schedule_deferred(struct schedule *schedule, const char *name, int64_t next_attempt)
{
	struct mailbox *mailbox = get(schedule, name);

	if (mailbox == NULL)
		return;
	if (next_attempt < mailbox->due && !mailbox->more)
		set_due(mailbox, next_attempt);
	mailbox_settle(mailbox);
}

/* The mailbox of that name, or NULL. */
static struct mailbox *
find(const struct schedule *schedule, const char *name)
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

static struct delivery *
find_in(const struct deliveries *list, uint64_t message, uint32_t index)
{
	struct delivery *delivery;

	TAILQ_FOREACH (delivery, list, entry) {
		if (delivery->message == message && delivery->index == index)
			return delivery;
	}
	return NULL;
}

bool
schedule_is_running(const struct schedule *schedule, const char *name, uint64_t message,
		    uint32_t index)
{
	const struct mailbox *mailbox = find(schedule, name);

	return mailbox != NULL && (find_in(&mailbox->running, message, index) != NULL ||
				   (mailbox->remote && remote_has(schedule, message, index)));
}

void
schedule_forget(struct schedule *schedule, const char *name, uint64_t message, uint32_t index)
{
	struct mailbox *mailbox = find(schedule, name);
	struct delivery *delivery;

	if (mailbox == NULL || (delivery = find_in(&mailbox->waiting, message, index)) == NULL)
		return;
	TAILQ_REMOVE(&mailbox->waiting, delivery, entry);
	mailbox->waiting_count--;
	free(delivery);
	mailbox_settle(mailbox);
}

void
schedule_stop(struct schedule *schedule)
{
	schedule->stopped = true;
}

unsigned
schedule_running(const struct schedule *schedule)
{
	return schedule->running + schedule->job_count;
}
