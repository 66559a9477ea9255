/* SPDX-License-Identifier: ISC */
/*
 * The lookup role: asks DNS what posternctl wants to know, and writes the answers as text. It reads
 * what strangers publish; it has no files, no listening socket, and nothing to send but answers.
 */
#include "config.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/proto/ctl_lookup.h"
#include "worker/dns/dns.h"
#include "worker/dns/resolver.h"
#include "worker/dns/sandbox_rules.h"
#include "worker/roles.h"

struct question {
	LIST_ENTRY(question) entry;
	uint32_t id;
	uint16_t type;
	struct dns_question *asked;
	struct event *timer;
};

LIST_HEAD(question_list, question);

static struct {
	struct child *child;
	struct cl_settings settings;
	struct resolver *resolver;
	struct question_list questions;
} lookup;

/* -- Answers ---------------------------------------------------------------------------------- */

struct answer {
	struct cl_answer head;
	uint16_t type;
	size_t used;
	char tail[LOOKUP_TAIL_MAX];
};

/* Texts only: a record with a NUL in it is none. */
static void
add(struct answer *answer, const char *text, size_t length)
{
	if (length >= sizeof(answer->tail) - answer->used || memchr(text, '\0', length) != NULL) {
		answer->head.left_out++;
		return;
	}
	memcpy(answer->tail + answer->used, text, length);
	answer->tail[answer->used + length] = '\0';
	answer->used += length + 1;
	answer->head.count++;
}

static void
on_text(const char *text, size_t length, void *arg)
{
	add(arg, text, length);
}

static void
on_tlsa(const struct dns_tlsa *tlsa, void *arg)
{
	struct answer *answer = arg;
	char text[16 + 2 * 512];
	size_t used;

	if (tlsa->length > 512) {
		answer->head.left_out++;
		return;
	}
	used = (size_t)snprintf(text, sizeof(text), "%u %u %u ", tlsa->usage, tlsa->selector,
				tlsa->matching);
	for (size_t i = 0; i < tlsa->length; i++, used += 2)
		snprintf(text + used, sizeof(text) - used, "%02x", tlsa->data[i]);
	add(answer, text, used);
}

static void
on_service(const struct dns_service *service, void *arg)
{
	char text[HOST_NAME_SIZE + 32];
	int length = snprintf(text, sizeof(text), "%u %u %u %s.", service->priority,
			      service->weight, service->port, service->name);

	add(arg, text, (size_t)length);
}

static int
add_records(struct answer *answer, const struct dns_reply *reply)
{
	struct dns_answer found;
	char text[HOST_NAME_SIZE + 16];

	if (dns_parse(reply->packet, reply->length, answer->type, &found) == -1)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct dns_record *record = &found.records[i];
		const uint8_t *octets = record->address.s6_addr;

		if (answer->type == DNS_A)
			inet_ntop(AF_INET, octets + 12, text, sizeof(text));
		else if (answer->type == DNS_AAAA)
			inet_ntop(AF_INET6, octets, text, sizeof(text));
		else if (answer->type == DNS_MX)
			snprintf(text, sizeof(text), "%u %s.", record->preference, record->name);
		else
			snprintf(text, sizeof(text), "%s.", record->name);
		add(answer, text, strlen(text));
	}
	return 0;
}

static int
read_reply(struct answer *answer, const struct dns_reply *reply)
{
	switch (answer->type) {
	case DNS_TXT:
		return dns_parse_txt(reply->packet, reply->length, on_text, answer);
	case DNS_TLSA:
		return dns_parse_tlsa(reply->packet, reply->length, on_tlsa, answer);
	case DNS_SRV:
		return dns_parse_srv(reply->packet, reply->length, on_service, answer);
	default:
		return add_records(answer, reply);
	}
}

static void
question_free(struct question *question)
{
	dns_forget(question->asked);
	if (question->timer != NULL)
		event_free(question->timer);
	LIST_REMOVE(question, entry);
	free(question);
}

static void
tell(struct question *question, const struct answer *answer)
{
	(void)ipc_send(lookup.child->control, CL_ANSWER, question->id, &answer->head, answer->tail,
		       answer->used, -1);
	question_free(question);
}

