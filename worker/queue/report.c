/* SPDX-License-Identifier: ISC */
#include "worker/queue/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/notice.h"
#include "worker/queue/schedule.h"
#include "worker/queue/transaction.h"

static const char *
id_text(uint64_t id, char out[QUEUE_ID_SIZE])
{
	snprintf(out, QUEUE_ID_SIZE, "%016llx", (unsigned long long)id);
	return out;
}

struct report *
report_new(struct queue *queue, uint64_t message, enum report_action action, const char *mailbox,
	   size_t max)
{
	struct report *report = calloc(1, sizeof(*report) + max * sizeof(report->recipients[0]));

	if (report == NULL)
		return NULL;
	report->queue = queue;
	report->message = message;
	report->action = action;
	report->max = max;
	strlcpy(report->mailbox, mailbox, sizeof(report->mailbox));
	return report;
}

struct report_recipient *
report_add(struct report *report)
{
	return &report->recipients[report->count++];
}

/* -- Without one --------------------------------------------------------------------------- */

/* How each delivery ends, or goes on, when there is no report. */
enum instead {
	INSTEAD_GO_ON, /* as it would if none were wanted; what failed is tried again */
	INSTEAD_END,   /* for ever */
	INSTEAD_HOLD,  /* it waits for somebody to look at it */
};

/* Who lets no mail leave may still know the sender, and bring him word. */
static enum instead
unreportable(const struct report *report)
{
	return report->queue->settings.relay == REACH_HERE ? INSTEAD_HOLD : INSTEAD_END;
}

static void
record(const struct report *report, const struct report_recipient *recipient, bool over,
       enum instead instead, const char *why)
{
	int64_t delay =
	    clock_backoff(report->queue->settings.retry, recipient->attempts + 1, arc4random());
	struct result result = {
	    .kind = over ? RESULT_DONE : RESULT_DEFER,
	    .message = report->message,
	    .index = recipient->index,
	    .attempts = recipient->attempts,
	    .next_attempt = recipient->next_attempt,
	    .reason = why,
	    .unreached = recipient->unreached,
	};

	if (report->action == REPORT_FAILED) {
		result.attempts++;
		result.next_attempt = instead == INSTEAD_HOLD ? DB_HELD : clock_now() + delay;
	}
	batch_result(report->queue->batch, &result);
}

/* What was WHY is in the way of a report; what is held keeps why it failed. */
static void
do_without(const struct report *report, enum instead instead, const char *why)
{
	static const struct {
		int level;
		const char *event;
	} logged[] = {
	    [INSTEAD_GO_ON] = {LOG_WARNING, "queue.deferred"},
	    [INSTEAD_END] = {LOG_WARNING, "queue.dropped"},
	    [INSTEAD_HOLD] = {LOG_CRIT, "queue.held"},
	};
	bool failed = report->action == REPORT_FAILED;
	bool over = failed ? instead == INSTEAD_END : report->action != REPORT_DELAYED;

	for (size_t i = 0; i < report->count; i++) {
		const struct report_recipient *recipient = &report->recipients[i];
		const char *reason = failed && instead != INSTEAD_HOLD ? why : recipient->why;
		char id[QUEUE_ID_SIZE];

		if (failed)
			log_event(logged[instead].level, logged[instead].event,
				  KV_STR("id", id_text(report->message, id)),
				  KV_STR("to", recipient->path), KV_STR("why", reason));
		record(report, recipient, over, instead, reason);
	}
}

/* -- Making it ----------------------------------------------------------------------------- */

/* Its transaction's, among those of the server's own mails. */
static uint32_t
number_of(const struct report *report)
{
	char name[64];

	snprintf(name, sizeof(name), "report %016llx.%u", (unsigned long long)report->message,
		 report->recipients[0].index);
	return notice_number(name);
}

bool
report_is_under_way(const struct queue *queue, uint64_t message, uint32_t index)
{
	struct transaction *transaction = NULL;

	while ((transaction = transaction_after(queue->own, transaction)) != NULL) {
		const struct report *report = transaction->report;

		if (report == NULL || report->message != message)
			continue;
		for (size_t i = 0; i < report->count; i++) {
			if (report->recipients[i].index == index)
				return true;
		}
	}
	return false;
}

