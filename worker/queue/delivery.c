/* SPDX-License-Identifier: ISC */
/* What the queue says to the master and to session processes to get a mail into its mailbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/queue_session.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/queue.h"
#include "worker/queue/report.h"

#define ATTACH_SECONDS 60
#define DELIVER_SECONDS 120

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

/* "5.2.2 " in front of a reason; else that of the action. */
static void
set_reason(struct report_recipient *recipient, enum report_action action, const char *why)
{
	static const char *const statuses[REPORT_ACTIONS] = {
	    [REPORT_FAILED] = "5.0.0", [REPORT_DELAYED] = "4.0.0", [REPORT_DELIVERED] = "2.0.0"};
	size_t length = strspn(why, "0123456789.");
	bool has_status = length >= 5 && length < sizeof(recipient->status) &&
			  why[0] == statuses[action][0] && why[length] == ' ';

	if (has_status)
		(void)snprintf(recipient->status, sizeof(recipient->status), "%.*s", (int)length,
			       why);
	else
		strlcpy(recipient->status, statuses[action], sizeof(recipient->status));
	strlcpy(recipient->text, has_status ? why + length + 1 : why, sizeof(recipient->text));
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
	recipient->expired = action == REPORT_FAILED && why[0] == '4';
	strlcpy(recipient->path, to.path, sizeof(recipient->path));
	strlcpy(recipient->orcpt, to.orcpt, sizeof(recipient->orcpt));
	set_reason(recipient, action, why);
	report_send(report);
	delivery_free(delivery);
	return true;
}

static void
done(struct delivery *delivery, bool duplicate)
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

/* A session process said so. */
static void
defer_or_tell(struct delivery *delivery, const char *why)
{
	int64_t next = delivery_postpone(delivery, clock_now(), arc4random(), why);

	if (!delivery_is_late(delivery) || !tell_sender(delivery, REPORT_DELAYED, next, why))
		delivery_record(delivery, RESULT_DEFER, next, why);
}

/*
 * It goes back to its sender, if that can be: where no mail leaves, or he wants no word of it, it
 * stays for somebody to look at.
 */
