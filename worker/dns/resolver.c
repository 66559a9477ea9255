/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/dns/resolver.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unbound-event.h>
#include <unbound.h>

#include "common/log.h"
#include "common/monotonic.h"

#define RCODE_GOOD 0
#define RCODE_FAILED 2  /* SERVFAIL */
#define RCODE_NO_NAME 3 /* NXDOMAIN */
#define RCODE_AT 3      /* the octet of a packet with the code in its low half (RFC 1035 4.1.1) */
#define RCODE_MASK 0x0f
#define CLASS_IN 1
#define TYPE_DNSKEY 48
#define UNABLE_SECONDS 3600 /* resolvers may be replaced */

/* Libunbound's word for how an answer's validation went. */
enum security { INSECURE, BOGUS, SECURE };

/* Whether the resolvers hand out signatures. */
enum ability { UNKNOWN, ASKED, ABLE, UNABLE };

LIST_HEAD(question_list, dns_question);

struct resolver {
	struct event_base *base;
	struct ub_ctx *unbound;
	enum ability ability;
	time_t unable_since;       /* monotonic seconds */
	struct question_list held; /* bogus answers that wait for the root's */
};

struct dns_question {
	LIST_ENTRY(dns_question) entry; /* of resolver->held */
	struct resolver *resolver;
	dns_done_fn *done; /* NULL: forgotten */
	void *arg;
	struct event *ready;
	struct dns_reply reply;
	uint8_t *packet;
};

/* -- A question ------------------------------------------------------------------------------- */

static void
question_free(struct dns_question *question)
{
	if (question->ready != NULL)
		event_free(question->ready);
	free(question->packet);
	free(question);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct dns_question *question = arg;

	(void)fd;
	(void)what;
	if (question->done != NULL)
		question->done(&question->reply, question->arg);
	question_free(question);
}

/*
 * What was answered. Unbound says 0 of each packet that it has: a failure that it remembers is a
 * packet, too.
 */
static int
rcode_of(int rcode, const uint8_t *packet, int length)
{
	if (rcode != RCODE_GOOD)
		return rcode;
	return packet != NULL && length > RCODE_AT ? packet[RCODE_AT] & RCODE_MASK : RCODE_FAILED;
}

/* Unbound's packet is its own. */
static void
keep(struct dns_question *question, const uint8_t *packet, size_t length)
{
	struct dns_reply *reply = &question->reply;

	question->packet = malloc(length);
	if (question->packet == NULL)
		return;
	memcpy(question->packet, packet, length);
	reply->status = DNS_ANSWERED;
	reply->packet = question->packet;
	reply->length = length;
}

/* -- Validation ---------------------------------------------------------------------------------
 */

/* A bogus answer is none, unless nobody could have given another. */
static void
settle(struct dns_question *question)
{
	struct dns_reply *reply = &question->reply;

	if (question->resolver->ability != UNABLE)
		*reply = (struct dns_reply){.status = DNS_FAILED, .bogus = true};
	else
		reply->unproved = true;
	event_active(question->ready, 0, 0);
}

static void
set_unable(struct resolver *resolver, const char *why)
{
	if (resolver->ability == UNABLE)
		return;
	resolver->ability = UNABLE;
	resolver->unable_since = monotonic_seconds();
	log_event(LOG_WARNING, "dns.unvalidated", KV_STR("why", why == NULL ? "" : why),
		  KV_STR("so", "the resolvers hand out no signatures of the root: DNS is believed "
			       "as it comes, and there is no DANE"));
}

static bool
is_said(int rcode)
{
	return rcode == RCODE_GOOD || rcode == RCODE_NO_NAME;
}

/* What the resolvers say of the root's keys: they have signatures, or not. */
static void
on_root(void *arg, int rcode, void *packet, int length, int security, char *why, int limited)
{
	struct resolver *resolver = arg;
	struct dns_question *question;

	(void)limited;
	if (resolver->ability == ASKED)
		resolver->ability = UNKNOWN;
	if (security == SECURE)
		resolver->ability = ABLE;
	else if (is_said(rcode_of(rcode, packet, length)) && resolver->ability == UNKNOWN)
		set_unable(resolver, why);
	while ((question = LIST_FIRST(&resolver->held)) != NULL) {
		LIST_REMOVE(question, entry);
		settle(question);
	}
}

static void
ask_root(struct resolver *resolver)
{
	resolver->ability = ASKED;
	if (ub_resolve_event(resolver->unbound, ".", TYPE_DNSKEY, CLASS_IN, resolver, on_root,
			     NULL) != 0)
		on_root(resolver, -1, NULL, 0, INSECURE, NULL, 0);
}

static void
on_bogus(struct dns_question *question)
{
	struct resolver *resolver = question->resolver;

	if (resolver->ability == UNABLE &&
	    monotonic_seconds() - resolver->unable_since >= UNABLE_SECONDS)
		resolver->ability = UNKNOWN;
	if (resolver->ability == ABLE || resolver->ability == UNABLE) {
		settle(question);
		return;
	}
	LIST_INSERT_HEAD(&resolver->held, question, entry);
	if (resolver->ability == UNKNOWN)
		ask_root(resolver);
}

