/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/dns/resolver.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>

#define RCODE_NO_NAME 3 /* NXDOMAIN */
#define CLASS_IN 1

struct resolver {
	struct event_base *base;
	struct ub_ctx *unbound;
};

struct dns_question {
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

/* Unbound's packet is its own. */
static void
keep(struct dns_question *question, const void *packet, size_t length)
{
	question->packet = malloc(length);
	if (question->packet == NULL)
		return;
	memcpy(question->packet, packet, length);
	question->reply = (struct dns_reply){DNS_ANSWERED, question->packet, length};
}

/* May be called while the question is being asked. */
static void
on_answer(void *arg, int rcode, void *packet, int length, int secure, char *why, int limited)
{
	struct dns_question *question = arg;
	struct dns_reply *reply = &question->reply;

	(void)secure;
	(void)why;
	(void)limited;
	reply->status = rcode == RCODE_NO_NAME ? DNS_NO_NAME : DNS_FAILED;
	if (rcode == 0 && packet != NULL && length > 0)
		keep(question, packet, (size_t)length);
	event_active(question->ready, 0, 0);
}

struct dns_question *
dns_ask(struct resolver *resolver, const char *name, uint16_t type, dns_done_fn *done, void *arg)
{
	struct dns_question *question = calloc(1, sizeof(*question));

	if (question == NULL)
		return NULL;
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

static int
set_up(struct resolver *resolver, const char resolvers[][RESOLVER_SIZE], size_t count,
       struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = ub_ctx_set_fwd(resolver->unbound, resolvers[i]);
	/* A resolver may be on this host. */
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "do-not-query-localhost:", "no");
	if (result == 0)
		result = ub_ctx_set_option(resolver->unbound, "module-config:", "iterator");
	return result == 0 ? 0 : error_set(err, "the resolver: %s", ub_strerror(result));
}

struct resolver *
resolver_open(struct event_base *base, const char resolvers[][RESOLVER_SIZE], size_t count,
	      struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	resolver->base = base;
	resolver->unbound = ub_ctx_create_event(base);
	if (resolver->unbound == NULL)
		error_set(err, "libunbound does not start, or is not made for libevent");
	else if (set_up(resolver, resolvers, count, err) == 0)
		return resolver;
	if (resolver->unbound != NULL)
		ub_ctx_delete(resolver->unbound);
	free(resolver);
	return NULL;
}
