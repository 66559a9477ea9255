/* SPDX-License-Identifier: ISC */
/* posternctl dns check: is what should be published what DNS says? */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/dns_command.h"
#include "ctl/dns_findings.h"
#include "ctl/lookup.h"
#include "ctl/settings.h"
#include "worker/dns/dns.h"
#include "worker/filter/spf.h"

#define VALUES_MAX 64 /* records under a name and type */

/* A name and type that entries of the plan have in common. */
struct group {
	const struct dns_entry *first;
	uint32_t id;
	struct lookup_answer answer;
};

struct checking {
	struct lookup lookup;
	struct dns_facts facts;
	struct dns_plan plan;
	struct group *groups;
	size_t group_count;
	struct dns_findings findings;
};

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
    {"A", DNS_A},       {"PTR", DNS_PTR}, {"MX", DNS_MX},     {"TXT", DNS_TXT},
    {"AAAA", DNS_AAAA}, {"SRV", DNS_SRV}, {"TLSA", DNS_TLSA},
};

static uint16_t
type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	}
	return 0;
}

/* The strings of an answer. */
static size_t
values_of(const struct lookup_answer *answer, const char *values[VALUES_MAX])
{
	const char *at = answer->tail;
	size_t count = 0;

	for (size_t i = 0; i < answer->count && count < VALUES_MAX; i++) {
		values[count++] = at;
		at += strlen(at) + 1;
	}
	return count;
}

/* One question and its answer, when no other is under way. */
static int
ask_once(struct checking *checking, const char *name, uint16_t type, struct lookup_answer *answer,
	 struct error *err)
{
	if (lookup_send(&checking->lookup, name, type, err) == 0 ||
	    lookup_receive(&checking->lookup, answer, err) == 0)
		return -1;
	return 0;
}

/* What addresses DNS says that HOST has. */
static int
find_addresses(struct checking *checking, const char *host,
	       struct in6_addr addresses[DNS_ADDRESSES_MAX], size_t *found, struct error *err)
{
	static const uint16_t families[] = {DNS_A, DNS_AAAA};

	*found = 0;
	for (size_t f = 0; f < 2; f++) {
		const char *values[VALUES_MAX];
		struct lookup_answer answer;
		size_t count;

		if (ask_once(checking, host, families[f], &answer, err) == -1)
			return -1;
		count = values_of(&answer, values);
		for (size_t i = 0; i < count && *found < DNS_ADDRESSES_MAX; i++) {
			if (dns_read_address(values[i], &addresses[*found]))
				++*found;
		}
		lookup_answer_free(&answer);
	}
	return 0;
}

/* Behind a translator of addresses, the host's are those that DNS says. */
static int
learn_addresses(struct checking *checking, struct error *err)
{
	struct dns_facts *facts = &checking->facts;

	if (find_addresses(checking, facts->hostname, facts->addresses, &facts->address_count,
			   err) == -1)
		return -1;
	checking->findings.no_address = facts->address_count == 0;
	return 0;
}

/* -- All questions at once -------------------------------------------------------------------- */

static struct group *
find_group(struct checking *checking, const struct dns_entry *entry)
{
	for (size_t i = 0; i < checking->group_count; i++) {
		const struct dns_entry *first = checking->groups[i].first;

		if (first != NULL && first->subject == entry->subject &&
		    strcmp(first->type, entry->type) == 0 && strcmp(first->name, entry->name) == 0)
			return &checking->groups[i];
	}
	return NULL;
}

static int
ask_all(struct checking *checking, struct error *err)
{
	checking->groups = calloc(checking->plan.count, sizeof(*checking->groups));
	if (checking->groups == NULL)
		return error_errno(err, "the questions");
	for (size_t i = 0; i < checking->plan.count; i++) {
		const struct dns_entry *entry = &checking->plan.list[i];
		struct group *group;

		if (find_group(checking, entry) != NULL)
			continue;
		group = &checking->groups[checking->group_count];
		group->first = entry;
		checking->group_count++;
		group->id = lookup_send(&checking->lookup, entry->name, type_of(entry->type), err);
		if (group->id == 0)
			return -1;
	}
	for (size_t i = 0; i < checking->group_count; i++) {
		struct lookup_answer answer;
		uint32_t id = lookup_receive(&checking->lookup, &answer, err);
		struct group *group = NULL;

		if (id == 0)
			return -1;
		for (size_t g = 0; g < checking->group_count; g++) {
			if (checking->groups[g].id == id && checking->groups[g].answer.tail == NULL)
				group = &checking->groups[g];
		}
		if (group == NULL) {
			lookup_answer_free(&answer);
			return error_set(err, "postern-lookup: an answer to no question");
		}
		group->answer = answer;
	}
	return 0;
}

