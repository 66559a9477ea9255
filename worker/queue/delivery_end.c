/* SPDX-License-Identifier: ISC */
/* How a delivery ends or is put off: what the database, the log and its sender hear of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/queue.h"
#include "worker/queue/report.h"

/* -- Results ------------------------------------------------------------------------------ */

void
delivery_free(struct delivery *delivery)
{
	struct lane *lane = delivery->lane;

	free(delivery);
	lane_release(lane);
}

void
delivery_record(struct delivery *delivery, enum result_kind kind, int64_t next_attempt,
		const char *why)
{
	struct result result = {
	    .kind = kind,
	    .message = delivery->message,
	    .index = delivery->index,
	    .attempts = delivery->attempts,
	    .next_attempt = next_attempt,
	    .reason = why,
	    .soon = kind == RESULT_DONE && delivery->mailbox->remote,
	    .unreached = kind == RESULT_DEFER && delivery->unreached,
	};

	batch_result(delivery->mailbox->schedule->queue->batch, &result);
	delivery_free(delivery);
}

static void
log_delivery(int level, const char *event, const struct delivery *delivery,
	     const struct log_value *more, size_t count)
{
	struct log_value values[8];
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)delivery->message);
	values[0] = KV_STR("id", id);
	values[1] = KV_CONN(delivery->conn);
	values[2] = KV_STR("to", delivery->mailbox->name);
	memcpy(values + 3, more, count * sizeof(*more));
	log_values(level, event, values, 3 + count);
}

/* -- Reports -------------------------------------------------------------------------------- */

static bool
is_past(const struct delivery *delivery, uint32_t seconds)
{
	return seconds > 0 && delivery->since != 0 &&
	       clock_now() - delivery->since >= (int64_t)seconds * CLOCK_SECOND;
}

bool
delivery_is_late(const struct delivery *delivery)
{
	return !delivery->delayed && notify_wants(delivery->notify, DSN_NOTIFY_DELAY) &&
	       is_past(delivery, delivery->mailbox->schedule->queue->settings.delay_notice);
}

bool
delivery_is_expired(const struct delivery *delivery)
{
	return is_past(delivery, delivery->mailbox->schedule->queue->settings.expire);
}

/*
 * What a sender, who may be anybody, hears of what this server could not do by itself. How full a
 * mailbox is, and what processes and files here say, is for the log and posternctl queue.
 */
static const struct reason {
	const char *begin;  /* of what the session says */
	const char *detail; /* RFC 3463, behind the class */
	const char *words;
} reasons[] = {
    {"4.2.2 ", "2.2", "the mailbox is full"},
    {"5.2.2 ", "2.2", "the mailbox has no room for a message as large as this"},
    {"", "3.0", "the mailbox can't be reached now"},
};
static const struct reason not_sent = {"", "3.0",
				       "this mail server has a fault, and can't send it on now"};

static const struct reason *
reason_of(const struct delivery *delivery, const char *why)
{
	const struct reason *reason = reasons;

	if (delivery->mailbox->remote)
		return &not_sent;
	while (strncmp(why, reason->begin, strlen(reason->begin)) != 0)
		reason++;
	return reason;
}

static void
set_reason(struct report_recipient *recipient, enum report_action action,
	   const struct delivery *delivery, const char *why)
{
	const struct reason *reason = reason_of(delivery, why);

	strlcpy(recipient->why, why, sizeof(recipient->why));
	if (action == REPORT_DELIVERED) {
		strlcpy(recipient->status, "2.0.0", sizeof(recipient->status));
		return;
	}
	(void)snprintf(recipient->status, sizeof(recipient->status), "%c.%s",
		       action == REPORT_FAILED ? '5' : '4', reason->detail);
	strlcpy(recipient->text, reason->words, sizeof(recipient->text));
}

