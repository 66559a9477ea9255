/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/relay/body.h"
#include "worker/relay/job_private.h"
#include "worker/relay/pause.h"
#include "worker/relay/result.h"
#include "worker/relay/sts.h"
#include "worker/relay/table.h"
#include "worker/relay/taken.h"

/* -- Its end --------------------------------------------------------------------------------- */

static void
job_free(struct job *job)
{
	TAILQ_REMOVE(&job->relay->jobs, job, entry);
	/* Also of one that is forgotten: a host may just have taken it. */
	if (job->envelope != NULL)
		taken_add(job->relay->taken, job->id, &job->envelope->mail);
	if (job->request == 0)
		event_active(job->relay->room, 0, 0);
	route_drop(job->route);
	connection_drop(job->connection);
	route_answer_clear(&job->way);
	sts_forget(job->asked);
	free(job->sts);
	if (job->deadline != NULL)
		event_free(job->deadline);
	conversion_end(&job->conversion);
	if (job->body != -1)
		close(job->body);
	envelope_free(job->envelope);
	table_release(job->table);
	free(job);
}

void
job_finish(struct job *job)
{
	const struct client_mail *mail = &job->envelope->mail;
	struct qr_recipient results[RELAY_RECIPIENTS_MAX];
	struct qr_result body = {.recipients = (uint32_t)mail->count,
				 .unreached = job->missed && !job->met ? 1 : 0};

	for (size_t i = 0; i < mail->count; i++)
		result_of(&mail->recipients[i], &job->why, job->asked_hosts.recipients[i].host,
			  &results[i]);
	if (job->relay->queue != NULL && job->request != 0)
		(void)ipc_send(job->relay->queue, QR_RESULT, job->request, &body,
			       (const char *)results, mail->count * sizeof(results[0]), -1);
	job_free(job);
}

/* A predecessor of queue has asked for it, and died. */
static void
log_known(const struct job *job, size_t recipients)
{
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)job->id);
	log_event(LOG_INFO, "relay.known", KV_STR("id", id), KV_CONN(job->conn),
		  KV_STR("domain", job->envelope->domain), KV_U64("rcpts", recipients));
}

bool
job_is_over(const struct job *job)
{
	const struct client_mail *mail = &job->envelope->mail;

	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome == OUTCOME_PENDING)
			return false;
	}
	return true;
}

void
job_refuse(struct job *job, const struct reply *why, bool for_ever)
{
	struct client_mail *mail = &job->envelope->mail;

	job->why = *why;
	for (size_t i = 0; for_ever && i < mail->count; i++) {
		if (mail->recipients[i].outcome != OUTCOME_PENDING)
			continue;
		mail->recipients[i].outcome = OUTCOME_FAILED;
		mail->recipients[i].reply = *why;
	}
	job_finish(job);
}

/* However slowly it goes on. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	static const struct reply late = {
	    .code = 451, .status = "4.4.7", .text = "it took too long altogether"};

	(void)fd;
	(void)what;
	job_refuse(arg, &late, false);
}

/* -- Its start --------------------------------------------------------------------------------- */

static struct job *
job_new(struct relay *relay, struct ipc_message *message)
{
	static const struct timeval longest = {.tv_sec = RELAY_SECONDS};
	const struct qr_send *body = message->body;
	struct job *job;

	if (message->id == 0)
		return NULL;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&relay->jobs, job, entry);
	job->relay = relay;
	job->request = message->id;
	job->conn = body->conn;
	job->id = body->id;
	job->body = ipc_take_fd(message);
	job->envelope = envelope_new(body, message->tail, message->tail_length);
	job->deadline = evtimer_new(relay->base, on_deadline, job);
	if (job->envelope == NULL || job->deadline == NULL ||
	    evtimer_add(job->deadline, &longest) == -1) {
		job_free(job);
		return NULL;
	}
	return job;
}

