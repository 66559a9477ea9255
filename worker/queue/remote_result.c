/* SPDX-License-Identifier: ISC */
/* What relay says of a job: each recipient's result, and what the sender hears of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/queue.h"
#include "worker/queue/reason.h"
#include "worker/queue/remote_private.h"
#include "worker/queue/report.h"

static void
log_relay(const struct job *job, const char *event, const struct delivery *delivery,
	  const char *path, const struct qr_recipient *result)
{
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)delivery->message);
	log_event(LOG_INFO, event, KV_STR("id", id), KV_CONN(job->conn), KV_STR("to", path),
		  KV_STR("host", result->host), KV_U64("code", result->code),
		  KV_STR("status", result->status), KV_STR("text", result->text));
}

/* What the sender hears of a job, one mail for each thing there is to say. */
struct hearing {
	struct report *reports[REPORT_ACTIONS];
	int64_t now; /* and what is put off stays together */
	uint32_t random;
	bool tried;     /* by relay, and not because of the mails before it */
	bool unreached; /* qr_result */
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

/* Where a recipient's delivery stands, as remote_take_results() goes over them. */
struct ended {
	const char *path, *orcpt;
	const struct qr_recipient *result;
	bool over; /* it has failed for ever */
	int64_t next_attempt;
};

static const char *
reason_of(const struct qr_recipient *result, char out[QUEUE_REASON_SIZE])
{
	const struct reason_facts facts = {.said = result->said == 1,
					   .code = result->code,
					   .host = result->host,
					   .enhanced = result->enhanced,
					   .text = result->text};

	return reason_text(&facts, out);
}

/* Fills one; the delivery is freed. */
static void
hand_over(struct report_recipient *recipient, struct delivery *delivery, const struct ended *ended)
{
	const struct qr_recipient *result = ended->result;

	recipient->index = delivery->index;
	recipient->attempts = delivery->attempts;
	recipient->next_attempt = ended->next_attempt;
	recipient->expired = ended->over && result->outcome == RELAY_LATER;
	recipient->unreached = delivery->unreached && !ended->over;
	recipient->code = result->code;
	recipient->said = result->said == 1 && result->host[0] != '\0';
	strlcpy(recipient->path, ended->path, sizeof(recipient->path));
	strlcpy(recipient->orcpt, ended->orcpt, sizeof(recipient->orcpt));
	strlcpy(recipient->host, result->host, sizeof(recipient->host));
	strlcpy(recipient->status, result->status, sizeof(recipient->status));
	strlcpy(recipient->enhanced, result->enhanced, sizeof(recipient->enhanced));
	strlcpy(recipient->text, result->text, sizeof(recipient->text));
	(void)reason_of(result, recipient->why);
	delivery_free(delivery);
}

/* Nobody is told. */
static void
end_silently(const struct job *job, struct delivery *delivery, const struct ended *ended)
{
	char why[QUEUE_REASON_SIZE];

	if (ended->over)
		log_relay(job, "queue.dropped", delivery, ended->path, ended->result);
	if (ended->over || ended->result->outcome == RELAY_DELIVERED)
		delivery_record(delivery, RESULT_DONE, 0, NULL);
	else
		delivery_record(delivery, RESULT_DEFER, ended->next_attempt,
				reason_of(ended->result, why));
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
	char why[QUEUE_REASON_SIZE];

	if (hearing->tried)
		log_relay(job, events[result->outcome], delivery, ended->path, result);
	delivery->since = job->since;
	delivery->unreached = hearing->unreached;
	ended->over = result->outcome == RELAY_FAILED ||
		      (result->outcome == RELAY_LATER && delivery_is_expired(delivery));
	if (result->outcome == RELAY_LATER && !ended->over)
		ended->next_attempt = delivery_postpone(delivery, hearing->now, hearing->random,
							reason_of(result, why));
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

bool
remote_is_sound(const struct job *job, const struct ipc_message *message)
{
	const struct qr_result *body = message->body;

	if (message->type != QR_RESULT || body->recipients != job->count || body->unreached > 1 ||
	    message->tail_length != job->count * sizeof(struct qr_recipient))
		return false;
	for (uint32_t i = 0; i < job->count; i++) {
		struct qr_recipient result;

		memcpy(&result, message->tail + i * sizeof(result), sizeof(result));
		if (result.outcome < RELAY_DELIVERED || result.outcome > RELAY_FAILED ||
		    result.code > 599 || result.dsn > 1 || result.said > 1 ||
		    result.status[0] == '\0' || !is_text(result.status, sizeof(result.status)) ||
		    !is_text(result.enhanced, sizeof(result.enhanced)) ||
		    !is_text(result.text, sizeof(result.text)) ||
		    !is_text(result.host, sizeof(result.host)))
			return false;
	}
	return true;
}

/* RESULTS: one behind the other, or where EACH is 0 one for all. */
static void
end_all(struct job *job, struct hearing *hearing, const char *results, size_t each)
{
	const char *at = job->paths;
	struct delivery *delivery;

	for (size_t i = 0; (delivery = TAILQ_FIRST(&job->deliveries)) != NULL; i++) {
		struct qr_recipient result;
		struct ended ended = {.path = at, .result = &result};

		TAILQ_REMOVE(&job->deliveries, delivery, entry);
		ended.orcpt = at + strlen(at) + 1;
		at = ended.orcpt + strlen(ended.orcpt) + 1;
		memcpy(&result, results + i * each, sizeof(result));
		finish(job, hearing, delivery, &ended);
	}
	for (size_t i = 0; i < REPORT_ACTIONS; i++) {
		if (hearing->reports[i] != NULL)
			report_send(hearing->reports[i]);
	}
}

/* Who takes nothing is asked for less, who takes something for more. */
static void
learn(struct job *job, const struct hearing *hearing, const struct ipc_message *message)
{
	struct mailbox *mailbox = job->mailbox;
	uint32_t first = mailbox->schedule->queue->settings.retry;
	bool any = false, through = false;
	struct qr_recipient result;

	for (uint32_t i = 0; i < job->count; i++) {
		memcpy(&result, message->tail + i * sizeof(result), sizeof(result));
		any = any || result.outcome != RELAY_LATER;
		through = through || (result.outcome != RELAY_LATER && result.said == 1);
	}
	if (!any)
		mailbox->window = 1;
	else if (mailbox->window < REMOTE_WINDOW)
		mailbox->window++;
	/* No longer than this mail waits, so that it is tried itself if it is the only one. */
	if (!any && hearing->unreached)
		suspension_begin(mailbox, &result,
				 hearing->now + clock_backoff(first, 1, hearing->random));
	else if (through)
		suspension_end(mailbox);
	else if (!hearing->unreached)
		suspension_lift(mailbox);
}

void
remote_take_results(struct job *job, const struct ipc_message *message)
{
	const struct qr_result *body = message->body;
	struct hearing hearing = {.now = clock_now(),
				  .random = arc4random(),
				  .tried = true,
				  .unreached = body->unreached == 1};

	end_all(job, &hearing, message->tail, sizeof(struct qr_recipient));
	learn(job, &hearing, message);
}

void
remote_put_off_all(struct job *job, const struct qr_recipient *result)
{
	struct hearing hearing = {.now = clock_now(), .random = arc4random(), .unreached = true};

	end_all(job, &hearing, (const char *)result, 0);
}