/* The sender is told, and the delivery ends with that. False: he is not, and it is still there. */
static bool
tell_sender(struct delivery *delivery, enum report_action action, int64_t next_attempt,
	    const char *why)
{
	struct queue *queue = delivery->mailbox->schedule->queue;
	struct report_recipient *recipient;
	struct report *report;
	struct db_addressee to;

	if (db_addressee(queue->db, delivery->message, delivery->index, &to) != DB_OK)
		return false;
	report = report_new(queue, delivery->message, action, delivery->mailbox->name, 1);
	if (report == NULL)
		return false;
	recipient = report_add(report);
	recipient->index = delivery->index;
	recipient->attempts = delivery->attempts;
	recipient->next_attempt = next_attempt;
	recipient->expired =
	    action == REPORT_FAILED && why[0] != '5' && delivery_is_expired(delivery);
	strlcpy(recipient->path, to.path, sizeof(recipient->path));
	strlcpy(recipient->orcpt, to.orcpt, sizeof(recipient->orcpt));
	set_reason(recipient, action, delivery, why);
	report_send(report);
	delivery_free(delivery);
	return true;
}

void
delivery_done(struct delivery *delivery, bool duplicate)
{
	const struct log_value more[] = {KV_U64("duplicate", duplicate ? 1 : 0)};

	log_delivery(LOG_INFO, "queue.delivered", delivery, more, 1);
	if (!notify_wants(delivery->notify, DSN_NOTIFY_SUCCESS) ||
	    !tell_sender(delivery, REPORT_DELIVERED, 0, ""))
		delivery_record(delivery, RESULT_DONE, 0, NULL);
}

int64_t
delivery_postpone(struct delivery *delivery, int64_t now, uint32_t random, const char *why)
{
	uint32_t first = delivery->mailbox->schedule->queue->settings.retry;
	int64_t delay = clock_backoff(first, ++delivery->attempts, random);
	const struct log_value more[] = {KV_STR("why", why),
					 KV_I64("next", (delay + CLOCK_SECOND / 2) / CLOCK_SECOND)};

	log_delivery(LOG_WARNING, "queue.deferred", delivery, more, 2);
	return now + delay;
}

void
delivery_defer(struct delivery *delivery, const char *why)
{
	int64_t next = delivery_postpone(delivery, clock_now(), arc4random(), why);

	delivery_record(delivery, RESULT_DEFER, next, why);
}

void
delivery_defer_or_tell(struct delivery *delivery, const char *why)
{
	int64_t next = delivery_postpone(delivery, clock_now(), arc4random(), why);

	if (!delivery_is_late(delivery) || !tell_sender(delivery, REPORT_DELAYED, next, why))
		delivery_record(delivery, RESULT_DEFER, next, why);
}

static void
drop(struct delivery *delivery, const char *why)
{
	const struct log_value more[] = {KV_STR("why", why)};

	log_delivery(LOG_WARNING, "queue.dropped", delivery, more, 1);
	delivery_record(delivery, RESULT_DONE, 0, NULL);
}

void
delivery_fail(struct delivery *delivery, const char *why)
{
	/* RFC 3461 4.1: that is what was asked for, by reports too. Held, anybody could fill the
	 * queue with it. */
	if (!notify_wants(delivery->notify, DSN_NOTIFY_FAILURE))
		drop(delivery, why);
	else if (!tell_sender(delivery, REPORT_FAILED, 0, why))
		delivery_hold(delivery, why);
}

void
delivery_hold(struct delivery *delivery, const char *why)
{
	const struct log_value more[] = {KV_STR("why", why)};

	delivery->attempts++;
	log_delivery(LOG_CRIT, "queue.held", delivery, more, 1);
	delivery_record(delivery, RESULT_DEFER, DB_HELD, why);
}

static int
note_since(const struct db_message *message, void *arg)
{
	struct delivery *delivery = arg;

	delivery->conn = message->conn;
	delivery->since = message->since;
	return 0;
}

void
delivery_not_now(struct delivery *delivery, const char *why)
{
	if (delivery->since == 0)
		(void)db_message_head(delivery->mailbox->schedule->queue->db, delivery->message,
				      note_since, delivery);
	if (delivery_is_expired(delivery))
		delivery_fail(delivery, why);
	else
		delivery_defer_or_tell(delivery, why);
}