/* What the octets themselves say counts: it is what the next host will see. */
static void
look_at_body(struct job *job)
{
	struct client_mail *mail = &job->envelope->mail;
	struct body_facts facts;

	body_look(job->body, &facts);
	conversion_start(&job->conversion, job->body, mail->size);
	mail->conversion = &job->conversion;
	mail->eight_bit = facts.eight_bit;
	mail->binary = facts.binary;
	if (facts.wide_header && (mail->parameters.flags & MAIL_SMTPUTF8) != 0)
		mail->utf8 = true;
	/* RFC 8689 4.1: the envelope wins. */
	job->tls_optional =
	    (mail->parameters.flags & MAIL_REQUIRETLS) == 0 && body_tls_is_optional(job->body);
}

static const struct reply circles = {
    .code = 554, .status = "5.4.6", .text = "too many hops: this mail goes round in circles"};
static const struct reply no_password = {
    .code = 451, .status = "4.7.0", .text = "the password of its route could not be read here"};

static const struct reply no_literals = {
    .code = 550, .status = "5.1.2", .text = "mail to address literals is not sent from here"};

static const struct reply loop = {
    .code = 554,
    .status = "5.4.6",
    .text = "a loop of aliases: this mail was forwarded from there before, and has come back"};

static bool
comes_back(const struct job *job)
{
	const char *alias = job->envelope->delivered_to;

	return alias[0] != '\0' && body_has_been(job->body, alias);
}

/* Some of it may have been taken without queue's knowing. */
static void
begin(struct job *job)
{
	static const struct reply memory = {.code = 451, .status = "4.3.0", .text = "no memory"};
	size_t taken = taken_apply(job->relay->taken, job->id, &job->envelope->mail);

	if (taken > 0)
		log_known(job, taken);
	if (job_is_over(job))
		job_finish(job);
	else if (!job_find_out(job))
		job_refuse(job, &memory, false);
}

/* Nobody waits for it, and it may be this one's mail. */
static bool
is_orphan_of(const struct job *orphan, const struct job *job)
{
	return orphan->request == 0 && orphan->id == job->id &&
	       strcasecmp(orphan->envelope->domain, job->envelope->domain) == 0;
}

static bool
has_orphan(const struct job *job)
{
	const struct job *other;

	TAILQ_FOREACH (other, &job->relay->jobs, entry) {
		/* cppcheck-suppress uninitvar ; they are of the list */
		if (is_orphan_of(other, job))
			return true;
	}
	return false;
}

int
job_start(struct relay *relay, struct ipc_message *message)
{
	struct job *job = job_new(relay, message);
	const struct reply *paused;

	if (job == NULL)
		return -1;
	if (body_goes_in_circles(job->body)) {
		job_refuse(job, &circles, true);
		return 0;
	}
	if (comes_back(job)) {
		job_refuse(job, &loop, true);
		return 0;
	}
	job->table = table_hold(relay->table);
	job->via = table_find(job->table, job->envelope->domain);
	if (job->via->user[0] != '\0' && job->via->password[0] == '\0') {
		job_refuse(job, &no_password, false);
		return 0;
	}
	paused = pause_of(relay, job->via);
	if (paused != NULL) {
		job_refuse(job, paused, false);
		return 0;
	}
	if (job->envelope->domain[0] == '[' && !table_takes_literals(job->table)) {
		job_refuse(job, &no_literals, true);
		return 0;
	}
	look_at_body(job);
	job->behind = has_orphan(job);
	if (!job->behind)
		begin(job);
	return 0;
}

static void
try_again(struct job *job)
{
	if (job->waits)
		job_try_target(job);
	if (!job->behind || has_orphan(job))
		return;
	job->behind = false;
	begin(job);
}

void
jobs_try_again(int fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct job *job, *next;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE (job, &relay->jobs, entry, next)
		try_again(job);
}

void
jobs_orphan(struct relay *relay)
{
	struct job *job, *next;

	TAILQ_FOREACH_SAFE (job, &relay->jobs, entry, next) {
		job->request = 0;
		if (job->connection == NULL || !connection_delivers(job->connection))
			job_free(job);
	}
}
