/* SPDX-License-Identifier: ISC */
#include "worker/queue/schedule.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"

#define ATTACHING_MAX 64
#define ATTACHED_MAX 256
#define RUNNING_MAX 256

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
		mailbox_move(mailbox, PLACE_NONE);
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
		mailbox_move(mailbox, PLACE_NONE);
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
		mailbox = mailbox_get(schedule, name);
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
	     uint32_t notify, int64_t position)
{
	struct mailbox *mailbox = mailbox_get(schedule, name);
	struct db_delivery row = {.position = {position, message, index}, .notify = notify};

	if (mailbox == NULL) {
		log_event(LOG_ERR, "queue.delivery_late", KV_STR("to", name),
			  KV_STR("why", "no memory: it waits for the next start of queue"));
		return;
	}
	/* Straight into memory, unless others are before it that are not. */
	if (mailbox->more || mailbox->due <= position ||
	    mailbox->waiting_count >= MAILBOX_LOADED_MAX || !mailbox_append(mailbox, &row))
		mailbox->more = true;
	mailbox_settle(mailbox);
}

void
schedule_deferred(struct schedule *schedule, const char *name, int64_t next_attempt)
{
	struct mailbox *mailbox = mailbox_get(schedule, name);

	if (mailbox == NULL)
		return;
	if (next_attempt < mailbox->due && !mailbox->more)
		mailbox_set_due(mailbox, next_attempt);
	mailbox_settle(mailbox);
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
	const struct mailbox *mailbox = mailbox_find(schedule, name);

	return mailbox != NULL && (find_in(&mailbox->running, message, index) != NULL ||
				   (mailbox->remote && remote_has(schedule, message, index)));
}

void
schedule_forget(struct schedule *schedule, const char *name, uint64_t message, uint32_t index)
{
	struct mailbox *mailbox = mailbox_find(schedule, name);
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
