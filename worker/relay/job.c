/* SPDX-License-Identifier: ISC */
#include "worker/relay/job.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/dot_stuff.h"
#include "common/log.h"
#include "worker/relay/client.h"
#include "worker/relay/hops.h"
#include "worker/relay/outgoing.h"
#include "worker/relay/route.h"

#define CHUNK 32768     /* octets of the message that are read at once */
#define BUFFERED 131072 /* and that wait for the other side */

struct job {
	LIST_ENTRY(job) entry;
	struct relay *relay;
	uint32_t request;
	conn_id conn;
	uint64_t id;
	int body;
	char domain[HOST_NAME_SIZE];
	char *paths; /* qr_send's tail */
	struct client_mail mail;
	struct event *deadline;

	struct route *route;
	struct route_answer way;
	size_t target; /* the one that is tried */
	bool plain;    /* TLS failed there: once more without it */

	struct outgoing *stream;
	struct client client;
	struct reply_parser parser;
	struct dot_stuffer stuffer; /* RFC 5321 4.5.2 is RFC 1939 3 */
	uint64_t offset;            /* of the message that has been read */
	bool whole;                 /* all of it, and the final dot */

	struct reply why; /* the last host that answered for nobody */
	struct client_recipient recipients[];
};

static void try_target(struct job *);

/* -- Its end --------------------------------------------------------------------------------- */

static void
job_free(struct job *job)
{
	LIST_REMOVE(job, entry);
	route_drop(job->route);
	outgoing_free(job->stream);
	if (job->deadline != NULL)
		event_free(job->deadline);
	if (job->body != -1)
		close(job->body);
	free(job->paths);
	free(job);
}

static void
describe(const struct client_recipient *recipient, const struct reply *why,
	 struct qr_recipient *result)
{
	static const uint32_t outcomes[] = {[OUTCOME_PENDING] = RELAY_LATER,
					    [OUTCOME_DELIVERED] = RELAY_DELIVERED,
					    [OUTCOME_LATER] = RELAY_LATER,
					    [OUTCOME_FAILED] = RELAY_FAILED};
	static const char *const statuses[] = {
	    [RELAY_DELIVERED] = "2.0.0", [RELAY_LATER] = "4.0.0", [RELAY_FAILED] = "5.0.0"};
	const struct reply *reply = recipient->outcome == OUTCOME_PENDING ? why : &recipient->reply;

	memset(result, 0, sizeof(*result));
	result->outcome = outcomes[recipient->outcome];
	result->code = reply->code;
	/* A host's 5xx to no recipient in particular does not end the mail. */
	strlcpy(result->status,
		reply->status[0] == '\0' ||
			(result->outcome == RELAY_LATER && reply->status[0] != '4')
		    ? statuses[result->outcome]
		    : reply->status,
		sizeof(result->status));
	strlcpy(result->text, reply->text, sizeof(result->text));
}

/* Tells queue, and frees. */
static void
job_finish(struct job *job)
{
	struct qr_recipient results[RELAY_RECIPIENTS_MAX];
	struct qr_result body = {.recipients = (uint32_t)job->mail.count};

	if (job->way.count > 0) {
		size_t last = job->target < job->way.count ? job->target : job->way.count - 1;

		strlcpy(body.host, job->way.targets[last].host, sizeof(body.host));
	}
	for (size_t i = 0; i < job->mail.count; i++)
		describe(&job->recipients[i], &job->why, &results[i]);
	if (job->relay->queue != NULL)
		(void)ipc_send(job->relay->queue, QR_RESULT, job->request, &body,
			       (const char *)results, job->mail.count * sizeof(results[0]), -1);
	job_free(job);
}

static bool
is_over(const struct job *job)
{
	for (size_t i = 0; i < job->mail.count; i++) {
		if (job->recipients[i].outcome == OUTCOME_PENDING)
			return false;
	}
	return true;
}

/* This host has no more to say. */
static void
host_done(struct job *job)
{
	if (job->client.why.code != 0)
		job->why = job->client.why;
	outgoing_free(job->stream);
	job->stream = NULL;
	if (is_over(job)) {
		job_finish(job);
		return;
	}
	job->target++;
	job->plain = false;
	try_target(job);
}

/* -- The message ------------------------------------------------------------------------------- */

/* More of it into the stream's buffer. -1 if it can't be read. */
static int
fill(struct job *job)
{
	struct evbuffer *out = outgoing_out(job->stream);
	char in[CHUNK], stuffed[2 * CHUNK], end[DOT_STUFF_END_MAX];
	bool enough;
	ssize_t n;

	while (!job->whole && evbuffer_get_length(out) < BUFFERED) {
		n = pread(job->body, in, sizeof(in), (off_t)job->offset);
		if (n < 0 || (n == 0 && job->offset < job->mail.size))
			return -1;
		if (n == 0) {
			(void)evbuffer_add(out, end, dot_stuff_end(&job->stuffer, end));
			job->whole = true;
			break;
		}
		job->offset += (uint64_t)n;
		(void)evbuffer_add(out, stuffed,
				   dot_stuff(&job->stuffer, in, (size_t)n, stuffed, &enough));
	}
	return 0;
}

