/* SPDX-License-Identifier: ISC */
#include "worker/relay/dane_question.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dns/resolver.h"

struct dane_question {
	struct resolver *resolver;
	uint16_t port;
	char names[2][HOST_NAME_SIZE]; /* "" behind the last */
	size_t at;                     /* the name that is asked for */
	struct dns_question *asked;
	dane_done_fn *done;
	void *arg;
};

static void
finish(struct dane_question *question, struct dane *dane)
{
	dane_done_fn *done = question->done;
	void *arg = question->arg;

	free(question);
	done(dane, arg);
}

/* What an answer says; insecure ones say nothing (RFC 7672 2.2). */
static struct dane *
read_answer(const struct dane_question *question, const struct dns_reply *reply)
{
	struct dane *dane = dane_new();

	if (dane == NULL)
		return dane_failed();
	strlcpy(dane->base, question->names[question->at], sizeof(dane->base));
	if (reply->status == DNS_FAILED ||
	    (reply->status == DNS_ANSWERED && reply->secure &&
	     dns_parse_tlsa(reply->packet, reply->length, dane_add, dane) == -1))
		dane->state = DANE_FAILED;
	return dane;
}

static bool ask(struct dane_question *);

static void
on_answer(const struct dns_reply *reply, void *arg)
{
	struct dane_question *question = arg;
	struct dane *dane = read_answer(question, reply);

	question->asked = NULL;
	if (dane->state != DANE_NONE || question->at > 0 || question->names[1][0] == '\0') {
		finish(question, dane);
		return;
	}
	question->at++;
	dane_release(dane);
	if (!ask(question))
		finish(question, dane_failed());
}

static bool
ask(struct dane_question *question)
{
	char name[HOST_NAME_SIZE + 16];

	(void)snprintf(name, sizeof(name), "_%" PRIu16 "._tcp.%s", question->port,
		       question->names[question->at]);
	question->asked = dns_ask(question->resolver, name, DNS_TLSA, on_answer, question);
	return question->asked != NULL;
}

static struct dane *
nothing_said(void)
{
	struct dane *dane = dane_new();

	return dane == NULL ? dane_failed() : dane;
}

/* Whether it is one was asked; RFC 7672 2.1.3: without an answer nobody may be talked to. */
static void
on_alias(const struct dns_reply *reply, void *arg)
{
	struct dane_question *question = arg;
	bool proved = reply->status == DNS_ANSWERED && reply->secure;

	question->asked = NULL;
	if (proved && ask(question))
		return;
	finish(question, proved || reply->status == DNS_FAILED ? dane_failed() : nothing_said());
}

static struct dane_question *
question_new(struct resolver *resolver, uint16_t port, const char *name, dane_done_fn *done,
	     void *arg)
{
	struct dane_question *question = calloc(1, sizeof(*question));

	if (question == NULL)
		return NULL;
	question->resolver = resolver;
	question->port = port;
	question->done = done;
	question->arg = arg;
	strlcpy(question->names[0], name, sizeof(question->names[0]));
	return question;
}

struct dane_question *
dane_ask(struct resolver *resolver, uint16_t port, const char *name, const char *alias,
	 dane_done_fn *done, void *arg)
{
	struct dane_question *question = question_new(resolver, port, name, done, arg);

	if (question == NULL)
		return NULL;
	strlcpy(question->names[1], alias, sizeof(question->names[1]));
	if (ask(question))
		return question;
	free(question);
	return NULL;
}

struct dane_question *
dane_ask_alias(struct resolver *resolver, uint16_t port, const char *alias, dane_done_fn *done,
	       void *arg)
{
	struct dane_question *question = question_new(resolver, port, alias, done, arg);

	if (question == NULL)
		return NULL;
	question->asked = dns_ask(resolver, alias, DNS_CNAME, on_alias, question);
	if (question->asked != NULL)
		return question;
	free(question);
	return NULL;
}

void
dane_forget(struct dane_question *question)
{
	if (question == NULL)
		return;
	dns_forget(question->asked);
	free(question);
}
