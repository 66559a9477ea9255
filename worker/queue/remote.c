/* SPDX-License-Identifier: ISC */
/*
 * What the queue says to relay to get mails to other domains.
 *
 * A job is one mail for recipients of one domain that are due together. A domain has few jobs at a
 * time, fewer after failures, and flows and their domains take turns (schedule.h), so that one that
 * is slow holds nobody else's mail back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/queue_relay.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/queue.h"
#include "worker/queue/report.h"
#include "worker/queue/schedule.h"

#define JOBS_MAX 200
#define DEATHS_MAX 3
#define REASON_SIZE (RELAY_TEXT_SIZE + HOST_NAME_SIZE + 64)

struct job {
	LIST_ENTRY(job) entry;
	struct mailbox *mailbox;
	struct lane *lane;
	uint32_t request;
	struct deliveries deliveries;
	uint32_t count;
	conn_id conn;
	int64_t received;           /* seconds since the epoch */
	size_t length;              /* of text */
	const char *paths;          /* in it, behind the sender */
	char text[RELAY_PATHS_MAX]; /* qr_send's tail */
};

static void
job_free(struct job *job)
{
	struct mailbox *mailbox = job->mailbox;
	struct lane *lane = job->lane;

	LIST_REMOVE(job, entry);
	mailbox->schedule->job_count--;
	mailbox->running_count--;
	lane->flow->jobs--;
	free(job);
	lane_release(lane);
}

/* -- Results ------------------------------------------------------------------------------ */

static void
log_relay(const struct job *job, const char *event, const struct delivery *delivery,
	  const char *path, const char *host, const struct qr_recipient *result)
{
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)delivery->message);
	log_event(LOG_INFO, event, KV_STR("id", id), KV_CONN(job->conn), KV_STR("to", path),
		  KV_STR("host", host), KV_U64("code", result->code),
		  KV_STR("status", result->status), KV_STR("text", result->text));
}

/* What the sender hears of a job, one mail for each thing there is to say. */
struct hearing {
	struct report *reports[REPORT_ACTIONS];
	int64_t now; /* and what is put off stays together */
	uint32_t random;
};

/* RFC 3461 5.2.2 of success; 6.2, 6.3 of the others. */
static enum report_action
action_of(const struct job *job, const struct delivery *delivery, const struct qr_recipient *result,
	  bool over)
{
	/* Of what has the null reverse-path nobody hears (RFC 5321 6.1). */
	if (job->text[0] == '\0')
		return REPORT_NONE;
	if (result->outcome == RELAY_DELIVERED)
		return result->dsn == 0 && notify_wants(delivery->notify, DSN_NOTIFY_SUCCESS)
			   ? REPORT_RELAYED
			   : REPORT_NONE;
	if (over)
		return notify_wants(delivery->notify, DSN_NOTIFY_FAILURE) ? REPORT_FAILED
									  : REPORT_NONE;
	return delivery_is_late(delivery) ? REPORT_DELAYED : REPORT_NONE;
}

/* Room in the report of that kind; NULL without memory. */
static struct report_recipient *
heard(const struct job *job, struct hearing *hearing, const struct delivery *delivery,
      enum report_action action)
{
	struct mailbox *mailbox = job->mailbox;

	if (hearing->reports[action] == NULL)
		hearing->reports[action] = report_new(mailbox->schedule->queue, delivery->message,
						      action, mailbox->name, job->count);
	return hearing->reports[action] == NULL ? NULL : report_add(hearing->reports[action]);
}

/* Where a recipient's delivery stands, as take_results() goes over them. */
struct ended {
	const char *path, *orcpt, *host;
	const struct qr_recipient *result;
	bool over; /* it has failed for ever */
	int64_t next_attempt;
};

