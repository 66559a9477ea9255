/* SPDX-License-Identifier: ISC */
/*
 * What is known of the host that brings a stranger's mail: the name that its address has, and that
 * has the address (iprev, RFC 8601 3); what it called itself; whether lists in DNS have it (RFC
 * 5782). All questions are under way at once.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/dns/dns.h"
#include "worker/filter/act.h"
#include "worker/filter/filter.h"
#include "worker/filter/host_names.h"

#define NAMES_MAX 5 /* of one address that are looked at; RFC 7208 5.5 takes ten */

struct host_stage;

struct list_question {
	struct host_stage *stage;
	struct dns_question *question;
	const struct mf_list *list;
};

struct host_stage {
	struct check *check;
	struct event *timer;
	unsigned under_way;
	struct dns_question *name; /* PTR, then the addresses of each name */
	char names[NAMES_MAX][HOST_NAME_SIZE];
	size_t name_count, name_next;
	enum auth_result iprev;
	char address[INET6_ADDRSTRLEN];
	struct list_question lists[FILTER_LISTS_MAX];
	const char *listed; /* the first zone that has it */
};

static bool
is_v4(const struct host_stage *stage)
{
	return IN6_IS_ADDR_V4MAPPED(&stage->check->mail.peer.address);
}

static void
stage_free(struct check *check)
{
	struct host_stage *stage = check->stage;

	if (stage == NULL)
		return;
	dns_forget(stage->name);
	for (size_t i = 0; i < FILTER_LISTS_MAX; i++)
		dns_forget(stage->lists[i].question);
	if (stage->timer != NULL)
		event_free(stage->timer);
	free(stage);
	check->stage = NULL;
}

/* -- The end ---------------------------------------------------------------------------------- */

static void
judge(const struct host_stage *stage)
{
	struct check *check = stage->check;
	const char *problem = host_helo_problem(check->mail.helo, &check->mail.peer.address,
						check->filter->settings.hostname);
	char why[FILTER_TEXT_SIZE];

	check_result(check, "iprev", stage->iprev, NULL, "policy", "iprev", stage->address,
		     CHECK_END);
	log_event(LOG_INFO, "filter.host", KV_CONN(check->mail.conn),
		  KV_STR("iprev", auth_result_name(stage->iprev)),
		  KV_STR("name", check->client_name), KV_STR("helo", check->mail.helo),
		  KV_STR("helo_problem", problem == NULL ? "" : problem),
		  KV_STR("listed", stage->listed == NULL ? "" : stage->listed));
	if (problem != NULL)
		check_act(check, FILTER_ON_HELO, problem);
	if (stage->iprev == AUTH_FAIL || stage->iprev == AUTH_PERMERROR)
		check_act(check, FILTER_ON_IPREV_FAIL, stage->address);
	if (stage->listed == NULL)
		return;
	(void)snprintf(why, sizeof(why), "%s is listed by %.255s", stage->address, stage->listed);
	check_act(check, FILTER_ON_LISTED, why);
}

/* When nothing is under way any more. */
static void
end_if_done(struct host_stage *stage)
{
	struct check *check = stage->check;

	if (stage->under_way > 0)
		return;
	judge(stage);
	stage_free(check);
	check_next(check);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct host_stage *stage = arg;

	(void)fd;
	(void)what;
	if (stage->name != NULL)
		stage->iprev = AUTH_TEMPERROR;
	stage->under_way = 0;
	end_if_done(stage);
}

/* -- The name --------------------------------------------------------------------------------- */

static void
name_known(struct host_stage *stage, enum auth_result result)
{
	stage->iprev = result;
	stage->under_way--;
	end_if_done(stage);
}

static void ask_addresses(struct host_stage *);

struct looking {
	const struct in6_addr *client;
	bool found;
};

static void
compare_address(const struct in6_addr *address, void *arg)
{
	struct looking *looking = arg;

	looking->found |= memcmp(address, looking->client, sizeof(*address)) == 0;
}

static bool
has_address(const struct dns_reply *reply, const struct host_stage *stage)
{
	struct looking looking = {.client = &stage->check->mail.peer.address};

	return reply->status == DNS_ANSWERED &&
	       dns_parse_addresses(reply->packet, reply->length, is_v4(stage) ? DNS_A : DNS_AAAA,
				   compare_address, &looking) == 0 &&
	       looking.found;
}

static void
on_addresses(const struct dns_reply *reply, void *arg)
{
	struct host_stage *stage = arg;

	stage->name = NULL;
	if (has_address(reply, stage)) {
		strlcpy(stage->check->client_name, stage->names[stage->name_next - 1],
			sizeof(stage->check->client_name));
		name_known(stage, AUTH_PASS);
		return;
	}
	/* One that can't be asked now may have been the right one. */
	if (reply->status == DNS_FAILED)
		stage->iprev = AUTH_TEMPERROR;
	ask_addresses(stage);
}

