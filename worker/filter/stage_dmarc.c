/* SPDX-License-Identifier: ISC */
/* DMARC of a stranger's mail, when SPF, DKIM and ARC have their results. */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/dns/dns.h"
#include "worker/filter/act.h"
#include "worker/filter/dmarc.h"
#include "worker/filter/filter.h"
#include "worker/filter/suffix.h"

#define TEXTS_MAX 2 /* more records than one are none */

struct dmarc_stage {
	struct dmarc *dmarc;
	struct dns_question *question;
	struct event *timer;
	struct timeval limit; /* for each domain */
	size_t left;          /* domains, when the timer was set */
};

struct texts {
	size_t count;
	struct mime_text list[TEXTS_MAX];
	char octets[TEXTS_MAX][DNS_TXT_MAX];
};

static const enum auth_result results[DMARC_RESULTS] = {
    [DMARC_NO_RECORD] = AUTH_NONE,      [DMARC_PASS] = AUTH_PASS,
    [DMARC_FAIL] = AUTH_FAIL,           [DMARC_TEMPERROR] = AUTH_TEMPERROR,
    [DMARC_PERMERROR] = AUTH_PERMERROR,
};

static void
stage_free(struct check *check)
{
	struct dmarc_stage *stage = check->stage;

	if (stage == NULL)
		return;
	dns_forget(stage->question);
	dmarc_free(stage->dmarc);
	if (stage->timer != NULL)
		event_free(stage->timer);
	free(stage);
	check->stage = NULL;
}

/* -- The verdict ------------------------------------------------------------------------------ */

/*
 * Who sends a mail chooses how many authors it has, and each that is added leaves less time to the
 * others, and perhaps a result in place of theirs: that is no way around a domain that would have
 * had it refused.
 */
static void
act_unknown(struct check *check, const struct dmarc_verdict *verdict, const char *domain)
{
	if (verdict->several)
		check_act_later(check, FILTER_ON_DMARC_REJECT, domain);
	check_act(check, FILTER_ON_DMARC_TEMPERROR, domain);
}

/*
 * RFC 8617 7.2: what the forwarder saw counts, if it is one we believe; of several authors it tells
 * of one.
 */
static bool
is_vouched_for(const struct dmarc_verdict *verdict, const char *arc_from)
{
	return verdict->result == DMARC_FAIL && verdict->apply != DMARC_NONE && verdict->sole &&
	       strcmp(arc_from, verdict->domain) == 0;
}

static void
act(struct check *check, const struct dmarc_verdict *verdict)
{
	const char *domain = verdict->domain[0] != '\0' ? verdict->domain : "From: has no domain";

	if (verdict->apply == DMARC_REJECT &&
	    (verdict->undecided || is_vouched_for(verdict, check->arc_undecided)))
		check_act_later(check, FILTER_ON_DMARC_REJECT, domain);
	else if (verdict->apply == DMARC_REJECT)
		check_act(check, FILTER_ON_DMARC_REJECT, domain);
	else if (verdict->unknown)
		act_unknown(check, verdict, domain);
	if (verdict->apply == DMARC_QUARANTINE)
		check_act(check, FILTER_ON_DMARC_QUARANTINE, domain);
}

static void
finish(struct check *check)
{
	struct dmarc_stage *stage = check->stage;
	const struct dmarc_verdict *verdict = dmarc_verdict(stage->dmarc);
	bool overridden = is_vouched_for(verdict, check->arc_from);
	enum dmarc_policy apply = overridden ? DMARC_NONE : verdict->apply;
	const char *reason = overridden ? "a trusted forwarder has vouched for it (ARC)" : NULL;

	if (verdict->domain[0] != '\0')
		check_result(check, "dmarc", results[verdict->result], reason, "header", "from",
			     verdict->domain, "policy", "dmarc", dmarc_policy_name(apply),
			     CHECK_END);
	else
		check_result(check, "dmarc", results[verdict->result],
			     "From: has no domain that could be asked", CHECK_END);
	log_event(LOG_INFO, "filter.dmarc", KV_CONN(check->mail.conn),
		  KV_STR("domain", verdict->domain),
		  KV_STR("result", dmarc_result_name(verdict->result)),
		  KV_STR("policy", dmarc_policy_name(verdict->policy)),
		  KV_STR("apply", dmarc_policy_name(apply)));
	if (!overridden)
		act(check, verdict);
	stage_free(check);
	check_next(check);
}

/* -- Questions -------------------------------------------------------------------------------- */

static void
on_text(const char *text, size_t length, void *arg)
{
	struct texts *texts = arg;
	struct mime_text record = {.at = text, .length = length};

	if (!dmarc_is_record(record) || texts->count == TEXTS_MAX || length > DNS_TXT_MAX)
		return;
	memcpy(texts->octets[texts->count], text, length);
	record.at = texts->octets[texts->count];
	texts->list[texts->count++] = record;
}

