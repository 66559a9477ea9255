/* SPDX-License-Identifier: ISC */
#include "worker/relay/sts_fetch.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dns/dns.h"
#include "worker/dns/resolver.h"
#include "worker/relay/http.h"
#include "worker/relay/outgoing.h"
#include "worker/relay/security.h"

#define ADDRESSES_MAX 4
#define ADDRESS_SECONDS 15 /* until TLS is on, there or nowhere */
#define WHY_SIZE 256

enum { ASK_AAAA, ASK_A, ASKS };

struct ask {
	struct sts_fetch *fetch;
	struct dns_question *question; /* NULL: answered */
	struct dns_answer answer;
};

struct sts_fetch {
	struct event_base *base;
	struct resolver *resolver;
	SSL_CTX *ctx;
	uint16_t port;
	struct security security; /* name: the web server's */
	struct event *deadline;
	struct ask asks[ASKS];
	unsigned pending;
	struct in6_addr addresses[ADDRESSES_MAX];
	size_t count;
	size_t at; /* the one that is next */
	struct outgoing *stream;
	bool asked; /* what comes is an answer */
	struct http_response response;
	char why[WHY_SIZE]; /* of the last address */
	sts_fetched_fn *done;
	void *arg;
};

void
sts_fetch_drop(struct sts_fetch *fetch)
{
	if (fetch == NULL)
		return;
	for (size_t i = 0; i < ASKS; i++)
		dns_forget(fetch->asks[i].question);
	outgoing_free(fetch->stream);
	if (fetch->deadline != NULL)
		event_free(fetch->deadline);
	free(fetch);
}

static void
finish(struct sts_fetch *fetch, const struct sts_policy *policy)
{
	fetch->done(policy, fetch->why, fetch->arg);
	sts_fetch_drop(fetch);
}

static void
fail(struct sts_fetch *fetch, const char *why)
{
	strlcpy(fetch->why, why, sizeof(fetch->why));
	finish(fetch, NULL);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fail(arg, "it took too long");
}

/* -- The connection -----------------------------------------------------------------------------
 */

static void
on_connected(void *arg)
{
	struct sts_fetch *fetch = arg;

	if (outgoing_start_tls(fetch->stream, &fetch->security, NULL, "") == -1)
		fail(fetch, "no memory for TLS");
}

static void
on_secured(void *arg)
{
	struct sts_fetch *fetch = arg;

	fetch->asked = true;
	http_start(&fetch->response);
	outgoing_wait(fetch->stream, STS_FETCH_SECONDS);
	evbuffer_add_printf(outgoing_out(fetch->stream),
			    "GET " STS_PATH " HTTP/1.1\r\nHost: %s\r\nUser-Agent: postern\r\n"
			    "Accept: text/plain\r\nConnection: close\r\n\r\n",
			    fetch->security.name);
	outgoing_flush(fetch->stream);
}

/* 3.2; the octets are all there. */
static void
take_policy(struct sts_fetch *fetch)
{
	struct sts_policy policy;
	const char *problem =
	    sts_policy_parse(fetch->response.body, fetch->response.length, &policy);

	if (problem == NULL) {
		finish(fetch, &policy);
		return;
	}
	(void)snprintf(fetch->why, sizeof(fetch->why), "no policy: %s", problem);
	finish(fetch, NULL);
}

/* What the server has answered is its answer: another address would say no other. */
static void
take(struct sts_fetch *fetch, enum http_result result)
{
	if (result == HTTP_DONE)
		take_policy(fetch);
	else if (result == HTTP_BAD)
		fail(fetch, fetch->response.why);
}

static void
on_received(void *arg, const char *data, size_t length)
{
	struct sts_fetch *fetch = arg;

	take(fetch, http_feed(&fetch->response, data, length));
}

static void
on_sent(void *arg)
{
	(void)arg;
}

static void next_address(struct sts_fetch *);

static void
on_lost(void *arg, const char *why)
{
	struct sts_fetch *fetch = arg;

	if (fetch->asked) {
		take(fetch, http_end(&fetch->response, outgoing_ended_cleanly(fetch->stream)));
		return;
	}
	strlcpy(fetch->why, why, sizeof(fetch->why));
	outgoing_free(fetch->stream);
	fetch->stream = NULL;
	next_address(fetch);
}

