/* SPDX-License-Identifier: ISC */
#include "worker/queue/schedule.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/child.h"
#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"

#define ATTACHING_MAX 64
#define ATTACHED_MAX 256

void
schedule_set_timer(struct event *timer, int64_t delay)
{
	struct timeval tv;

	if (delay < 0)
		delay = 0;
	tv.tv_sec = (time_t)(delay / CLOCK_SECOND);
	tv.tv_usec = (suseconds_t)(delay % CLOCK_SECOND);
	(void)evtimer_add(timer, &tv);
}

/* -- The pump ---------------------------------------------------------------------------------- */

/* Room for one more session process. */
static bool
make_room(struct schedule *schedule)
{
	struct mailbox *idle = TAILQ_FIRST(&schedule->idle);

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
	struct lane *lane;

	while (!TAILQ_EMPTY(&schedule->turns[PLACE_LINE]) && make_room(schedule) &&
	       (lane = flow_next(schedule, PLACE_LINE)) != NULL) {
		mailbox = lane->mailbox;
		if (lane_refill(lane)) {
			mailbox_move(mailbox, PLACE_NONE);
			delivery_attach(mailbox);
		} else {
			lane_settle(lane);
			mailbox_settle(mailbox);
		}
	}
}

/* The next lane whose mailbox may begin a delivery. */
static struct lane *
next_lane(struct schedule *schedule)
{
	struct turn *turn;

	while ((turn = TAILQ_FIRST(&schedule->turns[PLACE_READY])) != NULL) {
		struct mailbox *mailbox = TAILQ_FIRST(&turn->lanes)->mailbox;

		if (mailbox_has_room(mailbox))
			return flow_take(turn, PLACE_READY);
		/* Others took it meanwhile: it is back when one of its own is over. */
		mailbox_move(mailbox, PLACE_NONE);
	}
	return NULL;
}

/* One each in turn. */
static void
deliver_some(struct schedule *schedule)
{
	struct mailbox *mailbox;
	struct lane *lane;

	while (!batch_is_behind(schedule->queue->batch) && (lane = next_lane(schedule)) != NULL) {
		mailbox = lane->mailbox;
		if (lane_refill(lane)) {
			delivery_send(lane);
		} else {
			lane_settle(lane);
			mailbox_settle(mailbox);
		}
	}
}

static void
on_reader(evutil_socket_t fd, short what, void *arg)
{
	struct schedule *schedule = arg;

	(void)fd;
	(void)what;
	if (!schedule->stopped)
		flow_read_some(schedule);
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
	suspensions_go_on(schedule);
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
	LIST_INIT(&schedule->links);
	RB_INIT(&schedule->mailboxes);
	RB_INIT(&schedule->flows);
	TAILQ_INIT(&schedule->idle);
	TAILQ_INIT(&schedule->kept);
	TAILQ_INIT(&schedule->reading);
	for (int i = 0; i < TURN_COUNT; i++)
		TAILQ_INIT(&schedule->turns[i]);
	schedule->pump = event_new(queue->base, -1, 0, on_pump, schedule);
	schedule->reader = event_new(queue->base, -1, 0, on_reader, schedule);
	if (suspensions_open(schedule) == -1 || schedule->pump == NULL ||
	    schedule->reader == NULL || event_priority_set(schedule->reader, CHILD_LAST) == -1) {
		schedule_close(schedule);
		return NULL;
	}
	return schedule;
}

void
schedule_close(struct schedule *schedule)
{
	struct mailbox *mailbox;
	struct flow *flow;

	if (schedule == NULL)
		return;
	remote_close(schedule);
	suspensions_close(schedule);
	while ((mailbox = RB_ROOT(&schedule->mailboxes)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it has left the tree */
		ipc_close(mailbox->channel);
		if (mailbox->state == MAILBOX_ATTACHING)
			ipc_cancel(schedule->queue->control, mailbox->request);
		mailbox_free(mailbox);
	}
	delivery_drop_body(schedule);
	while ((flow = RB_ROOT(&schedule->flows)) != NULL)
		flow_free(flow);
	if (schedule->pump != NULL)
		event_free(schedule->pump);
	if (schedule->reader != NULL)
		event_free(schedule->reader);
	free(schedule);
}

int
schedule_resume(struct schedule *schedule, struct error *err)
{
	flow_id id = -1;
	struct flow *flow;
	int found;

	while ((found = db_next_flow(schedule->queue->db, id, &id)) == 1) {
		flow = flow_get(schedule, id, INT64_MIN);
		if (flow == NULL)
			return error_set(err, "no memory for the mail that is waiting");
		flow_read_on(flow);
	}
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
schedule_new(struct schedule *schedule, const char *name, flow_id id, const struct db_delivery *row)
{
	int64_t position = row->position.next_attempt;
	struct flow *flow = flow_get(schedule, id, position - 1);

	if (flow == NULL) {
		log_event(LOG_ERR, "queue.delivery_late", KV_STR("to", name),
			  KV_STR("why", "no memory: it waits for the next start of queue"));
		return;
	}
	/* Not before others of its flow that are not in memory. */
	if (flow->more || flow->due <= position || !flow_announce(flow, name, row))
		flow_read_on(flow);
}

void
schedule_deferred(struct schedule *schedule, flow_id id, int64_t next_attempt)
{
	struct flow *flow = flow_get(schedule, id, schedule->last_position - 1);

	if (flow != NULL)
		flow_wait(flow, next_attempt);
}

static struct delivery *
find_in(const struct deliveries *list, uint64_t message, uint32_t index)
{
	struct delivery *delivery;

	TAILQ_FOREACH (delivery, list, entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
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
schedule_forget(struct schedule *schedule, const char *name, flow_id id, uint64_t message,
		uint32_t index)
{
	struct mailbox *mailbox = mailbox_find(schedule, name);
	struct flow *flow = flow_find(schedule, id);
	struct delivery *delivery;
	struct lane *lane;

	if (mailbox == NULL || flow == NULL || (lane = lane_find(mailbox, flow)) == NULL ||
	    (delivery = find_in(&lane->waiting, message, index)) == NULL)
		return;
	TAILQ_REMOVE(&lane->waiting, delivery, entry);
	lane->waiting_count--;
	free(delivery);
	lane_settle(lane);
	mailbox_settle(mailbox);
}

void
schedule_try(struct schedule *schedule, const char *name)
{
	struct mailbox *mailbox = mailbox_find(schedule, name);

	if (mailbox == NULL)
		return;
	suspension_lift(mailbox);
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