/* Whether it needs 8BITMIME (RFC 6152). */
static bool
has_eight_bit(int body)
{
	unsigned char data[CHUNK];
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(body, data, sizeof(data), offset)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] > 127)
				return true;
		}
		offset += n;
	}
	return false;
}

/* RFC 5321 6.3. */
static bool
goes_in_circles(int body)
{
	char header[2 * CHUNK];
	ssize_t n = pread(body, header, sizeof(header), 0);

	return n > 0 && hops_count(header, (size_t)n) > HOPS_MAX;
}

/* -- The conversation ----------------------------------------------------------------------------
 */

static enum client_action
mail_done(struct job *job)
{
	char id[QUEUE_ID_SIZE], address[INET6_ADDRSTRLEN];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)job->id);
	(void)inet_ntop(AF_INET6, &job->way.targets[job->target].address, address, sizeof(address));
	log_event(LOG_INFO, "relay.answered", KV_STR("id", id), KV_CONN(job->conn),
		  KV_STR("host", job->way.targets[job->target].host), KV_STR("address", address),
		  KV_STR("tls", outgoing_tls(job->stream)), KV_U64("rcpts", job->mail.count));
	(void)client_quit(&job->client, outgoing_out(job->stream));
	outgoing_flush(job->stream);
	return CLIENT_CLOSE;
}

static enum client_action
send_body(struct job *job)
{
	dot_stuff_start(&job->stuffer);
	job->offset = 0;
	job->whole = false;
	return fill(job) == 0 ? CLIENT_WAIT
			      : client_lost(&job->client, "the message can't be read here");
}

static enum client_action
start_tls(struct job *job)
{
	const char *host = job->way.targets[job->target].host;

	reply_start(&job->parser);
	return outgoing_start_tls(job->stream, host) == 0
		   ? CLIENT_WAIT
		   : client_lost(&job->client, "no memory for TLS");
}

/* Does what the client wants done. The job may be gone afterwards: then false. */
static bool
act(struct job *job, enum client_action action)
{
	struct evbuffer *out = outgoing_out(job->stream);

	while (action != CLIENT_WAIT && action != CLIENT_CLOSE) {
		if (action == CLIENT_GIVE)
			action = client_mail(&job->client, &job->mail, out);
		else if (action == CLIENT_START_TLS)
			action = start_tls(job);
		else if (action == CLIENT_SEND_BODY)
			action = send_body(job);
		else
			action = mail_done(job);
	}
	if (action == CLIENT_CLOSE) {
		host_done(job);
		return false;
	}
	outgoing_wait(job->stream, client_seconds(&job->client));
	return true;
}

static void
on_connected(void *arg)
{
	struct job *job = arg;
	enum client_tls tls = (enum client_tls)job->relay->settings.tls;

	client_start(&job->client, job->relay->settings.hostname,
		     job->plain ? CLIENT_TLS_NEVER : tls);
	reply_start(&job->parser);
	outgoing_wait(job->stream, client_seconds(&job->client));
}

static void
on_secured(void *arg)
{
	struct job *job = arg;

	(void)act(job, client_secured(&job->client, outgoing_out(job->stream)));
}

static void
on_received(void *arg, const char *data, size_t length)
{
	struct job *job = arg;
	enum client_action action;
	size_t used;

	for (; length > 0; data += used, length -= used) {
		enum reply_result result = reply_feed(&job->parser, data, length, &used);

		if (result == REPLY_LINE || result == REPLY_END)
			client_line(&job->client, job->parser.line);
		if (result == REPLY_MORE || result == REPLY_LINE)
			continue;
		action =
		    result == REPLY_BAD
			? client_lost(&job->client, "the server does not speak SMTP")
			: client_reply(&job->client, &job->parser.reply, outgoing_out(job->stream));
		/* RFC 3207 6: what came behind the reply to STARTTLS was never secure. */
		if (!act(job, action) || action == CLIENT_START_TLS)
			return;
	}
}

static void
on_sent(void *arg)
{
	struct job *job = arg;

	if (job->client.state != CLIENT_BODY)
		return;
	if (fill(job) == -1)
		(void)act(job, client_lost(&job->client, "the message can't be read here"));
	else if (job->whole && evbuffer_get_length(outgoing_out(job->stream)) == 0)
		(void)act(job, client_sent(&job->client));
	else
		outgoing_wait(job->stream, client_seconds(&job->client));
}

static void
on_lost(void *arg, const char *why)
{
	struct job *job = arg;

	/* It has done what it was there for. */
	if (job->client.state == CLIENT_QUIT)
		return;
	/* Better than not at all, unless it is required (RFC 7435). */
	if (job->client.state == CLIENT_HANDSHAKE && job->client.tls == CLIENT_TLS_OFFERED &&
	    !job->plain) {
		job->plain = true;
		outgoing_free(job->stream);
		job->stream = NULL;
		try_target(job);
		return;
	}
	(void)client_lost(&job->client, why);
	host_done(job);
}