static void
on_reply(const struct dns_reply *reply, void *arg)
{
	struct question *question = arg;
	static const enum lookup_status statuses[] = {[DNS_ANSWERED] = LOOKUP_ANSWERED,
						      [DNS_NO_NAME] = LOOKUP_NO_NAME,
						      [DNS_FAILED] = LOOKUP_FAILED};
	static struct answer answer; /* too large for the stack of a callback */

	question->asked = NULL;
	answer.head =
	    (struct cl_answer){.status = statuses[reply->status], .secure = reply->secure ? 1 : 0};
	answer.type = question->type;
	answer.used = 0;
	if (reply->status == DNS_ANSWERED && read_reply(&answer, reply) == -1) {
		answer.head = (struct cl_answer){.status = LOOKUP_FAILED};
		answer.used = 0;
	}
	tell(question, &answer);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	static const struct answer nothing = {.head = {.status = LOOKUP_FAILED}};

	(void)fd;
	(void)what;
	tell(arg, &nothing);
}

/* -- Questions -------------------------------------------------------------------------------- */

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	memcpy(&lookup.settings, message->body, sizeof(lookup.settings));
	for (size_t i = 0; i < RESOLVERS_MAX; i++) {
		if (memchr(lookup.settings.resolvers[i], '\0', RESOLVER_SIZE) == NULL)
			return -1;
	}
	return 0;
}

static bool
is_known_type(uint16_t type)
{
	static const uint16_t types[] = {DNS_A,    DNS_PTR, DNS_MX,  DNS_TXT,
					 DNS_AAAA, DNS_SRV, DNS_TLSA};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

static int
on_ask(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	static const struct timeval limit = {.tv_sec = LOOKUP_SECONDS};
	const struct cl_ask *ask = message->body;
	struct question *question;

	(void)channel;
	(void)context;
	if (message->id == 0 || memchr(ask->name, '\0', sizeof(ask->name)) == NULL ||
	    ask->zero[0] != 0 || ask->zero[1] != 0 || !is_known_type(ask->type))
		return -1;
	question = calloc(1, sizeof(*question));
	if (question == NULL)
		return -1;
	LIST_INSERT_HEAD(&lookup.questions, question, entry);
	question->id = message->id;
	question->type = ask->type;
	question->timer = evtimer_new(lookup.child->base, on_time, question);
	if (question->timer == NULL || evtimer_add(question->timer, &limit) == -1) {
		question_free(question);
		return -1;
	}
	question->asked = dns_ask(lookup.resolver, ask->name, ask->type, on_reply, question);
	if (question->asked == NULL)
		event_active(question->timer, EV_TIMEOUT, 0);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {CL_SETTINGS, on_settings},
    {CL_ASK, on_ask},
    {0, NULL},
};

/* -- The role --------------------------------------------------------------------------------- */

static int
lookup_init(struct child *child, struct error *err)
{
	(void)err;
	lookup.child = child;
	LIST_INIT(&lookup.questions);
	return 0;
}

static int
lookup_prepare(struct child *child, struct error *err)
{
	/* Records that a proof is missing for can't be used by others. */
	static const struct dns_trust trust = {DNS_VALIDATE_IF_ABLE, NULL};

	lookup.resolver = resolver_open(child->base, lookup.settings.resolvers, &trust, err);
	return lookup.resolver == NULL ? -1 : 0;
}

static int
lookup_run(struct child *child, struct error *err)
{
	(void)err;
	child_ready(child);
	return 0;
}

static void
lookup_drain(struct child *child)
{
	child_exit(child);
}

static const char *const syscalls[] = {OUTGOING_SYSCALLS, NULL};

static const struct sandbox_rules rules = {
    .role = "lookup",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .arguments = outgoing_arguments,
    .descriptors = 1024,
    .connects = true,
};

const struct child_role lookup_role = {
    .name = "lookup",
    .control = &ctl_lookup_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = lookup_init,
    .prepare = lookup_prepare,
    .run = lookup_run,
    .drain = lookup_drain,
};
