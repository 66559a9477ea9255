/* SPDX-License-Identifier: ISC */
/* Who gets a job's mail: its hosts in their order, until one has answered for each recipient. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "worker/relay/client_certificates.h"
#include "worker/relay/job_private.h"
#include "worker/relay/own.h"
#include "worker/relay/pool.h"
#include "worker/relay/sts.h"
#include "worker/relay/table.h"

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

/* Before the connection is left. */
static void
end_asking(struct job *job)
{
	asked_end(&job->asked_hosts, &job->envelope->mail, &job->way,
		  connection_target(job->connection)->host);
}

/* Another host may take what this one did not. Of a job that nobody waits for, queue asks again. */
static void
go_on(struct job *job)
{
	if (job->request != 0 &&
	    asked_wants_any(&job->asked_hosts, &job->envelope->mail, &job->way))
		job_try_target(job);
	else
		job_refuse(job, &job->why, !job->later);
}

static void
on_ready(void *arg)
{
	struct job *job = arg;

	job->met = true;
	if (!job_is_over(job)) {
		connection_send(job->connection, &job->envelope->mail, job->body);
		return;
	}
	log_answered(job);
	asked_is_done(&job->asked_hosts, &job->way, connection_target(job->connection)->host);
	end_asking(job);
	pool_put(job->relay, job->connection);
	job->connection = NULL;
	go_on(job);
}

/* That address, and if none of the host's two has answered both. */
static void
note_tried(struct job *job)
{
	const struct route_target *used = connection_target(job->connection);
	bool made = connection_was_made(job->connection);

	for (size_t i = 0; i < job->way.count; i++) {
		const struct route_target *target = &job->way.targets[i];

		if (made ? strcasecmp(target->host, used->host) == 0 &&
			       memcmp(&target->address, &used->address, sizeof(used->address)) == 0
			 : i == job->target || i == job->other)
			job->asked_hosts.tried[i] = true;
	}
}

static void
on_closed(void *arg, const struct reply *why)
{
	struct job *job = arg;
	bool useless = connection_is_useless(job->connection);

	job->reused = job->reused && !useless;
	job->later = job->later || (!job->reused && !useless);
	if (!job->reused)
		note_tried(job);
	end_asking(job);
	job->met = job->met || (!job->reused && connection_was_made(job->connection));
	job->missed = job->missed || !connection_was_made(job->connection);
	job->connection = NULL;
	if (!job->reused)
		job->why = *why;
	/* What had waited may have died meanwhile: that is no failure of the server. */
	job->fresh = job->fresh || job->reused;
	job->reused = false;
	go_on(job);
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
					     .unsure = target->unproved || job->sts_unknown,
					     .optional = job->tls_optional,
					     .requiretls = client_requires_tls(mail)};

	return security_of(&facts, security, why);
}

/* A connection to any of its servers that waits for a mail. */
static bool
reuse(struct job *job)
{
	struct client_mail *mail = &job->envelope->mail;
	struct security security;
	struct reply why;

	for (size_t i = job->target; !job->fresh && i < job->way.count; i++) {
		const struct route_target *target = &job->way.targets[i];

		if (!asked_wants(&job->asked_hosts, mail, i) ||
		    !secure(job, target, &security, &why))
			continue;
		job->connection = pool_take(job->relay, job->via, target, &security);
		if (job->connection == NULL)
			continue;
		job->reused = true;
		asked_begin(&job->asked_hosts, mail, &job->way, i);
		connection_give(job->connection, &calls, job);
		connection_send(job->connection, mail, job->body);
		return true;
	}
	return false;
}

/* An address of the same host in the other family (RFC 8305), or NULL. */
static const struct in6_addr *
find_other(struct job *job)
{
	const struct route_target *target = &job->way.targets[job->target];
	bool v4 = IN6_IS_ADDR_V4MAPPED(&target->address);

	for (job->other = job->target + 1; job->other < job->way.count; job->other++) {
		const struct route_target *other = &job->way.targets[job->other];

		if (!job->asked_hosts.tried[job->other] &&
		    strcasecmp(other->host, target->host) == 0 &&
		    IN6_IS_ADDR_V4MAPPED(&other->address) != v4)
			return &other->address;
	}
	return NULL;
}

