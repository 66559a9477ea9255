/* SPDX-License-Identifier: ISC */
#include "worker/relay/route.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "worker/dns/resolver.h"
#include "worker/relay/dane_question.h"

/* What was asked, and what came of it. */
struct question {
	struct route *route;
	struct dns_question *asked; /* NULL: answered */
	size_t host;                /* index of the host whose address it is for */
	uint16_t type;
	bool failed;   /* no answer */
	bool bogus;    /* and that because its signatures are wrong or missing */
	bool secure;   /* what it says is proved */
	bool unproved; /* or may be another time */
	bool no_name;  /* there is no such name */
	struct dns_answer answer;
};

/* A host's TLSA records. */
struct certificates {
	struct route *route;
	struct dane_question *asked; /* NULL: answered, or never asked */
	struct dane *dane;
};

enum stage { STAGE_MX, STAGE_ADDRESSES, STAGE_CERTIFICATES };

struct route {
	struct resolver *resolver;
	const struct route_self *self;
	char domain[HOST_NAME_SIZE];
	route_done_fn *done;
	void *arg;
	struct event *ready;
	unsigned pending; /* questions that are not answered */
	enum stage stage;
	uint16_t port;
	bool named;    /* one host, which is configured */
	bool secure;   /* the hosts are proved to be the domain's */
	bool unproved; /* or may be another time */
	struct route_hosts hosts;
	size_t count;
	struct question questions[2 * ROUTE_HOSTS_MAX];
	struct certificates certificates[ROUTE_HOSTS_MAX];
	struct route_answer answer;
};

/* -- Answers ------------------------------------------------------------------------------------
 */

void
route_answer_clear(struct route_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		dane_release(answer->targets[i].dane);
	answer->count = 0;
}

static void
route_free(struct route *route)
{
	for (size_t i = 0; i < ROUTE_HOSTS_MAX; i++) {
		dane_forget(route->certificates[i].asked);
		dane_release(route->certificates[i].dane);
	}
	route_answer_clear(&route->answer);
	if (route->ready != NULL)
		event_free(route->ready);
	free(route);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct route *route = arg;

	(void)fd;
	(void)what;
	route->done(&route->answer, route->arg);
	route->answer.count = 0; /* its certificates are the callee's now */
	route_free(route);
}

/* The caller is told from the loop. */
static void
finish(struct route *route)
{
	event_active(route->ready, 0, 0);
}

static void
refuse(struct route *route, enum route_verdict verdict)
{
	route->answer.verdict = verdict;
	finish(route);
}

/* It waits until the administrator has mended the configuration, or DNS (RFC 3463 3.4: X.3.5). */
static void
refuse_misconfigured(struct route *route, const char *text)
{
	struct reply *why = &route->answer.why;

	route_explain(why, 451, "4.3.5", text, route->domain);
	log_event(LOG_WARNING, "relay.misconfigured", KV_STR("host", route->domain),
		  KV_STR("why", why->text));
	refuse(route, ROUTE_LATER);
}

/* Nobody can take the mail. But of a host that the configuration names that says nothing about the
 * mail's domain. */
static void
refuse_for_ever(struct route *route, unsigned code, const char *status, const char *text)
{
	if (route->named) {
		refuse_misconfigured(route, text);
		return;
	}
	route_explain(&route->answer.why, code, status, text, route->domain);
	refuse(route, ROUTE_NEVER);
}

static void
refuse_loop(struct route *route)
{
	if (route->self->inbound)
		refuse_misconfigured(route, ROUTE_LOOPS);
	else
		refuse_for_ever(route, ROUTE_LOOP_CODE, "5.4.6", ROUTE_LOOPS);
}

/* RFC 7672 2.1: later, perhaps; never in spite of it. */
static void
refuse_unanswered(struct route *route, bool bogus)
{
	route_explain(&route->answer.why, 451, "4.4.3",
		      bogus ? "DNS answers without valid signatures for"
			    : "DNS does not answer for",
		      route->domain);
	refuse(route, ROUTE_LATER);
}

/* Whether HOST's addresses are proved, as that it is the domain's is (RFC 7672 2.2.2). */
static bool
is_secure(const struct route *route, size_t host)
{
	bool secure = route->secure;

	for (size_t q = 0; q < route->count; q++) {
		const struct question *question = &route->questions[q];

		if (question->host == host && !question->failed)
			secure = secure && question->secure;
	}
	return secure;
}

/* Whether that is so only for now. */
static bool
is_unproved(const struct route *route, size_t host)
{
	bool unproved = route->unproved;

	for (size_t q = 0; q < route->count; q++)
		unproved =
		    unproved || (route->questions[q].host == host && route->questions[q].unproved);
	return unproved;
}

