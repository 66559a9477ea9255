/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/relay/route.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound-event.h>
#include <unbound.h>

#define RCODE_NO_NAME 3 /* NXDOMAIN */

struct resolver {
	struct event_base *base;
	struct ub_ctx *unbound;
	char hostname[HOST_NAME_SIZE];
};

/* What was asked, and what came of it. */
struct question {
	struct route *route;
	size_t host; /* index of the host whose address it is for */
	uint16_t type;
	bool failed;  /* no answer */
	bool no_name; /* there is no such name */
	struct dns_answer answer;
};

struct route {
	struct resolver *resolver;
	char domain[HOST_NAME_SIZE];
	route_done_fn *done; /* NULL: dropped */
	void *arg;
	struct event *ready;
	unsigned pending; /* questions that are not answered */
	bool addresses;   /* MX is known */
	struct route_hosts hosts;
	size_t count;
	struct question questions[2 * ROUTE_HOSTS_MAX];
	struct route_answer answer;
};

/* -- Order ------------------------------------------------------------------------------------ */

static void
explain(struct reply *why, unsigned code, const char *status, const char *text, const char *name)
{
	memset(why, 0, sizeof(*why));
	why->code = code;
	snprintf(why->status, sizeof(why->status), "%s", status);
	snprintf(why->text, sizeof(why->text), "%s: %.200s", text, name);
}

/* The one that comes next behind PREFERENCE and those TAKEN of it already; NULL at the end. */
static const struct dns_record *
next_of(const struct dns_answer *answer, const bool *taken, uint32_t rotate, size_t *index)
{
	const struct dns_record *best = NULL;

	for (size_t n = 0; n < answer->count; n++) {
		size_t i = (n + rotate) % answer->count;

		if (taken[i] || (best != NULL && answer->records[i].preference >= best->preference))
			continue;
		best = &answer->records[i];
		*index = i;
	}
	return best;
}

bool
route_order(const struct dns_answer *answer, const char *domain, const char *own, uint32_t rotate,
	    struct route_hosts *hosts, struct reply *why)
{
	bool taken[DNS_RECORDS_MAX] = {false};
	const struct dns_record *record;
	size_t index = 0;

	hosts->count = 0;
	if (answer->count == 0) {
		strlcpy(hosts->names[hosts->count++], domain, HOST_NAME_SIZE);
		return true;
	}
	if (answer->count == 1 && answer->records[0].name[0] == '\0') {
		explain(why, 556, "5.1.10", "this domain takes no mail (null MX)", domain);
		return false;
	}
	while (hosts->count < ROUTE_HOSTS_MAX &&
	       (record = next_of(answer, taken, rotate, &index)) != NULL) {
		taken[index] = true;
		/* What is behind us would send it back to us. */
		if (strcasecmp(record->name, own) == 0)
			break;
		if (record->name[0] != '\0')
			strlcpy(hosts->names[hosts->count++], record->name, HOST_NAME_SIZE);
	}
	if (hosts->count > 0)
		return true;
	explain(why, 554, "5.4.6", "mail for this domain leads back to this server", domain);
	return false;
}

/* -- Answers ------------------------------------------------------------------------------------
 */

static void
route_free(struct route *route)
{
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
	if (route->done != NULL)
		route->done(&route->answer, route->arg);
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

/* IPv6 and IPv4 of a host next to each other, hosts in their order. */
static void
gather(struct route *route)
{
	struct route_answer *answer = &route->answer;
	bool failed = false;

	for (size_t q = 0; q < route->count; q++) {
		const struct question *question = &route->questions[q];

		failed = failed || question->failed;
		for (size_t i = 0; i < question->answer.count && answer->count < ROUTE_TARGETS_MAX;
		     i++) {
			struct route_target *target = &answer->targets[answer->count];
			const struct in6_addr *address = &question->answer.records[i].address;

			if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_MULTICAST(address))
				continue;
			target->address = *address;
			strlcpy(target->host, route->hosts.names[question->host], HOST_NAME_SIZE);
			answer->count++;
		}
	}
	if (answer->count > 0) {
		finish(route);
	} else if (failed) {
		explain(&answer->why, 451, "4.4.3", "DNS does not answer for", route->domain);
		refuse(route, ROUTE_LATER);
	} else {
		explain(&answer->why, 550, "5.1.2", "no mail server has an address for",
			route->domain);
		refuse(route, ROUTE_NEVER);
	}
}