/*
 * False if it can't be sent yet, or not by now: to a server that would know us by our certificate,
 * going without is to be refused, perhaps for ever.
 */
static bool
has_certificate(struct job *job)
{
	static const struct reply missing = {
	    .code = 451, .status = "4.7.0", .text = "the certificate of its route is not here"};

	switch (client_certificates_look(job->relay->certificates, job->via->certificate)) {
	case CERTIFICATE_HERE:
		return true;
	case CERTIFICATE_COMES:
		job->waits = true;
		return false;
	case CERTIFICATE_MISSING:
		break;
	}
	job_refuse(job, &missing, false);
	return false;
}

void
job_try_target(struct job *job)
{
	static const struct reply none = {.code = 451, .status = "4.4.1", .text = "no connection"};
	struct client_mail *mail = &job->envelope->mail;
	struct asked *asked = &job->asked_hosts;

	job->waits = false;
	if (reuse(job) || !has_certificate(job))
		return;
	for (; job->target < job->way.count; job->target++) {
		const struct route_target *target = &job->way.targets[job->target];
		struct security security;

		if (!asked_wants(asked, mail, job->target))
			continue;
		asked_name(asked, mail, target->host);
		if (!secure(job, target, &security, &job->why)) {
			job->later = job->later || job->why.code < 500;
			job->met = true; /* another mail may want less of it */
			continue;
		}
		job->waits = !pool_has_room(job->relay, job->via, target);
		if (job->waits)
			return;
		asked_begin(asked, mail, &job->way, job->target);
		job->connection = connection_open(job->relay, job->table, job->via, target,
						  find_other(job), &security, &calls, job);
		if (job->connection != NULL)
			return;
		asked_end(asked, mail, &job->way, target->host);
		job->why = none;
		job->later = true;
	}
	job_refuse(job, &job->why, !job->later);
}

/* RFC 3463 3.5: X.4.3, the directory server did not answer. */
static bool
has_no_answer(const struct route_answer *way)
{
	return way->verdict == ROUTE_LATER && strcmp(way->why.status, "4.4.3") == 0;
}

static void
on_route(const struct route_answer *way, void *arg)
{
	struct job *job = arg;

	job->route = NULL;
	job->way = *way;
	job->missed = has_no_answer(way);
	if (way->verdict != ROUTE_OK)
		job_refuse(job, &way->why, way->verdict == ROUTE_NEVER);
	else if (job->asked == NULL)
		job_try_target(job);
}

static void
on_policy(const struct sts_policy *policy, bool known, void *arg)
{
	static const struct reply memory = {.code = 451, .status = "4.3.0", .text = "no memory"};
	struct job *job = arg;

	job->asked = NULL;
	job->sts_unknown = !known;
	if (policy != NULL) {
		job->sts = malloc(sizeof(*job->sts));
		if (job->sts == NULL) {
			job_refuse(job, &memory, false);
			return;
		}
		*job->sts = *policy;
	}
	if (job->route == NULL)
		job_try_target(job);
}

bool
job_find_out(struct job *job)
{
	struct relay *relay = job->relay;
	const struct mr_settings *settings = &relay->settings;
	const struct mr_route *via = job->via;
	const char *domain = job->envelope->domain;
	bool named = via->host[0] != '\0', literal = domain[0] == '[';
	enum route_to to = named ? ROUTE_TO_HOST : literal ? ROUTE_TO_LITERAL : ROUTE_TO_DOMAIN;

	job->self =
	    (struct route_self){settings->hostname, own_listens, job->table, via->inbound == 1};
	job->route = route_find(relay->resolver, relay->base, &job->self,
				named ? via->host : domain, to, (uint16_t)via->port, on_route, job);
	if (job->route == NULL)
		return false;
	if (to != ROUTE_TO_DOMAIN || settings->sts_port == 0 || via->tls == RELAY_TLS_NONE ||
	    job->tls_optional)
		return true;
	job->asked = sts_ask(relay->sts, domain, on_policy, job);
	return job->asked != NULL;
}