/* Where nobody is: 0.0.0.0 would be this host. */
static bool
is_nobody(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return address->s6_addr[12] == 0 || address->s6_addr[12] >= 224;
	return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_MULTICAST(address);
}

static bool
is_own(const struct route *route, const struct in6_addr *address)
{
	return route->self->is_own != NULL &&
	       route->self->is_own(address, route->port, route->self->arg);
}

/* The best preference of a host that has an address where we listen ourselves (RFC 5321 5.1). */
static uint32_t
own_preference(const struct route *route)
{
	uint32_t best = UINT32_MAX;

	for (size_t q = 0; q < route->count; q++) {
		const struct question *question = &route->questions[q];
		uint32_t preference = route->hosts.preferences[question->host];

		for (size_t i = 0; i < question->answer.count && preference < best; i++) {
			if (is_own(route, &question->answer.records[i].address))
				best = preference;
		}
	}
	return best;
}

static void
add_targets(struct route *route, const struct question *question)
{
	struct route_answer *answer = &route->answer;

	for (size_t i = 0; i < question->answer.count && answer->count < ROUTE_TARGETS_MAX; i++) {
		struct route_target *target = &answer->targets[answer->count];
		const struct in6_addr *address = &question->answer.records[i].address;

		if (is_nobody(address))
			continue;
		target->address = *address;
		strlcpy(target->host, route->hosts.names[question->host], HOST_NAME_SIZE);
		target->secure = is_secure(route, question->host);
		target->unproved = is_unproved(route, question->host);
		target->backup =
		    route->hosts.preferences[question->host] > route->hosts.preferences[0];
		target->dane = dane_hold(route->certificates[question->host].dane);
		answer->count++;
	}
}

/* IPv6 and IPv4 of a host next to each other, hosts in their order. */
static void
gather(struct route *route)
{
	struct route_answer *answer = &route->answer;
	uint32_t end = own_preference(route);
	bool failed = false, bogus = false;

	for (size_t q = 0; q < route->count; q++) {
		const struct question *question = &route->questions[q];

		if (route->hosts.preferences[question->host] >= end)
			continue;
		failed = failed || question->failed;
		bogus = bogus || question->bogus;
		add_targets(route, question);
	}
	if (answer->count > 0) {
		finish(route);
	} else if (failed) {
		refuse_unanswered(route, bogus);
	} else if (end != UINT32_MAX) {
		refuse_loop(route);
	} else {
		refuse_for_ever(route, 550, "5.1.2", "no mail server has an address for");
	}
}

static void ask_addresses(struct route *);
static void ask_certificates(struct route *);

static void
take_mx(struct route *route)
{
	const struct question *question = &route->questions[0];

	if (question->failed) {
		refuse_unanswered(route, question->bogus);
	} else if (question->no_name) {
		refuse_for_ever(route, 550, "5.1.2", "there is no such domain");
	} else if (!route_order(&question->answer, route->domain, route->self->name,
				arc4random_uniform(DNS_RECORDS_MAX), &route->hosts,
				&route->answer.why)) {
		if (route->answer.why.code == ROUTE_LOOP_CODE)
			refuse_loop(route);
		else
			refuse(route, ROUTE_NEVER);
	} else {
		route->secure = question->secure;
		route->unproved = question->unproved;
		ask_addresses(route);
	}
}

static void
go_on(struct route *route)
{
	if (--route->pending > 0)
		return;
	if (route->stage == STAGE_MX)
		take_mx(route);
	else if (route->stage == STAGE_ADDRESSES)
		ask_certificates(route);
	else
		gather(route);
}

static void
on_answer(const struct dns_reply *reply, void *arg)
{
	struct question *question = arg;

	question->asked = NULL;
	question->bogus = reply->bogus;
	question->secure = reply->secure;
	question->unproved = reply->unproved;
	question->no_name = reply->status == DNS_NO_NAME;
	question->failed =
	    reply->status == DNS_FAILED ||
	    (reply->status == DNS_ANSWERED &&
	     dns_parse(reply->packet, reply->length, question->type, &question->answer) == -1);
	go_on(question->route);
}

static void
ask(struct route *route, const char *name, size_t host, uint16_t type)
{
	struct question *question = &route->questions[route->count++];

	memset(question, 0, sizeof(*question));
	question->route = route;
	question->host = host;
	question->type = type;
	route->pending++;
	question->asked = dns_ask(route->resolver, name, type, on_answer, question);
	if (question->asked != NULL)
		return;
	question->failed = true;
	go_on(route);
}