/* Fills one; the delivery is freed. */
static void
hand_over(struct report_recipient *recipient, struct delivery *delivery, const struct ended *ended)
{
	const struct qr_recipient *result = ended->result;

	recipient->index = delivery->index;
	recipient->attempts = delivery->attempts;
	recipient->next_attempt = ended->next_attempt;
	recipient->expired = ended->over && result->outcome == RELAY_LATER;
	recipient->code = result->code;
	strlcpy(recipient->path, ended->path, sizeof(recipient->path));
	strlcpy(recipient->orcpt, ended->orcpt, sizeof(recipient->orcpt));
	strlcpy(recipient->host, ended->host, sizeof(recipient->host));
	strlcpy(recipient->status, result->status, sizeof(recipient->status));
	strlcpy(recipient->text, result->text, sizeof(recipient->text));
	delivery_free(delivery);
}

/* Nobody is told. */
static void
end_silently(const struct job *job, struct delivery *delivery, const struct ended *ended)
{
	const char *why = ended->result->text;

	if (ended->over)
		log_relay(job, "queue.dropped", delivery, ended->path, ended->host, ended->result);
	if (ended->over || ended->result->outcome == RELAY_DELIVERED)
		delivery_record(delivery, RESULT_DONE, 0, NULL);
	else
		delivery_record(delivery, RESULT_DEFER, ended->next_attempt, why);
}

/* One recipient's; the delivery is freed. */
static void
finish(const struct job *job, struct hearing *hearing, struct delivery *delivery,
       struct ended *ended)
{
	static const char *const events[] = {[RELAY_DELIVERED] = "queue.relayed",
					     [RELAY_LATER] = "queue.not_now",
					     [RELAY_FAILED] = "queue.refused"};
	const struct qr_recipient *result = ended->result;
	struct report_recipient *recipient = NULL;
	enum report_action action;

	log_relay(job, events[result->outcome], delivery, ended->path, ended->host, result);
	delivery->received = job->received;
	ended->over = result->outcome == RELAY_FAILED ||
		      (result->outcome == RELAY_LATER && delivery_is_expired(delivery));
	if (result->outcome == RELAY_LATER && !ended->over)
		ended->next_attempt =
		    delivery_postpone(delivery, hearing->now, hearing->random, result->text);
	action = action_of(job, delivery, result, ended->over);
	if (action != REPORT_NONE)
		recipient = heard(job, hearing, delivery, action);
	if (recipient != NULL)
		hand_over(recipient, delivery, ended);
	else if (action == REPORT_FAILED)
		delivery_defer(delivery, "no memory for its report");
	else
		end_silently(job, delivery, ended);
}

static bool
is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	for (; end != NULL && text < end; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return end != NULL;
}

/* What the table doesn't say. */
static bool
is_sound(const struct job *job, const struct ipc_message *message)
{
	const struct qr_result *body = message->body;

	if (message->type != QR_RESULT || body->recipients != job->count || body->zero != 0 ||
	    message->tail_length != job->count * sizeof(struct qr_recipient) ||
	    !is_text(body->host, sizeof(body->host)))
		return false;
	for (uint32_t i = 0; i < job->count; i++) {
		struct qr_recipient result;

		memcpy(&result, message->tail + i * sizeof(result), sizeof(result));
		if (result.outcome < RELAY_DELIVERED || result.outcome > RELAY_FAILED ||
		    result.code > 599 || result.dsn > 1 || result.status[0] == '\0' ||
		    !is_text(result.status, sizeof(result.status)) ||
		    !is_text(result.text, sizeof(result.text)))
			return false;
	}
	return true;
}

static void
take_results(struct job *job, const struct ipc_message *message)
{
	const struct qr_result *body = message->body;
	struct hearing hearing = {.now = clock_now(), .random = arc4random()};
	const char *at = job->paths;
	struct delivery *delivery;
	bool any = false;

	for (uint32_t i = 0; (delivery = TAILQ_FIRST(&job->deliveries)) != NULL; i++) {
		struct qr_recipient result;
		struct ended ended = {.path = at, .host = body->host, .result = &result};

		TAILQ_REMOVE(&job->deliveries, delivery, entry);
		ended.orcpt = at + strlen(at) + 1;
		at = ended.orcpt + strlen(ended.orcpt) + 1;
		memcpy(&result, message->tail + i * sizeof(result), sizeof(result));
		any = any || result.outcome != RELAY_LATER;
		finish(job, &hearing, delivery, &ended);
	}
	for (size_t i = 0; i < REPORT_ACTIONS; i++) {
		if (hearing.reports[i] != NULL)
			report_send(hearing.reports[i]);
	}
	/* Who takes nothing is asked for less, who takes something for more. */
	if (!any)
		job->mailbox->window = 1;
	else if (job->mailbox->window < REMOTE_WINDOW)
		job->mailbox->window++;
}

