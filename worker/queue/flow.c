/* SPDX-License-Identifier: ISC */
/* Flows: whose mail is looked at next, and how far each has been read from the database. */
#include "worker/queue/flow.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/log.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/schedule.h"

#define READ_MAX 64           /* rows of one flow at a time */
#define LANES_MAX 1024        /* mailboxes that one flow keeps in memory; */
#define LANES_LOW 512         /* it reads on when there are fewer */
#define PATIENCE CLOCK_SECOND /* after a failure to read */

static const char *
domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

/* FNV-1a. Who chooses the submitters' names is the administrator. */
flow_id
flow_of(const char *submitter, const char *sender, const char *mailbox)
{
	const char *text = domain_of(sender[0] != '\0' ? sender : mailbox);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (submitter[0] != '\0')
		text = submitter;
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)ascii_lower(*text)) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	if (submitter[0] == '\0')
		return (flow_id)(hash % FLOW_STRANGERS);
	return (flow_id)(hash % (INT64_MAX - FLOW_STRANGERS)) + FLOW_STRANGERS;
}

static int
compare_ids(const struct flow *a, const struct flow *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(flows, flow, by_id, compare_ids, static __attribute__((unused)))

/* -- Their life ------------------------------------------------------------------------------ */

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flow_read_on(arg);
}

struct flow *
flow_find(struct schedule *schedule, flow_id id)
{
	struct flow key = {.id = id};

	return RB_FIND(flows, &schedule->flows, &key);
}

struct flow *
flow_get(struct schedule *schedule, flow_id id, int64_t after)
{
	struct flow *flow = flow_find(schedule, id);

	if (flow != NULL)
		return flow;
	flow = calloc(1, sizeof(*flow));
	if (flow == NULL)
		return NULL;
	flow->schedule = schedule;
	flow->id = id;
	flow->cursor = (struct db_position){after, INT64_MAX, UINT32_MAX};
	flow->due = DB_HELD;
	for (int i = 0; i < TURN_COUNT; i++) {
		flow->turns[i].flow = flow;
		flow->turns[i].served = schedule->served;
		TAILQ_INIT(&flow->turns[i].lanes);
	}
	flow->timer = evtimer_new(schedule->queue->base, on_due, flow);
	if (flow->timer == NULL) {
		free(flow);
		return NULL;
	}
	(void)RB_INSERT(flows, &schedule->flows, flow);
	return flow;
}

static void
set_reading(struct flow *flow, bool reading)
{
	struct schedule *schedule = flow->schedule;

	if (flow->reading == reading)
		return;
	flow->reading = reading;
	if (reading) {
		TAILQ_INSERT_TAIL(&schedule->reading, flow, in_reading);
		event_active(schedule->reader, 0, 0);
	} else {
		TAILQ_REMOVE(&schedule->reading, flow, in_reading);
	}
}

void
flow_free(struct flow *flow)
{
	set_reading(flow, false);
	RB_REMOVE(flows, &flow->schedule->flows, flow);
	event_free(flow->timer);
	free(flow);
}

void
flow_settle(struct flow *flow)
{
	if (flow->full && flow->lane_count < LANES_LOW) {
		flow->full = false;
		set_reading(flow, flow->more);
	}
	if (flow->lane_count == 0 && flow->jobs == 0 && !flow->more && flow->due == DB_HELD)
		flow_free(flow);
}

/* -- Reading --------------------------------------------------------------------------------- */

static void
set_due(struct flow *flow, int64_t due)
{
	flow->due = due;
	if (due == DB_HELD)
		evtimer_del(flow->timer);
	else
		schedule_set_timer(flow->timer, due - clock_now());
}

void
flow_read_on(struct flow *flow)
{
	flow->more = true;
	set_due(flow, DB_HELD);
	set_reading(flow, !flow->full);
}

void
flow_wait(struct flow *flow, int64_t due)
{
	if (!flow->more && due < flow->due)
		set_due(flow, due);
}

