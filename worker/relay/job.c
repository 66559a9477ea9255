/* SPDX-License-Identifier: ISC */
#include "worker/relay/job.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/relay/body.h"
#include "worker/relay/connection.h"
#include "worker/relay/envelope.h"
#include "worker/relay/own.h"
#include "worker/relay/pool.h"
#include "worker/relay/result.h"
#include "worker/relay/route.h"
#include "worker/relay/sts.h"
#include "worker/relay/table.h"

struct job {
	TAILQ_ENTRY(job) entry;
	struct relay *relay;
	uint32_t request;
	conn_id conn;
	uint64_t id;
	int body;
	struct conversion conversion;
	struct envelope *envelope;
	struct event *deadline;
	struct table *table;
	const struct mr_route *via; /* in it */
	struct route_self self;

	struct route *route;
	struct route_answer way;
	struct sts_question *asked; /* of the domain's policy; NULL: answered, or not asked */
	struct sts_policy *sts;     /* NULL: none */
	size_t target;              /* the one that is tried */
	struct connection *connection;
	bool reused;      /* it has carried others: its end may not be about this mail */
	bool fresh;       /* one that was reused has failed it: only a new one will do */
	bool waits;       /* for one: there are as many as there may be */
	struct reply why; /* the last host that answered for nobody */
};

static void try_target(struct job *);

/* -- Its end --------------------------------------------------------------------------------- */

static void
job_free(struct job *job)
{
	TAILQ_REMOVE(&job->relay->jobs, job, entry);
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

/* Tells queue, and frees. */
static void
job_finish(struct job *job)
{
	const struct client_mail *mail = &job->envelope->mail;
	struct qr_recipient results[RELAY_RECIPIENTS_MAX];
	struct qr_result body = {.recipients = (uint32_t)mail->count};

	if (job->way.count > 0) {
		size_t last = job->target < job->way.count ? job->target : job->way.count - 1;

		strlcpy(body.host, job->way.targets[last].host, sizeof(body.host));
	}
	for (size_t i = 0; i < mail->count; i++)
		result_of(&mail->recipients[i], &job->why, &results[i]);
	if (job->relay->queue != NULL)
		(void)ipc_send(job->relay->queue, QR_RESULT, job->request, &body,
			       (const char *)results, mail->count * sizeof(results[0]), -1);
	job_free(job);
}

static bool
is_over(const struct job *job)
{
	const struct client_mail *mail = &job->envelope->mail;

	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome == OUTCOME_PENDING)
			return false;
	}
	return true;
}

/* No host is asked, or no other any more. */
static void
refuse(struct job *job, const struct reply *why, bool for_ever)
{
	struct client_mail *mail = &job->envelope->mail;

	job->why = *why;
	for (size_t i = 0; for_ever && i < mail->count; i++) {
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
	refuse(arg, &late, false);
}

/* -- The hosts ----------------------------------------------------------------------------------
 */

static void
log_answered(const struct job *job)
{
	const struct route_target *target = connection_target(job->connection);
	char id[QUEUE_ID_SIZE], address[INET6_ADDRSTRLEN];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)job->id);
	(void)inet_ntop(AF_INET6, &target->address, address, sizeof(address));
	log_event(LOG_INFO, "relay.answered", KV_STR("id", id), KV_CONN(job->conn),
		  KV_STR("host", target->host), KV_STR("address", address),
		  KV_STR("tls", connection_tls(job->connection)),
		  KV_STR("verified", connection_verified(job->connection)),
		  KV_U64("rcpts", job->envelope->mail.count));
}

static void
on_ready(void *arg)
{
	struct job *job = arg;

	if (!is_over(job)) {
		connection_send(job->connection, &job->envelope->mail, job->body);
		return;
	}
	log_answered(job);
	pool_put(job->relay, job->connection);
	job->connection = NULL;
	job_finish(job);
}

static void
on_closed(void *arg, const struct reply *why)
{
	struct job *job = arg;

	job->connection = NULL;
	if (!job->reused)
		job->why = *why;
	if (is_over(job)) {
		job_finish(job);
		return;
	}
	/* What had waited may have died meanwhile: that is no failure of the server. */
	if (!job->reused)
		job->target++;
	job->fresh = job->fresh || job->reused;
	job->reused = false;
	try_target(job);
}

static const struct connection_calls calls = {.ready = on_ready, .closed = on_closed};

/* How sure of TARGET this mail has to be; false: it can't be. */
static bool
secure(const struct job *job, const struct route_target *target, struct security *security,
       struct reply *why)
{
	const struct client_mail *mail = &job->envelope->mail;
	const struct security_facts facts = {.tls = (enum relay_tls)job->via->tls,
					     .domain = job->envelope->domain,
					     .host = target->host,
					     .named = job->via->host[0] != '\0',
					     .secure = target->secure,
					     .dane = target->dane,
					     .sts = job->sts,
					     .requiretls = client_requires_tls(mail)};

