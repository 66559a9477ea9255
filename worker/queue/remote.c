/* SPDX-License-Identifier: ISC */
/*
 * What the queue says to relay to get mails to other domains.
 *
 * A job is one mail for recipients of one domain that are due together. A domain has few jobs at a
 * time, fewer after failures, and flows and their domains take turns (schedule.h), so that one that
 * is slow holds nobody else's mail back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/queue/batch.h"
#include "worker/queue/link.h"
#include "worker/queue/policy.h"
#include "worker/queue/queue.h"
#include "worker/queue/remote_private.h"
#include "worker/queue/schedule.h"

#define JOBS_MAX 200
#define DEATHS_MAX 3

static void
job_free(struct job *job)
{
	struct mailbox *mailbox = job->mailbox;
	struct lane *lane = job->lane;
	struct link *link = job->link;

	LIST_REMOVE(job, entry);
	mailbox->schedule->job_count--;
	mailbox->running_count--;
	lane->flow->jobs--;
	free(job);
	if (link != NULL)
		link_release(link);
	lane_release(lane);
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
			delivery_not_now(delivery, why);
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
	if (message != NULL && remote_is_sound(job, message)) {
		remote_take_results(job, message);
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

static void
add_text(struct job *job, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(job->text + job->length, text, size);
	job->length += size;
}

/* Whether a recipient gets the same mail as the first one: an alias may have made it another. */
static bool
is_alike(const struct job *job, const struct qr_send *body, const struct db_addressee *to,
	 const char *sender)
{
	return strcmp(job->text, to->sender[0] != '\0' ? to->sender : sender) == 0 &&
	       strcmp(body->delivered_to, to->alias) == 0;
}

/* They wait for a job of their own, in the order in which they were. */
static void
send_later(struct job *job, struct deliveries *others)
{
	struct delivery *delivery;

	while ((delivery = TAILQ_LAST(others, deliveries)) != NULL) {
		TAILQ_REMOVE(others, delivery, entry);
		job->count--;
		lane_put_back(delivery);
	}
}

/*
 * The tail: the sender, then each path and its original recipient; and what else is the
 * recipients'. Those that are not as the first one leave the job.
 */
static bool
write_recipients(struct job *job, struct db *db, const char *sender, struct qr_send *body)
{
	struct deliveries others = TAILQ_HEAD_INITIALIZER(others);
	struct delivery *delivery, *next;
	struct db_addressee to;
	bool good = strlen(sender) < PATH_SIZE;
	uint8_t *notify = body->notify;

	TAILQ_FOREACH_SAFE (delivery, &job->deliveries, entry, next) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		good = good && db_addressee(db, delivery->message, delivery->index, &to) == DB_OK;
		if (!good)
			break;
		if (job->paths == NULL) {
			add_text(job, to.sender[0] != '\0' ? to.sender : sender);
			job->paths = job->text + job->length;
			strlcpy(body->delivered_to, to.alias, sizeof(body->delivered_to));
		}
		if (!is_alike(job, body, &to, sender)) {
			TAILQ_REMOVE(&job->deliveries, delivery, entry);
			TAILQ_INSERT_TAIL(&others, delivery, entry);
			continue;
		}
		add_text(job, to.path);
		add_text(job, to.orcpt);
		*notify++ = (uint8_t)to.notify;
	}
	send_later(job, &others);
	body->recipients = job->count;
	return good;
}

static int
send_message(const struct db_message *message, void *arg)
{
	struct job *job = arg;
	struct schedule *schedule = job->mailbox->schedule;
	struct link *link = schedule->link;
	struct qr_send body = {.conn = message->conn,
			       .parameters = message->parameters,
			       .id = message->id,
			       .size = message->size};
	int fd;

	job->conn = message->conn;
	job->since = message->since;
	if (!write_recipients(job, schedule->queue->db, message->sender, &body))
		return SENT_NOT;
	fd = delivery_body(schedule, message);
	if (fd == -1)
		return errno == ENOENT ? SENT_NEVER : SENT_NOT;
	strlcpy(body.domain, job->mailbox->name + 1, sizeof(body.domain));
	policy_tell(schedule->queue, link->channel, body.domain);
	if (ipc_request(link->channel, QR_SEND, &body, job->text, job->length, fd,
			RELAY_SECONDS + 60, on_result, job) == 0)
		return SENT_NOT;
	job->link = link;
	link_hold(link);
	return SENT;
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

/* All but the body, for what is put off without being sent. */
static int
note_message(const struct db_message *message, void *arg)
{
	struct job *job = arg;
	struct qr_send unused = {0};

	job->conn = message->conn;
	job->since = message->since;
	return write_recipients(job, job->mailbox->schedule->queue->db, message->sender, &unused)
		   ? SENT
		   : SENT_NOT;
}

/* A job that relay never hears of: its recipients, and what they hear, stay together as in others.
 */
void
remote_put_off(struct lane *lane, const struct qr_recipient *result)
{
	struct db *db = lane->mailbox->schedule->queue->db;
	struct job *job;
	uint64_t message;

	if (!lane_refill(lane)) {
		lane_settle(lane);
		return;
	}
	job = job_new(lane);
	if (job == NULL)
		return;
	message = TAILQ_FIRST(&job->deliveries)->message;
	if (db_message_head(db, message, note_message, job) == SENT)
		remote_put_off_all(job, result);
	else
		give_up(job, SENT_NOT);
	job_free(job);
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

	while (turns++ < JOBS_MAX && schedule->link != NULL &&
	       !batch_is_behind(schedule->queue->batch) && (lane = next_lane(schedule)) != NULL)
		send_one(lane);
}

/* -- The channel ------------------------------------------------------------------------------ */

int
schedule_open_relay(struct schedule *schedule, int fd)
{
	if (link_open(schedule, fd) == -1)
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

bool
schedule_sends_for_users(const struct schedule *schedule, const char *domain)
{
	const struct job *job;

	LIST_FOREACH (job, &schedule->jobs, entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		if (job->lane->flow->id >= FLOW_STRANGERS &&
		    strcmp(job->mailbox->name + 1, domain) == 0)
			return true;
	}
	return false;
}

void
remote_close(struct schedule *schedule)
{
	struct delivery *delivery;
	struct job *job;

	while ((job = LIST_FIRST(&schedule->jobs)) != NULL) {
		while ((delivery = TAILQ_FIRST(&job->deliveries)) != NULL) {
			TAILQ_REMOVE(&job->deliveries, delivery, entry);
			delivery_free(delivery);
		}
		job_free(job);
	}
	links_close(schedule);
}