/* The start of the message, or all of it, into BUFFER. Returns its length. */
static size_t
read_content(const struct queue *queue, const struct db_message *message, char *buffer, size_t size)
{
	ssize_t n;
	int fd;

	if (message->body != NULL) {
		memcpy(buffer, message->body, size);
		return size;
	}
	fd = spool_read(queue->spool, message->id);
	if (fd == -1)
		return 0;
	n = pread(fd, buffer, size, 0);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

/*
 * A stranger's sender may be anybody, who is not to get whatever somebody else likes from here: the
 * header tells him which mail it was, if it was his. RFC 3461 4.3 leaves RET to the server.
 */
static struct mail_parameters
parameters_of(const struct db_message *message)
{
	struct mail_parameters parameters = message->parameters;

	if (message->submitter[0] == '\0')
		parameters.ret = DSN_RETURN_HDRS;
	return parameters;
}

static char *
write_text(const struct report *report, const struct db_message *message, size_t *length,
	   enum body_type *type)
{
	const struct queue *queue = report->queue;
	struct mail_parameters parameters = parameters_of(message);
	size_t size = report_content_size(&parameters, report->action, message->size);
	char *buffer = malloc(size + 1);
	struct report_facts facts = {
	    .hostname = queue->settings.hostname,
	    .now = time(NULL),
	    .received = message->received,
	    .expire = queue->settings.expire,
	    .sender = message->sender,
	    .parameters = &parameters,
	    .report = report,
	    .content = buffer,
	};
	char *text;

	if (buffer == NULL)
		return NULL;
	facts.length = read_content(queue, message, buffer, size);
	facts.whole = facts.length == message->size;
	text = report_text(&facts, length, type);
	free(buffer);
	return text;
}

struct making {
	struct report *report; /* NULL once it is taken */
	const char *why;       /* it was not */
	enum instead instead;
};

/* RFC 8689 5: it is protected like what it is about. RFC 6531: its header has the sender. */
static void
begin(struct making *making, const struct db_message *message, char *text, size_t length,
      enum body_type type)
{
	struct report *report = making->report;
	struct gq_mail mail = {.transaction = number_of(report)};
	struct transaction *transaction;

	mail.parameters.body = type;
	mail.parameters.flags = message->parameters.flags & MAIL_REQUIRETLS;
	if (has_utf8(message->sender))
		mail.parameters.flags |= MAIL_SMTPUTF8;
	transaction = transaction_new(report->queue->own, &mail, "");
	if (transaction == NULL) {
		free(text);
		return;
	}
	making->report = NULL;
	transaction->report = report;
	/* RFC 3461 6.1: nothing is reported of reports. */
	transaction_add(transaction, message->sender, DSN_NOTIFY_NEVER, "");
	transaction_commit_own(transaction, NULL, text, length);
}

/* Nobody who has logged in sent it, and its sender is as good as everything else in it. */
static bool
is_strangers_junk(const struct db_message *message)
{
	return message->junk && message->submitter[0] == '\0';
}

static void
log_unreported(const struct report *report, const struct db_message *message)
{
	char id[QUEUE_ID_SIZE];

	log_event(LOG_INFO, "queue.unreported", KV_STR("id", id_text(report->message, id)),
		  KV_CONN(message->conn), KV_STR("from", message->sender),
		  KV_STR("to", report->mailbox), KV_U64("rcpts", report->count),
		  KV_STR("why", "it is junk, and its sender may be forged"));
}

static int
make(const struct db_message *message, void *arg)
{
	struct making *making = arg;
	bool junk = is_strangers_junk(message);
	enum body_type type;
	size_t length;
	char *text;

	making->why = "no memory for its report";
	if (junk && making->report->action != REPORT_DELAYED)
		log_unreported(making->report, message);
	if (junk || message->sender[0] == '\0') {
		making->why = making->report->recipients[0].why;
		making->instead = unreportable(making->report);
		return 0;
	}
	text = write_text(making->report, message, &length, &type);
	if (text != NULL)
		begin(making, message, text, length, type);
	return 0;
}

void
report_send(struct report *report)
{
	struct making making = {report, "its report can't be made now", INSTEAD_GO_ON};

	(void)db_message(report->queue->db, report->message, make, &making);
	if (making.report == NULL)
		return;
	do_without(report, making.instead, making.why);
	free(report);
}

/* -- The end of its transaction ------------------------------------------------------------ */

static enum db_status
write_one(struct db *db, struct report *report, const struct report_recipient *recipient)
{
	const struct db_deferral deferral = {.message = report->message,
					     .index = recipient->index,
					     .attempts = recipient->attempts,
					     .next_attempt = recipient->next_attempt,
					     .reason = recipient->why,
					     .unreached = recipient->unreached};
	enum db_status status;
	bool left_file = false;
	flow_id flow;

	if (report->action != REPORT_DELAYED) {
		status = db_done(db, report->message, recipient->index, &left_file);
		report->left_file = report->left_file || left_file;
		return status;
	}
	status = db_defer(db, &deferral, &flow);
	if (flow != -1)
		report->flow = flow;
	return status == DB_OK ? db_set_delayed(db, report->message, recipient->index) : status;
}

/*
 * Accounts and filter may have taken longer over it than until the next attempt: that must not land
 * where the schedule has been.
 */
static void
clamp(struct report_recipient *recipient, int64_t position)
{
	if (recipient->next_attempt < position)
		recipient->next_attempt = position;
}

enum db_status
report_write(struct db *db, struct report *report, int64_t position)
{
	enum db_status status = DB_OK;

	report->left_file = false;
	report->flow = -1;
	for (size_t i = 0; i < report->count && status == DB_OK; i++) {
		clamp(&report->recipients[i], position);
		status = write_one(db, report, &report->recipients[i]);
	}
	return status;
}

void
report_written(const struct transaction *transaction)
{
	static const char *const events[REPORT_ACTIONS] = {[REPORT_FAILED] = "queue.bounced",
							   [REPORT_DELAYED] = "queue.late",
							   [REPORT_DELIVERED] = "queue.reported",
							   [REPORT_RELAYED] = "queue.reported"};
	const struct report *report = transaction->report;
	struct queue *queue = report->queue;
	char id[QUEUE_ID_SIZE], own[QUEUE_ID_SIZE];

	log_event(report->action == REPORT_FAILED ? LOG_WARNING : LOG_INFO, events[report->action],
		  KV_STR("id", id_text(report->message, id)), KV_STR("to", report->mailbox),
		  KV_U64("rcpts", report->count), KV_STR("report", id_text(transaction->id, own)));
	if (report->left_file)
		spool_remove(queue->spool, report->message);
	for (size_t i = 0; i < report->count && report->flow != -1; i++)
		schedule_deferred(queue->schedule, report->flow,
				  report->recipients[i].next_attempt);
}

void
report_lost(const struct transaction *transaction, enum queue_failure why)
{
	if (why == QUEUE_REFUSED)
		do_without(transaction->report, unreportable(transaction->report),
			   "it can't be delivered, and neither can a report to its sender");
	else
		do_without(transaction->report, INSTEAD_GO_ON, "its report can't be kept now");
}