	return security_of(&facts, security, why);
}

/* A connection to any of its servers that waits for a mail. */
static bool
reuse(struct job *job)
{
	struct security security;
	struct reply why;

	for (size_t i = job->target; !job->fresh && i < job->way.count; i++) {
		const struct route_target *target = &job->way.targets[i];

		if (!secure(job, target, &security, &why))
			continue;
		job->connection = pool_take(job->relay, job->via, target, &security);
		if (job->connection == NULL)
			continue;
		job->reused = true;
		connection_give(job->connection, &calls, job);
		connection_send(job->connection, &job->envelope->mail, job->body);
		return true;
	}
	return false;
}

static void
try_target(struct job *job)
{
	static const struct reply none = {.code = 451, .status = "4.4.1", .text = "no connection"};

	job->waits = false;
	if (reuse(job))
		return;
	for (; job->target < job->way.count; job->target++) {
		const struct route_target *target = &job->way.targets[job->target];
		struct security security;

		if (!secure(job, target, &security, &job->why))
			continue;
		job->waits = !pool_has_room(job->relay, job->via, target);
		if (job->waits)
			return;
		job->connection = connection_open(job->relay, job->table, job->via, target,
						  &security, &calls, job);
		if (job->connection != NULL)
			return;
		job->why = none;
	}
	job_finish(job);
}

static void
on_route(const struct route_answer *way, void *arg)
{
	struct job *job = arg;

	job->route = NULL;
	job->way = *way;
	if (way->verdict != ROUTE_OK)
		refuse(job, &way->why, way->verdict == ROUTE_NEVER);
	else if (job->asked == NULL)
		try_target(job);
}

static void
on_policy(const struct sts_policy *policy, void *arg)
{
	static const struct reply memory = {.code = 451, .status = "4.3.0", .text = "no memory"};
	struct job *job = arg;

	job->asked = NULL;
	if (policy != NULL) {
		job->sts = malloc(sizeof(*job->sts));
		if (job->sts == NULL) {
			refuse(job, &memory, false);
			return;
		}
		*job->sts = *policy;
	}
	if (job->route == NULL)
		try_target(job);
}

/* Where, and how securely. False without memory. */
static bool
find_out(struct job *job)
{
	struct relay *relay = job->relay;
	const struct mr_settings *settings = &relay->settings;
	const struct mr_route *via = job->via;
	const char *domain = job->envelope->domain;
	bool named = via->host[0] != '\0', literal = domain[0] == '[';
	enum route_to to = named ? ROUTE_TO_HOST : literal ? ROUTE_TO_LITERAL : ROUTE_TO_DOMAIN;

	job->self = (struct route_self){settings->hostname, own_listens, job->table};
	job->route = route_find(relay->resolver, relay->base, &job->self,
				named ? via->host : domain, to, (uint16_t)via->port, on_route, job);
	if (job->route == NULL)
		return false;
	if (to != ROUTE_TO_DOMAIN || settings->sts_port == 0 || via->tls == RELAY_TLS_NONE)
		return true;
	job->asked = sts_ask(relay->sts, domain, on_policy, job);
	return job->asked != NULL;
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
}

static const struct reply circles = {
    .code = 554, .status = "5.4.6", .text = "too many hops: this mail goes round in circles"};
static const struct reply no_password = {
    .code = 451, .status = "4.7.0", .text = "the password of its route could not be read here"};

static const struct reply no_literals = {
    .code = 550, .status = "5.1.2", .text = "mail to address literals is not sent from here"};

int
job_start(struct relay *relay, struct ipc_message *message)
{
	struct job *job = job_new(relay, message);

	if (job == NULL)
		return -1;
	if (body_goes_in_circles(job->body)) {
		refuse(job, &circles, true);
		return 0;
	}
	job->table = table_hold(relay->table);
	job->via = table_find(job->table, job->envelope->domain);
	if (job->via->user[0] != '\0' && job->via->password[0] == '\0') {
		refuse(job, &no_password, false);
		return 0;
	}
	if (job->envelope->domain[0] == '[' && !table_takes_literals(job->table)) {
		refuse(job, &no_literals, true);
		return 0;
	}
	look_at_body(job);
	if (find_out(job))
		return 0;
	job_free(job);
	return -1;
}

void
jobs_try_again(int fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct job *job, *next;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE (job, &relay->jobs, entry, next) {
		if (job->waits)
			try_target(job);
	}
}

void
jobs_drop(struct relay *relay)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&relay->jobs)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it has left the list */
		job_free(job);
	}
}