static void
fail(struct delivery *delivery, const char *why)
{
	const struct mq_settings *settings = &delivery->mailbox->schedule->queue->settings;

	if (settings->relay == REACH_HERE || !notify_wants(delivery->notify, DSN_NOTIFY_FAILURE) ||
	    !tell_sender(delivery, REPORT_FAILED, 0, why))
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

/* -- The answer ------------------------------------------------------------------------------ */

static void
take_from_running(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;

	TAILQ_REMOVE(&mailbox->running, delivery, entry);
	mailbox->running_count--;
	mailbox->schedule->running--;
}

static int
on_delivered(struct delivery *delivery, const struct qs_delivered *body)
{
	struct mailbox *mailbox = delivery->mailbox;

	if (body->duplicate > 1)
		return -1;
	mailbox->failures = 0;
	mailbox->window = mailbox->window * 2 < WINDOW_MAX ? mailbox->window * 2 : WINDOW_MAX;
	take_from_running(delivery);
	done(delivery, body->duplicate == 1);
	mailbox_settle(mailbox);
	return 0;
}

static int
on_failed(struct delivery *delivery, const struct ipc_message *message)
{
	const struct qs_failed *body = message->body;
	struct mailbox *mailbox = delivery->mailbox;
	char why[REASON_MAX + 1];

	if (body->permanent > 1)
		return -1;
	/* A text of another process: only what can be shown is kept. */
	memcpy(why, message->tail, message->tail_length);
	why[message->tail_length] = '\0';
	for (size_t i = 0; i < message->tail_length; i++) {
		if (why[i] < 0x20 || why[i] > 0x7e)
			why[i] = '?';
	}
	take_from_running(delivery);
	if (body->permanent == 1 || (why[0] == '4' && delivery_is_expired(delivery)))
		fail(delivery, why);
	else
		defer_or_tell(delivery, why);
	mailbox_settle(mailbox);
	return 0;
}

static int
on_answer(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct delivery *delivery = arg;
	struct mailbox *mailbox = delivery->mailbox;

	(void)channel;
	if (message == NULL) {
		delivery_detach(mailbox);
		mailbox_failed(mailbox, "the session process died or did not answer");
		return 0;
	}
	return message->type == QS_DELIVERED ? on_delivered(delivery, message->body)
					     : on_failed(delivery, message);
}

/* -- The session process ------------------------------------------------------------------------
 */

static const struct ipc_handler no_handlers[] = {
    {0, NULL},
};

/* With deliveries on their way, on_answer() has heard of it first: then this isn't called. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct mailbox *mailbox = context;

	(void)channel;
	mailbox->channel = NULL;
	delivery_detach(mailbox);
	if (mailbox->running_count > 0 || mailbox->working > 0)
		mailbox_failed(mailbox, "the session process is gone");
	else
		mailbox_settle(mailbox);
}

void
delivery_detach(struct mailbox *mailbox)
{
	ipc_close(mailbox->channel);
	mailbox->channel = NULL;
	mailbox->state = MAILBOX_QUIET;
	mailbox->schedule->attached--;
}

static int
attached(struct mailbox *mailbox, struct ipc_message *message)
{
	char peer[ADDRESS_SIZE + 16];

	snprintf(peer, sizeof(peer), "session %s", mailbox->name);
	mailbox->channel =
	    ipc_open(mailbox->schedule->queue->base, ipc_take_fd(message), &queue_session_boundary,
		     IPC_CLIENT, no_handlers, on_ended, mailbox, peer);
	if (mailbox->channel == NULL) {
		mailbox_failed(mailbox, "no memory for a channel");
		return 0;
	}
	mailbox->state = MAILBOX_ATTACHED;
	mailbox->schedule->attached++;
	mailbox_settle(mailbox);
	return 0;
}

static int
on_attached(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct mailbox *mailbox = arg;
	char why[REASON_MAX + 1] = "the master did not answer";

	(void)channel;
	mailbox->state = MAILBOX_QUIET;
	mailbox->schedule->attaching--;
	if (message != NULL && message->type == MQ_ATTACHED)
		return attached(mailbox, message);
	if (message != NULL && message->type == MQ_ATTACH_FAILED) {
		memcpy(why, message->tail, message->tail_length);
		why[message->tail_length] = '\0';
	}
	mailbox_failed(mailbox, why);
	return message == NULL || message->type == MQ_ATTACH_FAILED ? 0 : -1;
}

void
delivery_attach(struct mailbox *mailbox)
{
	mailbox->request =
	    ipc_request(mailbox->schedule->queue->control, MQ_ATTACH, NULL, mailbox->name,
			strlen(mailbox->name), -1, ATTACH_SECONDS, on_attached, mailbox);
	if (mailbox->request == 0) {
		mailbox_failed(mailbox, "the master can't be asked");
		return;
	}
	mailbox->state = MAILBOX_ATTACHING;
	mailbox->schedule->attaching++;
}

/* -- The mail -------------------------------------------------------------------------------------
 */

enum sent {
	SENT,
	SENT_NOT,   /* the channel is broken */
	SENT_LATER, /* no memory or descriptors */
	SENT_NEVER, /* there is no body */
};

void
delivery_drop_body(struct schedule *schedule)
{
	if (schedule->body_fd != -1)
		close(schedule->body_fd);
	schedule->body_fd = -1;
}

int
delivery_body(struct schedule *schedule, const struct db_message *message)
{
	if (schedule->body_fd != -1 && schedule->body_id == message->id)
		return schedule->body_fd;
	delivery_drop_body(schedule);
	schedule->body_id = message->id;
	schedule->body_fd = message->body == NULL
				? spool_read(schedule->queue->spool, message->id)
				: spool_memory(message->body, (size_t)message->size);
	return schedule->body_fd;
}

static int
send_message(const struct db_message *message, void *arg)
{
	struct delivery *delivery = arg;
	struct mailbox *mailbox = delivery->mailbox;
	struct qs_deliver body = {.conn = message->conn,
				  .size = message->size,
				  .received = message->received,
				  .junk = message->junk ? 1 : 0,
				  .binary = message->parameters.body == BODY_BINARYMIME ? 1 : 0};
	int fd = delivery_body(mailbox->schedule, message);

	delivery->conn = message->conn;
	delivery->since = message->since;
	if (fd == -1)
		return errno == ENOENT ? SENT_NEVER : SENT_LATER;
	snprintf(body.delivery_id, sizeof(body.delivery_id), "%016llx.%u",
		 (unsigned long long)message->id, delivery->index);
	if (ipc_request(mailbox->channel, QS_DELIVER, &body, message->sender,
			strlen(message->sender), fd, DELIVER_SECONDS, on_answer, delivery) == 0)
		return SENT_NOT;
	return SENT;
}

void
delivery_send(struct lane *lane)
{
	struct mailbox *mailbox = lane->mailbox;
	struct delivery *delivery = lane_take(lane);
	struct schedule *schedule = mailbox->schedule;
	int sent;

	lane_settle(lane);
	sent = db_message(schedule->queue->db, delivery->message, send_message, delivery);
	if (sent == SENT || sent == SENT_NOT) {
		TAILQ_INSERT_TAIL(&mailbox->running, delivery, entry);
		mailbox->running_count++;
		schedule->running++;
	}
	if (sent == SENT_NOT) {
		delivery_detach(mailbox);
		mailbox_failed(mailbox, "the session process is gone");
		return;
	}
	if (sent == SENT_LATER)
		delivery_defer(delivery, "no memory or descriptors");
	if (sent == SENT_NEVER)
		delivery_hold(delivery, "its body is missing from the spool");
	if (sent == -1)
		delivery_defer(delivery, db_error(schedule->queue->db));
	mailbox_settle(mailbox);
}