static const struct outgoing_calls calls = {.connected = on_connected,
					    .secured = on_secured,
					    .received = on_received,
					    .sent = on_sent,
					    .lost = on_lost};

/* -- The way -------------------------------------------------------------------------------------
 */

static void
try_target(struct job *job)
{
	const struct relay *relay = job->relay;

	for (; job->target < job->way.count; job->target++) {
		client_start(&job->client, relay->settings.hostname, CLIENT_TLS_NEVER);
		job->stream = outgoing_connect(relay->base, relay->tls,
					       &job->way.targets[job->target].address,
					       (uint16_t)relay->settings.port, &calls, job);
		if (job->stream != NULL)
			return;
		(void)client_lost(&job->client, "no connection");
		job->why = job->client.why;
	}
	job_finish(job);
}

/* No host is asked. */
static void
refuse(struct job *job, const struct reply *why, bool for_ever)
{
	job->why = *why;
	for (size_t i = 0; for_ever && i < job->mail.count; i++) {
		job->recipients[i].outcome = OUTCOME_FAILED;
		job->recipients[i].reply = *why;
	}
	job_finish(job);
}

static void
on_route(const struct route_answer *way, void *arg)
{
	struct job *job = arg;

	job->route = NULL;
	job->way = *way;
	if (way->verdict == ROUTE_OK) {
		try_target(job);
		return;
	}
	refuse(job, &way->why, way->verdict == ROUTE_NEVER);
}

/* However slowly it goes on. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	(void)client_lost(&job->client, "it took too long altogether");
	job->why = job->client.why;
	job_finish(job);
}

/* -- Its start --------------------------------------------------------------------------------- */

static bool
is_path(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

/* The tail: the sender and so many paths, none of them empty. False if it is something else. */
static bool
take_paths(struct job *job, const struct ipc_message *message)
{
	const char *p, *end;

	job->paths = malloc(message->tail_length + 1);
	if (job->paths == NULL)
		return false;
	memcpy(job->paths, message->tail, message->tail_length);
	job->paths[message->tail_length] = '\0';
	p = job->paths;
	end = p + message->tail_length;
	for (size_t i = 0; i <= job->mail.count; i++, p += strlen(p) + 1) {
		if (p >= end || strlen(p) >= PATH_SIZE || !is_path(p) || (i > 0 && *p == '\0'))
			return false;
		if (i == 0)
			job->mail.sender = p;
		else
			job->recipients[i - 1].path = p;
	}
	return p == end;
}

static struct job *
job_new(struct relay *relay, struct ipc_message *message)
{
	static const struct timeval longest = {.tv_sec = RELAY_SECONDS};
	const struct qr_send *body = message->body;
	struct job *job;

	if (body->recipients == 0 || body->recipients > RELAY_RECIPIENTS_MAX || body->zero != 0 ||
	    message->id == 0 || memchr(body->domain, '\0', sizeof(body->domain)) == NULL ||
	    body->domain[0] == '\0' || !is_path(body->domain))
		return NULL;
	job = calloc(1, sizeof(*job) + body->recipients * sizeof(job->recipients[0]));
	if (job == NULL)
		return NULL;
	LIST_INSERT_HEAD(&relay->jobs, job, entry);
	job->relay = relay;
	job->request = message->id;
	job->conn = body->conn;
	job->id = body->id;
	job->body = ipc_take_fd(message);
	memcpy(job->domain, body->domain, sizeof(job->domain));
	job->mail.size = body->size;
	job->mail.count = body->recipients;
	job->mail.recipients = job->recipients;
	job->deadline = evtimer_new(relay->base, on_deadline, job);
	if (job->deadline == NULL || !take_paths(job, message) ||
	    evtimer_add(job->deadline, &longest) == -1) {
		job_free(job);
		return NULL;
	}
	return job;
}

int
job_start(struct relay *relay, struct ipc_message *message)
{
	static const struct reply circles = {.code = 554,
					     .status = "5.4.6",
					     .text =
						 "too many hops: this mail goes round in circles"};
	bool smart = relay->settings.host[0] != '\0';
	struct job *job = job_new(relay, message);

	if (job == NULL)
		return -1;
	if (goes_in_circles(job->body)) {
		refuse(job, &circles, true);
		return 0;
	}
	job->mail.eight_bit = has_eight_bit(job->body);
	job->route = route_find(relay->resolver, relay->base, relay->settings.hostname,
				smart ? relay->settings.host : job->domain, smart, on_route, job);
	if (job->route != NULL)
		return 0;
	job_free(job);
	return -1;
}

void
jobs_drop(struct relay *relay)
{
	struct job *job;

	while ((job = LIST_FIRST(&relay->jobs)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it has left the list */
		job_free(job);
	}
}