static const struct outgoing_calls calls = {.connected = on_connected,
					    .secured = on_secured,
					    .received = on_received,
					    .sent = on_sent,
					    .lost = on_lost};

/* The next address, and the one behind it if that is of the other family: whichever answers (RFC
 * 8305). */
static struct dial_plan
next_plan(struct sts_fetch *fetch)
{
	struct dial_plan plan = {.port = fetch->port};
	const struct in6_addr *next = &fetch->addresses[fetch->at];

	plan.addresses[plan.count++] = next[0];
	if (++fetch->at < fetch->count &&
	    IN6_IS_ADDR_V4MAPPED(&next[0]) != IN6_IS_ADDR_V4MAPPED(&next[1]))
		plan.addresses[plan.count++] = next[1];
	return plan;
}

static void
next_address(struct sts_fetch *fetch)
{
	while (fetch->at < fetch->count) {
		const struct dial_plan plan = next_plan(fetch);

		fetch->stream = outgoing_connect(fetch->base, fetch->ctx, &plan, &calls, fetch);
		if (fetch->stream != NULL) {
			outgoing_wait(fetch->stream, ADDRESS_SECONDS);
			return;
		}
		strlcpy(fetch->why, "no connection", sizeof(fetch->why));
	}
	finish(fetch, NULL);
}

/* -- Its addresses ------------------------------------------------------------------------------
 */

/* One of each family after the other: a host may have many of one that leads nowhere from here. */
static void
gather(struct sts_fetch *fetch)
{
	strlcpy(fetch->why, "DNS has no address for the web server", sizeof(fetch->why));
	for (size_t n = 0; n < ADDRESSES_MAX * ASKS; n++) {
		const struct dns_answer *answer = &fetch->asks[n % ASKS].answer;

		if (n / ASKS < answer->count && fetch->count < ADDRESSES_MAX)
			fetch->addresses[fetch->count++] = answer->records[n / ASKS].address;
	}
	next_address(fetch);
}

static void
on_answer(const struct dns_reply *reply, void *arg)
{
	static const uint16_t types[ASKS] = {[ASK_AAAA] = DNS_AAAA, [ASK_A] = DNS_A};
	struct ask *ask = arg;
	struct sts_fetch *fetch = ask->fetch;

	ask->question = NULL;
	if (reply->status == DNS_ANSWERED)
		(void)dns_parse(reply->packet, reply->length, types[ask - fetch->asks],
				&ask->answer);
	if (--fetch->pending == 0)
		gather(fetch);
}

static bool
ask(struct sts_fetch *fetch, size_t which, uint16_t type)
{
	struct ask *ask = &fetch->asks[which];

	ask->fetch = fetch;
	ask->question = dns_ask(fetch->resolver, fetch->security.name, type, on_answer, ask);
	fetch->pending++;
	return ask->question != NULL;
}

struct sts_fetch *
sts_fetch(struct event_base *base, struct resolver *resolver, SSL_CTX *ctx, uint16_t port,
	  const char *domain, sts_fetched_fn *done, void *arg)
{
	static const struct timeval longest = {.tv_sec = STS_FETCH_SECONDS};
	struct sts_fetch *fetch = calloc(1, sizeof(*fetch));

	if (fetch == NULL)
		return NULL;
	fetch->base = base;
	fetch->resolver = resolver;
	fetch->ctx = ctx;
	fetch->port = port;
	fetch->done = done;
	fetch->arg = arg;
	fetch->security = (struct security){.level = SECURITY_VERIFIED, .by = "sts"};
	(void)snprintf(fetch->security.name, sizeof(fetch->security.name), STS_HOST_NAME "%.240s",
		       domain);
	fetch->deadline = evtimer_new(base, on_deadline, fetch);
	if (fetch->deadline != NULL && evtimer_add(fetch->deadline, &longest) == 0 &&
	    ask(fetch, ASK_AAAA, DNS_AAAA) && ask(fetch, ASK_A, DNS_A))
		return fetch;
	sts_fetch_drop(fetch);
	return NULL;
}