/* May be called while the question is being asked. */
static void
on_answer(void *arg, int rcode, void *packet, int length, int security, char *why, int limited)
{
	struct dns_question *question = arg;
	struct dns_reply *reply = &question->reply;

	(void)why;
	(void)limited;
	rcode = rcode_of(rcode, packet, length);
	reply->status = rcode == RCODE_NO_NAME ? DNS_NO_NAME : DNS_FAILED;
	reply->secure = security == SECURE;
	if (rcode == RCODE_GOOD)
		keep(question, packet, (size_t)length);
	if (security == SECURE)
		question->resolver->ability = ABLE;
	if (security == BOGUS)
		on_bogus(question);
	else
		event_active(question->ready, 0, 0);
}

struct dns_question *
dns_ask(struct resolver *resolver, const char *name, uint16_t type, dns_done_fn *done, void *arg)
{
	struct dns_question *question = calloc(1, sizeof(*question));

	if (question == NULL)
		return NULL;
	question->resolver = resolver;
	question->done = done;
	question->arg = arg;
	question->ready = event_new(resolver->base, -1, 0, on_ready, question);
	if (question->ready == NULL) {
		free(question);
		return NULL;
	}
	/* A name that can't be asked for has no answer either. */
	if (ub_resolve_event(resolver->unbound, name, type, CLASS_IN, question, on_answer, NULL) !=
	    0) {
		question->reply.status = DNS_FAILED;
		event_active(question->ready, 0, 0);
	}
	return question;
}

/* Unbound calls on_answer() in any case: what it calls it with must be there. */
void
dns_forget(struct dns_question *question)
{
	if (question != NULL)
		question->done = NULL;
}

/* -- Its start -------------------------------------------------------------------------------- */

/* IANA's keys of the root, of 2017 and 2024: https://data.iana.org/root-anchors/ */
static const char root_anchors[] =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

/* Each line without its comment. */
static int
add_anchors(struct resolver *resolver, const char *anchors)
{
	char *copy = strdup(anchors), *rest = copy, *line;
	int result = copy == NULL ? UB_NOMEM : 0;

	while (result == 0 && (line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, ";\r")] = '\0';
		if (line[strspn(line, " \t")] != '\0')
			result = ub_ctx_add_ta(resolver->unbound, line);
	}
	free(copy);
	return result;
}

static int
trust(struct resolver *resolver, const struct dns_trust *trust)
{
	bool validates = trust->validation != DNS_VALIDATE_NONE;
	int result = ub_ctx_set_option(
	    resolver->unbound, "module-config:", validates ? "validator iterator" : "iterator");

	resolver->ability = trust->validation == DNS_VALIDATE_ALWAYS ? ABLE : UNKNOWN;
	if (result == 0 && validates)
		result =
		    add_anchors(resolver, trust->anchors == NULL ? root_anchors : trust->anchors);
	return result;
}

static int
set_up(struct resolver *resolver, const char resolvers[RESOLVERS_MAX][RESOLVER_SIZE],
       struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < RESOLVERS_MAX && resolvers[i][0] != '\0' && result == 0; i++)
		result = ub_ctx_set_fwd(resolver->unbound, resolvers[i]);
	/* What the networks inside are called is the resolvers' to say, not libunbound's. */
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "unblock-lan-zones:", "yes");
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "insecure-lan-zones:", "yes");
	/* A resolver may be on this host. */
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "do-not-query-localhost:", "no");
	return result == 0 ? 0 : error_set(err, "the resolver: %s", ub_strerror(result));
}

/* Libunbound reads its settings with the first question, or with this, which changes nothing. */
static int
settle_down(struct resolver *resolver, struct error *err)
{
	int result = ub_ctx_zone_remove(resolver->unbound, "postern.invalid.");

	return result == 0 ? 0
			   : error_set(err,
				       "the resolver: its trust anchors are no DS or DNSKEY "
				       "records (%s)",
				       ub_strerror(result));
}

struct resolver *
resolver_open(struct event_base *base, const char resolvers[RESOLVERS_MAX][RESOLVER_SIZE],
	      const struct dns_trust *trusted, struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int result;

	if (resolver == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	resolver->base = base;
	LIST_INIT(&resolver->held);
	resolver->unbound = ub_ctx_create_event(base);
	if (resolver->unbound == NULL)
		error_set(err, "libunbound does not start, or is not made for libevent");
	else if ((result = trust(resolver, trusted)) != 0)
		error_set(err, "the resolver's trust anchors: %s", ub_strerror(result));
	else if (set_up(resolver, resolvers, err) == 0 && settle_down(resolver, err) == 0)
		return resolver;
	if (resolver->unbound != NULL)
		ub_ctx_delete(resolver->unbound);
	free(resolver);
	return NULL;
}
