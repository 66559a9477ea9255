/* SPDX-License-Identifier: ISC */
/* Lanes: what waits in one mailbox of one flow. */
#include <stdlib.h>

#include "common/log.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"

#define LOADED_MAX 64   /* deliveries of a lane in memory */
#define LOADED_LOW 8    /* fewer: the next ones are taken from the database */
#define PUT_OFF_MAX 512 /* mails that are put off at once because of their mailbox */

static int
compare_flows(const struct lane *a, const struct lane *b)
{
	return a->flow->id < b->flow->id ? -1 : a->flow->id > b->flow->id;
}

RB_GENERATE_INTERNAL(lanes, lane, by_flow, compare_flows, static __attribute__((unused)))

struct lane *
lane_find(struct mailbox *mailbox, struct flow *flow)
{
	struct lane key = {.flow = flow};

	return RB_FIND(lanes, &mailbox->lanes, &key);
}

struct lane *
lane_new(struct mailbox *mailbox, struct flow *flow)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->mailbox = mailbox;
	lane->flow = flow;
	lane->served = mailbox->schedule->served;
	/* What is before has been here, and is gone or under way. */
	lane->position = flow->cursor;
	TAILQ_INIT(&lane->waiting);
	(void)RB_INSERT(lanes, &mailbox->lanes, lane);
	flow->lane_count++;
	return lane;
}

/* Into the list of its flow that goes with the mailbox' place, or out. */
static void
place(struct lane *lane)
{
	enum mailbox_place wanted = lane->works ? lane->mailbox->place : PLACE_NONE;

	if (wanted >= TURN_COUNT)
		wanted = PLACE_NONE;
	if (lane->place == wanted)
		return;
	if (lane->place != PLACE_NONE)
		flow_leave(lane, lane->place);
	if (wanted != PLACE_NONE)
		flow_enter(lane, wanted);
	lane->place = wanted;
}

void
lane_place_all(struct mailbox *mailbox)
{
	struct lane *lane;

	RB_FOREACH (lane, lanes, &mailbox->lanes)
		place(lane);
}

void
lane_free(struct lane *lane)
{
	struct flow *flow = lane->flow;
	struct delivery *delivery;

	if (lane->works)
		lane->mailbox->working--;
	lane->works = false;
	place(lane);
	while ((delivery = TAILQ_FIRST(&lane->waiting)) != NULL) {
		TAILQ_REMOVE(&lane->waiting, delivery, entry);
		free(delivery);
	}
	RB_REMOVE(lanes, &lane->mailbox->lanes, lane);
	flow->lane_count--;
	free(lane);
	flow_settle(flow);
}

void
lane_settle(struct lane *lane)
{
	bool works = lane->waiting_count > 0 || lane->more;

	if (works && !lane->works)
		lane->mailbox->working++;
	if (!works && lane->works)
		lane->mailbox->working--;
	lane->works = works;
	place(lane);
	if (!works && lane->held == 0)
		lane_free(lane);
}

/* False without memory. */
static bool
append(struct lane *lane, const struct db_delivery *row)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery == NULL)
		return false;
	delivery->mailbox = lane->mailbox;
	delivery->lane = lane;
	delivery->message = row->position.message;
	delivery->index = row->position.index;
	delivery->attempts = row->attempts;
	delivery->notify = row->notify;
	delivery->delayed = row->delayed;
	lane->position = row->position;
	TAILQ_INSERT_TAIL(&lane->waiting, delivery, entry);
	lane->waiting_count++;
	return true;
}

void
lane_add(struct lane *lane, const struct db_delivery *row)
{
	/* Straight into memory, unless others are before it that are not. */
	if (lane->more || lane->waiting_count >= LOADED_MAX || !append(lane, row))
		lane->more = true;
	lane_settle(lane);
}

bool
lane_refill(struct lane *lane)
{
	struct mailbox *mailbox = lane->mailbox;
	struct db *db = mailbox->schedule->queue->db;
	struct db_delivery rows[LOADED_MAX];
	int count;

	if (!lane->more || lane->waiting_count >= LOADED_LOW)
		return lane->waiting_count > 0;
	count = db_lane(db, mailbox->name, lane->flow->id, lane->position, lane->flow->cursor, rows,
			LOADED_MAX);
	if (count == -1)
		log_event(LOG_ERR, "queue.read_failed", KV_STR("to", mailbox->name),
			  KV_STR("why", db_error(db)));
	else
		lane->more = count == LOADED_MAX;
	for (int i = 0; i < count; i++) {
		if (!append(lane, &rows[i])) {
			lane->more = true;
			break;
		}
	}
	if (lane->more && lane->waiting_count == 0)
		mailbox_pause(mailbox, CLOCK_SECOND);
	return lane->waiting_count > 0;
}

struct delivery *
lane_take(struct lane *lane)
{
	struct delivery *delivery = TAILQ_FIRST(&lane->waiting);

	TAILQ_REMOVE(&lane->waiting, delivery, entry);
	lane->waiting_count--;
	lane->held++;
	return delivery;
}

void
lane_put_back(struct delivery *delivery)
{
	struct lane *lane = delivery->lane;

	TAILQ_INSERT_HEAD(&lane->waiting, delivery, entry);
	lane->waiting_count++;
	lane_release(lane);
}

void
lane_release(struct lane *lane)
{
	lane->held--;
	lane_settle(lane);
}

void
lane_put_off_all(struct mailbox *mailbox, const char *why)
{
	const struct batch *batch = mailbox->schedule->queue->batch;
	struct lane *lane, *next;
	unsigned count = 0;

	RB_FOREACH_SAFE (lane, lanes, &mailbox->lanes, next) {
		lane->held++;
		while (count < PUT_OFF_MAX && !batch_is_behind(batch) && lane_refill(lane)) {
			delivery_not_now(lane_take(lane), why);
			count++;
		}
		lane_release(lane);
	}
}