/* Relay died over it, or gave no answer that is one. */
static void
put_back(struct job *job, const char *why)
{
	struct mailbox *mailbox = job->mailbox;
	struct delivery *delivery;

	while ((delivery = TAILQ_LAST(&job->deliveries, deliveries)) != NULL) {
		TAILQ_REMOVE(&job->deliveries, delivery, entry);
		if (++delivery->deaths >= DEATHS_MAX) {
			delivery_defer(delivery, why);
			continue;
		}
		lane_put_back(delivery);
	}
	mailbox->window = 1;
}

static int
on_result(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct job *job = arg;
	struct mailbox *mailbox = job->mailbox;
	int result = 0;

	(void)channel;
	if (message != NULL && is_sound(job, message)) {
		take_results(job, message);
	} else {
		put_back(job, "relay died or did not answer");
		result = message == NULL ? 0 : -1;
	}
	job_free(job);
	mailbox_settle(mailbox);
	return result;
}

/* -- Jobs ---------------------------------------------------------------------------------- */

enum sent {
	SENT,
	SENT_NOT,   /* the channel is broken, or there is no memory or descriptor */
	SENT_NEVER, /* there is no body */
};

/* The tail: the sender, then each path and its original recipient. */
static bool
write_tail(struct job *job, struct db *db, const char *sender, uint8_t *notify)
{
	struct delivery *delivery;
	struct db_addressee to;
	size_t length = strlen(sender) + 1;

	if (length > PATH_SIZE)
		return false;
	memcpy(job->text, sender, length);
	job->paths = job->text + length;
	job->length = length;
	TAILQ_FOREACH (delivery, &job->deliveries, entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		if (db_addressee(db, delivery->message, delivery->index, &to) != DB_OK)
			return false;
		length = strlen(to.path) + 1;
		memcpy(job->text + job->length, to.path, length);
		job->length += length;
		length = strlen(to.orcpt) + 1;
		memcpy(job->text + job->length, to.orcpt, length);
		job->length += length;
		*notify++ = (uint8_t)to.notify;
	}
	return true;
}

static int
send_message(const struct db_message *message, void *arg)
{
	struct job *job = arg;
	struct schedule *schedule = job->mailbox->schedule;
	struct qr_send body = {.conn = message->conn,
			       .parameters = message->parameters,
			       .id = message->id,
			       .size = message->size,
			       .recipients = job->count};
	int fd;

	job->conn = message->conn;
	job->received = message->received;
	if (!write_tail(job, schedule->queue->db, message->sender, body.notify))
		return SENT_NOT;
	fd = delivery_body(schedule, message);
	if (fd == -1)
		return errno == ENOENT ? SENT_NEVER : SENT_NOT;
	strlcpy(body.domain, job->mailbox->name + 1, sizeof(body.domain));
	job->request = ipc_request(schedule->relay, QR_SEND, &body, job->text, job->length, fd,
				   RELAY_SECONDS + 60, on_result, job);
	return job->request == 0 ? SENT_NOT : SENT;
}

/* Takes the first that is waiting, and those behind it that are of the same mail. */
static struct job *
job_new(struct lane *lane)
{
	struct job *job = calloc(1, sizeof(*job));
	struct mailbox *mailbox = lane->mailbox;
	struct delivery *delivery;
	uint64_t message;

	if (job == NULL)
		return NULL;
	job->mailbox = mailbox;
	job->lane = lane;
	lane->held++;
	lane->flow->jobs++;
	TAILQ_INIT(&job->deliveries);
	message = TAILQ_FIRST(&lane->waiting)->message;
	while ((delivery = TAILQ_FIRST(&lane->waiting)) != NULL && delivery->message == message &&
	       job->count < RELAY_RECIPIENTS_MAX) {
		(void)lane_take(lane);
		TAILQ_INSERT_TAIL(&job->deliveries, delivery, entry);
		job->count++;
	}
	lane_settle(lane);
	LIST_INSERT_HEAD(&mailbox->schedule->jobs, job, entry);
	mailbox->schedule->job_count++;
	mailbox->running_count++;
	return job;
}