static void
ask_addresses(struct route *route)
{
	route->stage = STAGE_ADDRESSES;
	route->count = 0;
	route->pending = 1; /* until all are asked */
	for (size_t i = 0; i < route->hosts.count; i++) {
		ask(route, route->hosts.names[i], i, DNS_AAAA);
		ask(route, route->hosts.names[i], i, DNS_A);
	}
	go_on(route);
}

static void
on_certificates(struct dane *dane, void *arg)
{
	struct certificates *certificates = arg;

	certificates->asked = NULL;
	certificates->dane = dane;
	go_on(certificates->route);
}

/* What the addresses of HOST are said to be of, if that is another name: it was an alias. */
static const char *
expanded_name(const struct route *route, size_t host)
{
	for (size_t q = 0; q < route->count; q++) {
		const struct question *question = &route->questions[q];

		if (question->host == host && question->answer.owner[0] != '\0')
			return question->answer.owner;
	}
	return route->hosts.names[host];
}

static void
ask_host_certificates(struct route *route, size_t host)
{
	const char *name = route->hosts.names[host], *expanded = expanded_name(route, host);
	struct certificates *certificates = &route->certificates[host];
	bool alias = strcasecmp(name, expanded) != 0, secure = is_secure(route, host);

	/* The alias may be proved though what it stands for is not (RFC 7672 2.2.2). */
	if (!secure && !(route->secure && alias))
		return;
	certificates->route = route;
	route->pending++;
	certificates->asked = secure ? dane_ask(route->resolver, route->port, expanded,
						alias ? name : "", on_certificates, certificates)
				     : dane_ask_alias(route->resolver, route->port, name,
						      on_certificates, certificates);
	if (certificates->asked == NULL)
		on_certificates(dane_failed(), certificates);
}

static void
ask_certificates(struct route *route)
{
	route->stage = STAGE_CERTIFICATES;
	route->pending = 1; /* until all are asked */
	for (size_t i = 0; i < route->hosts.count; i++)
		ask_host_certificates(route, i);
	go_on(route);
}

/* -- From outside ---------------------------------------------------------------------------------
 */

/* An address needs no DNS. */
static bool
is_address(const char *text, struct in6_addr *address)
{
	char mapped[HOST_NAME_SIZE + 8];

	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
	return strchr(text, ':') == NULL && inet_pton(AF_INET6, mapped, address) == 1;
}

static void
take_address(struct route *route)
{
	if (is_own(route, &route->answer.targets[0].address)) {
		refuse_loop(route);
		return;
	}
	route->answer.count = 1;
	finish(route);
}

/* Its address is all that is known of the host: no name, no certificate. */
static void
take_literal(struct route *route)
{
	size_t skip = strncasecmp(route->domain, "[IPv6:", 6) == 0 ? 6 : 1;
	struct in6_addr *address = &route->answer.targets[0].address;
	char text[HOST_NAME_SIZE];

	strlcpy(text, route->domain + skip, sizeof(text));
	text[strcspn(text, "]")] = '\0';
	if (is_address(text, address) && !is_nobody(address)) {
		take_address(route);
		return;
	}
	refuse_for_ever(route, 550, "5.1.2", "no host can have the address");
}

static void
begin(struct route *route, enum route_to to)
{
	strlcpy(route->answer.targets[0].host, route->domain, HOST_NAME_SIZE);
	if (to == ROUTE_TO_LITERAL) {
		take_literal(route);
	} else if (to == ROUTE_TO_DOMAIN) {
		ask(route, route->domain, 0, DNS_MX);
	} else if (is_address(route->domain, &route->answer.targets[0].address)) {
		take_address(route);
	} else {
		strlcpy(route->hosts.names[route->hosts.count++], route->domain, HOST_NAME_SIZE);
		ask_addresses(route);
	}
}

struct route *
route_find(struct resolver *resolver, struct event_base *base, const struct route_self *self,
	   const char *name, enum route_to to, uint16_t port, route_done_fn *done, void *arg)
{
	struct route *route = calloc(1, sizeof(*route));

	if (route == NULL)
		return NULL;
	route->resolver = resolver;
	route->self = self;
	route->port = port;
	route->named = to == ROUTE_TO_HOST;
	route->secure = route->named; /* who configures it knows */
	route->done = done;
	route->arg = arg;
	strlcpy(route->domain, name, sizeof(route->domain));
	route->ready = event_new(base, -1, 0, on_ready, route);
	if (route->ready == NULL) {
		free(route);
		return NULL;
	}
	begin(route, to);
	return route;
}

void
route_drop(struct route *route)
{
	if (route == NULL)
		return;
	for (size_t i = 0; i < route->count; i++)
		dns_forget(route->questions[i].asked);
	route_free(route);
}