static void
ask_addresses(struct host_stage *stage)
{
	if (stage->name_next == stage->name_count) {
		name_known(stage, stage->iprev);
		return;
	}
	stage->name = dns_ask(stage->check->filter->resolver, stage->names[stage->name_next++],
			      is_v4(stage) ? DNS_A : DNS_AAAA, on_addresses, stage);
	if (stage->name != NULL)
		return;
	check_no_memory(stage->check, "iprev");
	name_known(stage, AUTH_TEMPERROR);
}

static void
on_names(const struct dns_reply *reply, void *arg)
{
	struct host_stage *stage = arg;
	struct dns_answer found = {.count = 0};

	stage->name = NULL;
	if (reply->status == DNS_FAILED ||
	    (reply->status == DNS_ANSWERED &&
	     dns_parse(reply->packet, reply->length, DNS_PTR, &found) == -1)) {
		name_known(stage, AUTH_TEMPERROR);
		return;
	}
	while (stage->name_count < NAMES_MAX && stage->name_count < found.count) {
		strlcpy(stage->names[stage->name_count], found.records[stage->name_count].name,
			HOST_NAME_SIZE);
		stage->name_count++;
	}
	/* RFC 8601 2.7.3: without any name it is permerror, with others' names fail. */
	stage->iprev = found.count == 0 ? AUTH_PERMERROR : AUTH_FAIL;
	ask_addresses(stage);
}

static void
ask_name(struct host_stage *stage)
{
	char name[HOST_NAME_SIZE];

	if (!host_reverse(&stage->check->mail.peer.address,
			  is_v4(stage) ? "in-addr.arpa" : "ip6.arpa", name))
		return;
	stage->name = dns_ask(stage->check->filter->resolver, name, DNS_PTR, on_names, stage);
	if (stage->name != NULL)
		stage->under_way++;
	else
		check_no_memory(stage->check, "iprev");
}

/* -- Lists ------------------------------------------------------------------------------------ */

struct reading_list {
	const struct mf_list *list;
	bool listed;
};

static void
compare_code(const struct in6_addr *address, void *arg)
{
	struct reading_list *reading = arg;
	uint32_t code;

	memcpy(&code, &address->s6_addr[12], sizeof(code));
	code = ntohl(code);
	reading->listed |= code >= reading->list->first && code <= reading->list->last;
}

/* RFC 5782 2.1: 127.0.0.2 or what the list says that counts; what is not in 127/8 is no list's. */
static bool
says_listed(const struct dns_reply *reply, const struct mf_list *list)
{
	struct reading_list reading = {.list = list};

	return reply->status == DNS_ANSWERED &&
	       dns_parse_addresses(reply->packet, reply->length, DNS_A, compare_code, &reading) ==
		   0 &&
	       reading.listed;
}

static void
on_list(const struct dns_reply *reply, void *arg)
{
	struct list_question *question = arg;
	struct host_stage *stage = question->stage;

	question->question = NULL;
	if (says_listed(reply, question->list) && stage->listed == NULL)
		stage->listed = question->list->zone;
	stage->under_way--;
	end_if_done(stage);
}

static void
ask_lists(struct host_stage *stage)
{
	const struct mf_settings *settings = &stage->check->filter->settings;
	char name[HOST_NAME_SIZE];

	for (size_t i = 0; i < settings->list_count; i++) {
		struct list_question *question = &stage->lists[i];

		question->stage = stage;
		question->list = &settings->lists[i];
		if (!host_reverse(&stage->check->mail.peer.address, question->list->zone, name))
			continue;
		question->question =
		    dns_ask(stage->check->filter->resolver, name, DNS_A, on_list, question);
		if (question->question != NULL)
			stage->under_way++;
		else
			check_no_memory(stage->check, "dnsbl");
	}
}

/* -- Its start -------------------------------------------------------------------------------- */

static void
start(struct check *check)
{
	static const struct timeval limit = {.tv_sec = HOST_SECONDS};
	struct host_stage *stage = calloc(1, sizeof(*stage));

	check->stage = stage;
	if (stage == NULL ||
	    (stage->timer = evtimer_new(check->filter->base, on_time, stage)) == NULL ||
	    evtimer_add(stage->timer, &limit) == -1) {
		check_no_memory(check, "iprev");
		check_result(check, "iprev", AUTH_TEMPERROR, "there is no memory", CHECK_END);
		stage_free(check);
		check_next(check);
		return;
	}
	stage->check = check;
	stage->iprev = AUTH_TEMPERROR; /* until more is known */
	(void)inet_ntop(is_v4(stage) ? AF_INET : AF_INET6,
			is_v4(stage) ? &check->mail.peer.address.s6_addr[12]
				     : check->mail.peer.address.s6_addr,
			stage->address, sizeof(stage->address));
	ask_name(stage);
	ask_lists(stage);
	end_if_done(stage);
}

const struct stage stage_host = {
    .name = "host",
    .kinds = FILTER_STRANGER,
    .start = start,
    .cancel = stage_free,
};