/* -- SPF that is another ---------------------------------------------------------------------- */

/* Lets the machine have its answers; what DNS doesn't say is temperror. */
static int
answer_spf(struct checking *checking, struct spf *spf, struct error *err)
{
	const struct spf_question *question;

	while ((question = spf_question(spf)) != NULL) {
		const char *values[VALUES_MAX];
		struct spf_data data[VALUES_MAX];
		struct spf_answer answer = {.data = data};
		struct lookup_answer found;

		if (ask_once(checking, question->name, (uint16_t)question->type, &found, err) == -1)
			return -1;
		if (found.status != LOOKUP_ANSWERED)
			answer.status = found.status == LOOKUP_NO_NAME ? SPF_NO_NAME : SPF_FAILED;
		answer.count = values_of(&found, values);
		for (size_t i = 0; i < answer.count; i++) {
			const char *text = values[i], *host = strrchr(text, ' ');
			size_t length;

			if (question->type == SPF_ASK_MX && host != NULL)
				text = host + 1;
			length = strlen(text);
			/* Names have a dot at their end. */
			if (question->type != SPF_ASK_TXT && length > 0 && text[length - 1] == '.')
				length--;
			(void)dns_read_address(text, &data[i].address);
			data[i].text = (struct mime_text){.at = text, .length = length};
		}
		spf_take(spf, &answer);
		lookup_answer_free(&found);
	}
	return 0;
}

/* What the record at DOMAIN says of mail from there; SPF_RESULTS with ERR filled. */
static enum spf_result
ask_spf(struct checking *checking, const char *domain, const struct in6_addr *address,
	struct error *err)
{
	const struct spf_request request = {
	    .address = *address,
	    .local = "postmaster",
	    .domain = domain,
	    .helo = checking->facts.hostname,
	    .receiver = checking->facts.hostname,
	    .now = (int64_t)time(NULL),
	};
	struct spf *spf = spf_new(&request);
	enum spf_result result = SPF_RESULTS;

	if (spf == NULL)
		error_errno(err, "SPF");
	else if (answer_spf(checking, spf, err) == 0)
		result = spf_verdict(spf)->result;
	spf_free(spf);
	return result;
}

/* Does the record at DOMAIN let mail from all of COUNT addresses pass? 1, 0, or -1. */
static int
spf_passes(struct checking *checking, const char *domain, const struct in6_addr *addresses,
	   size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		enum spf_result result = ask_spf(checking, domain, &addresses[i], err);

		if (result == SPF_RESULTS)
			return -1;
		if (result != SPF_PASS)
			return 0;
	}
	return count > 0;
}

/* Where the smart host is, as far as others can see: it need not be where it sends from. */
static int
find_smart_host(struct checking *checking, struct in6_addr addresses[DNS_ADDRESSES_MAX],
		size_t *count, struct error *err)
{
	const char *host = checking->facts.smart_host;
	size_t found = 1;

	*count = 0;
	if (!dns_read_address(host, &addresses[0]) &&
	    find_addresses(checking, host, addresses, &found, err) == -1)
		return -1;
	for (size_t i = 0; i < found; i++) {
		if (dns_is_public(&addresses[i]))
			addresses[(*count)++] = addresses[i];
	}
	return 0;
}

/*
 * Behind a smart host only its owner knows where mail comes from. If it isn't from where it takes
 * mail, the record of the domain should ask one of the owner's; all that can be said of that is
 * whether it is broken. 1, 0, or -1.
 */
static int
spf_passes_smart_host(struct checking *checking, const struct dns_finding *finding,
		      struct error *err)
{
	/* RFC 5737. Asked for a sender with IPv6, names of hosts that have none would be errors. */
	static const struct in6_addr anyone = {
	    .s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 198, [13] = 51, [14] = 100, [15] = 1}};
	const char *domain = finding->entry->name;
	struct in6_addr addresses[DNS_ADDRESSES_MAX];
	enum spf_result result;
	size_t count;
	int passes;

	if (find_smart_host(checking, addresses, &count, err) == -1)
		return -1;
	passes = spf_passes(checking, domain, addresses, count, err);
	if (passes != 0 || !(count > 0 ? dns_spf_asks_others(finding->value)
				       : dns_spf_lets_somebody(finding->value)))
		return passes;
	result = ask_spf(checking, domain, &anyone, err);
	return result == SPF_RESULTS ? -1 : result != SPF_PERMERROR && result != SPF_TEMPERROR;
}