static void ask(struct check *);

static void
on_answer(const struct dns_reply *reply, void *arg)
{
	struct check *check = arg;
	struct dmarc_stage *stage = check->stage;
	struct texts texts = {.count = 0};
	bool failed = reply->status == DNS_FAILED;

	stage->question = NULL;
	if (reply->status == DNS_ANSWERED)
		failed = dns_parse_txt(reply->packet, reply->length, on_text, &texts) == -1;
	dmarc_take(stage->dmarc, failed ? DMARC_FAILED : DMARC_ANSWERED, texts.list, texts.count);
	ask(check);
}

/* Each domain has its own time: a slow one hides no other that stands beside it in From:. */
static bool
set_timer(struct dmarc_stage *stage)
{
	size_t left = dmarc_left(stage->dmarc);

	if (left == stage->left)
		return true;
	stage->left = left;
	return evtimer_add(stage->timer, &stage->limit) == 0;
}

static void
ask(struct check *check)
{
	struct dmarc_stage *stage = check->stage;
	const char *name;

	while ((name = dmarc_question(stage->dmarc)) != NULL) {
		if (set_timer(stage))
			stage->question =
			    dns_ask(check->filter->resolver, name, DNS_TXT, on_answer, check);
		if (stage->question != NULL)
			return;
		check_no_memory(check, "dmarc");
		dmarc_take(stage->dmarc, DMARC_FAILED, NULL, 0);
	}
	finish(check);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct check *check = arg;
	struct dmarc_stage *stage = check->stage;

	(void)fd;
	(void)what;
	dns_forget(stage->question);
	stage->question = NULL;
	dmarc_take(stage->dmarc, DMARC_FAILED, NULL, 0);
	ask(check);
}

/* -- Its start -------------------------------------------------------------------------------- */

/* All From: fields, though a mail must have one only: a mail program may show any. */
static int
read_authors(struct check *check, struct dmarc_domains *from)
{
	struct message_field *field = NULL;

	*from = (struct dmarc_domains){.count = 0};
	while ((field = message_came(check->message, "From", field)) != NULL) {
		if (dmarc_add_from(from, field->text.value) == -1)
			return -1;
	}
	return 0;
}

static struct dmarc *
begin(struct check *check)
{
	struct dmarc_domains from;
	struct dmarc_request request = {
	    .from = &from,
	    .spf_domain = check->spf == AUTH_PASS ? check->spf_domain : NULL,
	    .spf_undecided = check->spf == AUTH_TEMPERROR ? check->spf_domain : NULL,
	    .organization = suffix_organization,
	    .percentile = arc4random_uniform(100),
	};

	for (size_t i = 0; i < check->dkim_count && i < DMARC_SIGNERS_MAX; i++) {
		const struct dkim_result *signature = &check->dkim[i];

		if (signature->result == AUTH_PASS)
			request.signers[request.signer_count++] = signature->domain;
		else if (signature->result == AUTH_TEMPERROR)
			request.undecided[request.undecided_count++] = signature->domain;
	}
	return read_authors(check, &from) == -1 ? NULL : dmarc_new(&request);
}

static void
tell_unknown(struct check *check, const char *why)
{
	check_result(check, "dmarc", AUTH_TEMPERROR, why, CHECK_END);
	check_act(check, FILTER_ON_DMARC_TEMPERROR, why);
}

static void
end_without_memory(struct check *check)
{
	tell_unknown(check, "there is no memory");
	stage_free(check);
	check_next(check);
}

static void
skip(struct check *check)
{
	tell_unknown(check, "there is no time");
}

/* False without memory. */
static bool
prepare(struct check *check)
{
	struct dmarc_stage *stage = calloc(1, sizeof(*stage));
	size_t domains;

	check->stage = stage;
	if (stage == NULL)
		return false;
	stage->dmarc = begin(check);
	stage->timer = evtimer_new(check->filter->base, on_time, check);
	if (stage->dmarc == NULL || stage->timer == NULL)
		return false;
	domains = dmarc_left(stage->dmarc);
	if (domains > 0)
		stage->limit = (struct timeval){
		    .tv_sec = DMARC_SECONDS / (time_t)domains,
		    .tv_usec =
			DMARC_SECONDS % (suseconds_t)domains * 1000000 / (suseconds_t)domains,
		};
	return true;
}

static void
start(struct check *check)
{
	/* Nothing has passed that there was no memory to look at: that is no failure of its own. */
	if (check->incomplete) {
		end_without_memory(check);
	} else if (!prepare(check)) {
		check_no_memory(check, "dmarc");
		end_without_memory(check);
	} else {
		ask(check);
	}
}

const struct stage stage_dmarc = {
    .name = "dmarc",
    .kinds = FILTER_STRANGER,
    .start = start,
    .cancel = stage_free,
    .skip = skip,
};