static void
give_up(struct job *job, int sent)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_FIRST(&job->deliveries)) != NULL) {
		TAILQ_REMOVE(&job->deliveries, delivery, entry);
		if (sent == SENT_NEVER)
			delivery_hold(delivery, "its body is missing from the spool");
		else
			delivery_defer(delivery, "no memory, or no relay");
	}
}

static void
send_one(struct lane *lane)
{
	struct mailbox *mailbox = lane->mailbox;
	struct job *job;
	int sent;

	if (!lane_refill(lane)) {
		lane_settle(lane);
	} else if ((job = job_new(lane)) != NULL) {
		uint64_t message = TAILQ_FIRST(&job->deliveries)->message;

		sent = db_message(mailbox->schedule->queue->db, message, send_message, job);
		if (sent != SENT) {
			give_up(job, sent);
			job_free(job);
		}
	}
	mailbox_settle(mailbox);
}

/*
 * The next lane of a flow that may begin a job: as long as it has fewer than are free. So one that
 * is alone has half of all, however many mails it has, and who comes next finds room at once.
 */
static struct lane *
next_lane(struct schedule *schedule)
{
	struct turn *turn;

	TAILQ_FOREACH (turn, &schedule->turns[PLACE_REMOTE], entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		if (turn->flow->jobs < JOBS_MAX - schedule->job_count)
			return flow_take(turn, PLACE_REMOTE);
	}
	return NULL;
}

void
remote_send_some(struct schedule *schedule)
{
	unsigned turns = schedule->job_count;
	struct lane *lane;

	while (turns++ < JOBS_MAX && schedule->relay != NULL &&
	       !batch_is_behind(schedule->queue->batch) && (lane = next_lane(schedule)) != NULL)
		send_one(lane);
}

/* -- The channel ------------------------------------------------------------------------------ */

static const struct ipc_handler no_handlers[] = {
    {0, NULL},
};

/* on_result() has heard of it for each job. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct schedule *schedule = context;

	if (schedule->relay == channel)
		schedule->relay = NULL;
}

/* Jobs of a channel that is closed by us: nobody calls on_result() for them. */
static void
put_all_back(struct schedule *schedule)
{
	struct job *job;

	while ((job = LIST_FIRST(&schedule->jobs)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the one before has left the list */
		struct mailbox *mailbox = job->mailbox;

		put_back(job, "relay was restarted");
		job_free(job);
		mailbox_settle(mailbox);
	}
}

int
schedule_open_relay(struct schedule *schedule, int fd)
{
	ipc_close(schedule->relay);
	schedule->relay = NULL;
	put_all_back(schedule);
	schedule->relay = ipc_open(schedule->queue->base, fd, &queue_relay_boundary, IPC_CLIENT,
				   no_handlers, on_ended, schedule, "relay");
	if (schedule->relay == NULL)
		return -1;
	schedule_wake(schedule);
	return 0;
}

bool
remote_has(const struct schedule *schedule, uint64_t message, uint32_t index)
{
	const struct delivery *delivery;
	const struct job *job;

	LIST_FOREACH (job, &schedule->jobs, entry) {
		TAILQ_FOREACH (delivery, &job->deliveries, entry) {
			/* cppcheck-suppress uninitvar ; they are of the list */
			if (delivery->message == message && delivery->index == index)
				return true;
		}
	}
	return false;
}

void
remote_close(struct schedule *schedule)
{
	struct delivery *delivery;
	struct job *job;

	ipc_close(schedule->relay);
	schedule->relay = NULL;
	while ((job = LIST_FIRST(&schedule->jobs)) != NULL) {
		while ((delivery = TAILQ_FIRST(&job->deliveries)) != NULL) {
			TAILQ_REMOVE(&job->deliveries, delivery, entry);
			delivery_free(delivery);
		}
		job_free(job);
	}
}