static void ask_addresses(struct route *);

static void
take_mx(struct route *route)
{
	const struct question *question = &route->questions[0];

	if (question->failed) {
		explain(&route->answer.why, 451, "4.4.3", "DNS does not answer for", route->domain);
		refuse(route, ROUTE_LATER);
	} else if (question->no_name) {
		explain(&route->answer.why, 550, "5.1.2", "there is no such domain", route->domain);
		refuse(route, ROUTE_NEVER);
	} else if (!route_order(&question->answer, route->domain, route->resolver->hostname,
				arc4random_uniform(DNS_RECORDS_MAX), &route->hosts,
				&route->answer.why)) {
		refuse(route, ROUTE_NEVER);
	} else {
		ask_addresses(route);
	}
}

static void
go_on(struct route *route)
{
	if (--route->pending > 0)
		return;
	if (route->addresses)
		gather(route);
	else
		take_mx(route);
}

static void
on_answer(void *arg, int rcode, void *packet, int length, int secure, char *why, int limited)
{
	struct question *question = arg;

	(void)secure;
	(void)why;
	(void)limited;
	question->no_name = rcode == RCODE_NO_NAME;
	question->failed = rcode != 0 && !question->no_name;
	if (rcode == 0 &&
	    (packet == NULL || length < 0 ||
	     dns_parse(packet, (size_t)length, question->type, &question->answer) == -1))
		question->failed = true;
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
	if (ub_resolve_event(route->resolver->unbound, name, type, 1, question, on_answer, NULL) ==
	    0)
		return;
	question->failed = true;
	go_on(route);
}

static void
ask_addresses(struct route *route)
{
	route->addresses = true;
	route->count = 0;
	route->pending = 1; /* until all are asked */
	for (size_t i = 0; i < route->hosts.count; i++) {
		ask(route, route->hosts.names[i], i, DNS_AAAA);
		ask(route, route->hosts.names[i], i, DNS_A);
	}
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

struct route *
route_find(struct resolver *resolver, const char *domain, bool host, route_done_fn *done, void *arg)
{
	struct route *route = calloc(1, sizeof(*route));

	if (route == NULL)
		return NULL;
	route->resolver = resolver;
	route->done = done;
	route->arg = arg;
	strlcpy(route->domain, domain, sizeof(route->domain));
	route->ready = event_new(resolver->base, -1, 0, on_ready, route);
	if (route->ready == NULL) {
		free(route);
		return NULL;
	}
	strlcpy(route->answer.targets[0].host, domain, HOST_NAME_SIZE);
	if (host && is_address(domain, &route->answer.targets[0].address)) {
		route->answer.count = 1;
		finish(route);
		return route;
	}
	if (host) {
		strlcpy(route->hosts.names[route->hosts.count++], domain, HOST_NAME_SIZE);
		ask_addresses(route);
		return route;
	}
	ask(route, domain, 0, DNS_MX);
	return route;
}

/* Unbound calls on_answer() in any case: what it calls it with must be there. */
void
route_drop(struct route *route)
{
	if (route != NULL)
		route->done = NULL;
}

static int
set_up(struct resolver *resolver, const struct mr_settings *settings, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < RELAY_RESOLVERS_MAX && settings->resolvers[i][0] != '\0'; i++) {
		if (result == 0)
			result = ub_ctx_set_fwd(resolver->unbound, settings->resolvers[i]);
	}
	/* A resolver may be on this host. */
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "do-not-query-localhost:", "no");
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "module-config:", "iterator");
	return result == 0 ? 0 : error_set(err, "the resolver: %s", ub_strerror(result));
}

struct resolver *
resolver_open(struct event_base *base, const struct mr_settings *settings, struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	resolver->base = base;
	strlcpy(resolver->hostname, settings->hostname, sizeof(resolver->hostname));
	resolver->unbound = ub_ctx_create_event(base);
	if (resolver->unbound == NULL)
		error_set(err, "libunbound does not start, or is not made for libevent");
	else if (set_up(resolver, settings, err) == 0)
		return resolver;
	if (resolver->unbound != NULL)
		ub_ctx_delete(resolver->unbound);
	free(resolver);
	return NULL;
}