/* 1: another record than the one that is wanted does as well. 0, or -1. */
static int
spf_does(struct checking *checking, const struct dns_finding *finding, struct error *err)
{
	const struct dns_facts *facts = &checking->facts;
	const char *name = finding->entry->name;
	bool domain = strcmp(name, facts->domain) == 0;
	struct dns_sending sending;

	dns_sending_find(facts, domain ? NULL : name, &sending);
	if (domain && facts->smart_host[0] != '\0') {
		int passes = spf_passes_smart_host(checking, finding, err);

		if (passes != 1 || sending.count == 0)
			return passes;
	}
	return spf_passes(checking, name, sending.list, sending.count, err);
}

static int
judge_spf(struct checking *checking, struct error *err)
{
	for (size_t i = 0; i < checking->findings.count; i++) {
		struct dns_finding *finding = &checking->findings.list[i];
		int does;

		if (finding->kind != DNS_DIFFERENT || finding->entry->subject != DNS_SPF)
			continue;
		does = spf_does(checking, finding, err);
		if (does == -1)
			return -1;
		if (does == 1)
			finding->kind = DNS_OTHER;
	}
	return 0;
}

/* -- Findings --------------------------------------------------------------------------------- */

static void
on_finding(const struct dns_finding *finding, void *arg)
{
	struct dns_findings *findings = arg;

	if (findings->count < DNS_FINDINGS_MAX)
		findings->list[findings->count++] = *finding;
}

static void
compare_all(struct checking *checking)
{
	for (size_t i = 0; i < checking->group_count; i++) {
		const struct group *group = &checking->groups[i];
		const char *values[VALUES_MAX];
		const struct dns_found found = {
		    .failed = group->answer.status == LOOKUP_FAILED,
		    .count = values_of(&group->answer, values),
		    .values = values,
		};

		dns_compare(&checking->plan, group->first, &found, on_finding, &checking->findings);
	}
}

/* -- The command ------------------------------------------------------------------------------ */

static int
check(struct checking *checking, struct error *err)
{
	if (checking->facts.address_count == 0 && learn_addresses(checking, err) == -1)
		return -1;
	if (dns_plan_make(&checking->facts, &checking->plan) == -1)
		return error_set(err, "no memory");
	if (ask_all(checking, err) == -1)
		return -1;
	compare_all(checking);
	return judge_spf(checking, err);
}

static void
checking_free(struct checking *checking)
{
	if (checking == NULL)
		return;
	lookup_close(&checking->lookup);
	for (size_t i = 0; i < checking->group_count; i++)
		lookup_answer_free(&checking->groups[i].answer);
	free(checking->groups);
	dns_plan_free(&checking->plan);
	free(checking);
}

static int
run(const struct dns_command *command, const struct configuration *conf, struct checking *checking)
{
	struct error err;
	bool incomplete = false;

	if (checking == NULL) {
		error_errno(&err, "the check");
		return ctl_error(&err);
	}
	checking->lookup = (struct lookup){.control = -1, .pid = -1};
	if (dns_command_facts(command, conf, &checking->facts, &incomplete, &err) == -1 ||
	    lookup_open(conf, command->resolver, &checking->lookup, &err) == -1 ||
	    check(checking, &err) == -1)
		return ctl_error(&err);
	if (command->json)
		dns_findings_print_json(&checking->findings, &checking->facts, stdout);
	else
		dns_findings_print(&checking->findings, &checking->facts, stdout);
	return incomplete || dns_findings_wrong(&checking->findings) > 0 ? CTL_FAILED : CTL_OK;
}

int
ctl_dns_check(int argc, char **argv)
{
	struct dns_command command;
	struct configuration *conf;
	struct checking *checking;
	int result = dns_command_parse(argc, argv, "ajr", &command);

	if (result != CTL_OK)
		return result;
	if ((conf = ctl_settings()) == NULL)
		return CTL_FAILED;
	checking = calloc(1, sizeof(*checking));
	result = run(&command, conf, checking);
	checking_free(checking);
	conf_free(conf);
	return result;
}