bool
flow_announce(struct flow *flow, const char *name, const struct db_delivery *row)
{
	struct mailbox *mailbox = mailbox_get(flow->schedule, name);
	struct lane *lane;

	if (mailbox == NULL)
		return false;
	lane = lane_find(mailbox, flow);
	if (lane == NULL) {
		flow->full = flow->lane_count >= LANES_MAX;
		if (!flow->full)
			lane = lane_new(mailbox, flow);
	}
	if (lane != NULL) {
		flow->cursor = row->position;
		lane_add(lane, row);
	}
	mailbox_settle(mailbox);
	return lane != NULL;
}

static bool
announce(const struct db_delivery *row, const char *mailbox, void *arg)
{
	return flow_announce(arg, mailbox, row);
}

/* The next rows, to their mailboxes. */
static void
read_some(struct flow *flow)
{
	struct db *db = flow->schedule->queue->db;
	int64_t now = clock_now(), due = DB_HELD;
	int read = db_due(db, flow->id, flow->cursor, now, READ_MAX, announce, flow, &due);

	if (read == -1)
		log_event(LOG_ERR, "queue.read_failed", KV_STR("why", db_error(db)));
	if (read == -1 || (read == 0 && !flow->full)) {
		/* Also without memory: a little later. */
		flow->more = false;
		set_due(flow, now + PATIENCE);
	} else if (read == 1) {
		flow->more = due < now;
		set_due(flow, flow->more ? DB_HELD : due);
		set_reading(flow, flow->more);
	}
	flow_settle(flow);
}

void
flow_read_some(struct schedule *schedule)
{
	struct flow *flow = TAILQ_FIRST(&schedule->reading);

	if (flow == NULL)
		return;
	set_reading(flow, false);
	read_some(flow);
	if (!TAILQ_EMPTY(&schedule->reading))
		event_active(schedule->reader, 0, 0);
}

/* -- Turns ----------------------------------------------------------------------------------- */

/*
 * In both lists, who was served longest ago is in front, also after he could not be served for a
 * while: a place that is taken again does not come with a turn.
 */
static void
enter_turns(struct turn_list *turns, struct turn *turn)
{
	struct turn *before = TAILQ_LAST(turns, turn_list);

	while (before != NULL && before->served > turn->served)
		before = TAILQ_PREV(before, turn_list, entry);
	if (before == NULL)
		TAILQ_INSERT_HEAD(turns, turn, entry);
	else
		TAILQ_INSERT_AFTER(turns, before, turn, entry);
}

void
flow_enter(struct lane *lane, enum mailbox_place place)
{
	struct turn *turn = &lane->flow->turns[place];
	struct lane *before = TAILQ_LAST(&turn->lanes, lane_list);

	if (before == NULL)
		enter_turns(&lane->flow->schedule->turns[place], turn);
	while (before != NULL && before->served > lane->served)
		before = TAILQ_PREV(before, lane_list, in_turn);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&turn->lanes, lane, in_turn);
	else
		TAILQ_INSERT_AFTER(&turn->lanes, before, lane, in_turn);
}

void
flow_leave(struct lane *lane, enum mailbox_place place)
{
	struct turn *turn = &lane->flow->turns[place];

	TAILQ_REMOVE(&turn->lanes, lane, in_turn);
	if (TAILQ_EMPTY(&turn->lanes))
		TAILQ_REMOVE(&lane->flow->schedule->turns[place], turn, entry);
}

struct lane *
flow_take(struct turn *turn, enum mailbox_place place)
{
	struct schedule *schedule = turn->flow->schedule;
	struct lane *lane = TAILQ_FIRST(&turn->lanes);

	TAILQ_REMOVE(&schedule->turns[place], turn, entry);
	TAILQ_INSERT_TAIL(&schedule->turns[place], turn, entry);
	TAILQ_REMOVE(&turn->lanes, lane, in_turn);
	TAILQ_INSERT_TAIL(&turn->lanes, lane, in_turn);
	lane->served = turn->served = ++schedule->served;
	return lane;
}

struct lane *
flow_next(struct schedule *schedule, enum mailbox_place place)
{
	struct turn *turn = TAILQ_FIRST(&schedule->turns[place]);

	return turn == NULL ? NULL : flow_take(turn, place);
}
