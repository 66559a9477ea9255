/* SPDX-License-Identifier: ISC */
/* Domains that can't be reached: what waits is put off without being tried, until one is. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/queue_relay.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/queue.h"
#include "worker/queue/schedule.h"
#include "worker/queue/transaction.h"

#define MAILS_MAX 64   /* that are put off in one turn of the loop */
#define REPORTS_MAX 64 /* on their way to the disk, while more mails are put off */
/* Recipients, in one turn: a mail that has more behind the last of them may leave as two. */
#define REVIVED_MAX 256

struct suspension {
	int64_t until;
	struct qr_recipient result; /* of the mail that was tried */
};

/* A domain that is reached again, and has mail that was put off. */
struct revival {
	TAILQ_ENTRY(revival) entry;
	bool begun;
	char name[];
};

/* -- Their beginning and end -------------------------------------------------------------------
 */

static struct revival *
find_revival(const struct schedule *schedule, const char *name)
{
	struct revival *revival;

	TAILQ_FOREACH (revival, &schedule->revivals, entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		if (strcmp(revival->name, name) == 0)
			break;
	}
	return revival;
}

static void
drop_revival(struct schedule *schedule, struct revival *revival)
{
	if (revival == NULL)
		return;
	TAILQ_REMOVE(&schedule->revivals, revival, entry);
	free(revival);
}

void
suspension_begin(struct mailbox *mailbox, const struct qr_recipient *result, int64_t until)
{
	if (mailbox->suspension == NULL)
		mailbox->suspension = calloc(1, sizeof(*mailbox->suspension));
	/* Without memory each mail is tried for itself. */
	if (mailbox->suspension == NULL)
		return;
	mailbox->suspension->until = until;
	mailbox->suspension->result = *result;
	mailbox->reached = false;
	drop_revival(mailbox->schedule, find_revival(mailbox->schedule, mailbox->name));
}

bool
suspension_holds(const struct mailbox *mailbox)
{
	return mailbox->suspension != NULL && clock_now() < mailbox->suspension->until;
}

void
suspension_lift(struct mailbox *mailbox)
{
	free(mailbox->suspension);
	mailbox->suspension = NULL;
}

/* Also what an earlier process has put off. */
static bool
has_unreached(const struct mailbox *mailbox)
{
	struct db *db = mailbox->schedule->queue->db;
	bool has = false;

	return db_has_unreached(db, mailbox->name, clock_now(), &has) == DB_OK && has;
}

/* Without memory each waits for its own time. */
static void
revive(struct schedule *schedule, const char *name)
{
	size_t size = strlen(name) + 1;
	struct revival *revival;

	if (find_revival(schedule, name) != NULL)
		return;
	revival = calloc(1, sizeof(*revival) + size);
	if (revival == NULL)
		return;
	memcpy(revival->name, name, size);
	TAILQ_INSERT_TAIL(&schedule->revivals, revival, entry);
}

void
suspension_end(struct mailbox *mailbox)
{
	bool was = mailbox->suspension != NULL;

	suspension_lift(mailbox);
	if (mailbox->reached)
		return;
	mailbox->reached = true;
	if (was || has_unreached(mailbox))
		revive(mailbox->schedule, mailbox->name);
}

/* -- What there is to do -----------------------------------------------------------------------
 */

/* The disk takes it, and so do those whom accounts is asked about for the reports. */
static bool
has_room(const struct schedule *schedule)
{
	const struct queue *queue = schedule->queue;

	return !batch_is_behind(queue->batch) && queue->own->count < REPORTS_MAX;
}

static void
put_off_some(struct schedule *schedule)
{
	struct lane *lane;

	for (unsigned i = 0; i < MAILS_MAX && has_room(schedule) &&
			     (lane = flow_next(schedule, PLACE_PUT_OFF)) != NULL;
	     i++) {
		struct mailbox *mailbox = lane->mailbox;

		if (suspension_holds(mailbox))
			remote_put_off(lane, &mailbox->suspension->result);
		mailbox_settle(mailbox);
	}
}

/* How many, or -1. */
static int
revive_rows(struct schedule *schedule, const char *name)
{
	int64_t position = schedule_positions(schedule, 1);
	struct db *db = schedule->queue->db;
	flow_id flows[REVIVED_MAX];
	size_t count = 0;
	enum db_status status = db_begin(db);

	if (status == DB_OK)
		status = db_revive(db, name, position, REVIVED_MAX, flows, &count);
	if (status == DB_OK)
		status = db_commit_unsynced(db);
	if (status != DB_OK) {
		log_event(LOG_ERR, "queue.commit_failed", KV_STR("to", name),
			  KV_STR("why", db_error(db)));
		db_rollback(db);
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		schedule_deferred(schedule, flows[i], position);
	return (int)count;
}

/* Where that fails, each waits for its own time. */
static void
revive_some(struct schedule *schedule)
{
	struct revival *revival = TAILQ_FIRST(&schedule->revivals);
	struct batch *batch = schedule->queue->batch;

	if (revival == NULL)
		return;
	/* What was put off last may not be written yet. */
	revival->begun = revival->begun || batch_run(batch) == DB_OK;
	if (!revival->begun || revive_rows(schedule, revival->name) < REVIVED_MAX)
		drop_revival(schedule, revival);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct schedule *schedule = arg;

	(void)fd;
	(void)what;
	if (schedule->stopped)
		return;
	put_off_some(schedule);
	revive_some(schedule);
	suspensions_go_on(schedule);
}

/* With a timer: what comes from outside has its turn in between. */
void
suspensions_go_on(struct schedule *schedule)
{
	bool works = !TAILQ_EMPTY(&schedule->revivals) ||
		     (!TAILQ_EMPTY(&schedule->turns[PLACE_PUT_OFF]) && has_room(schedule));

	if (works && !evtimer_pending(schedule->suspensions, NULL))
		schedule_set_timer(schedule->suspensions, 0);
}

int
suspensions_open(struct schedule *schedule)
{
	TAILQ_INIT(&schedule->revivals);
	schedule->suspensions = evtimer_new(schedule->queue->base, on_turn, schedule);
	return schedule->suspensions == NULL ? -1 : 0;
}

void
suspensions_close(struct schedule *schedule)
{
	struct revival *revival, *next;

	TAILQ_FOREACH_SAFE (revival, &schedule->revivals, entry, next)
		free(revival);
	TAILQ_INIT(&schedule->revivals);
	if (schedule->suspensions != NULL)
		event_free(schedule->suspensions);
}
