/* SPDX-License-Identifier: ISC */
#include "worker/relay/sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>

#include "common/log.h"
#include "common/monotonic.h"
#include "common/proto/types.h"
#include "worker/dns/dns.h"
#include "worker/dns/resolver.h"
#include "worker/relay/sts_fetch.h"

struct sts_question {
	LIST_ENTRY(sts_question) entry;
	sts_done_fn *done;
	void *arg;
};
LIST_HEAD(question_list, sts_question);

/* What is known of a domain. */
struct domain {
	TAILQ_ENTRY(domain) entry;
	struct sts *sts;
	char name[HOST_NAME_SIZE];
	struct question_list waiting; /* while DNS or the web server are asked */
	struct dns_question *record;
	struct sts_fetch *fetch;
	char id[STS_ID_SIZE];      /* of the record, while the policy is fetched */
	char kept_id[STS_ID_SIZE]; /* of the policy */
	time_t until;        /* the policy counts; 0: there is none. Monotonic, as all times */
	time_t failed_until; /* no other attempt before */
	bool doubtful;       /* there may be another policy, or one at all */
	struct sts_policy policy;
};
TAILQ_HEAD(domain_list, domain);

struct sts {
	struct event_base *base;
	struct resolver *resolver;
	SSL_CTX *ctx;
	uint16_t port;
	sts_keep_fn *keep;
	void *keep_arg;
	size_t count;
	struct domain_list domains; /* the one that was asked for last is first */
};

static bool
is_kept(const struct domain *domain)
{
	return domain->until > monotonic_seconds();
}

static void
domain_free(struct domain *domain)
{
	TAILQ_REMOVE(&domain->sts->domains, domain, entry);
	domain->sts->count--;
	free(domain);
}

/* All that waited are told. One without a policy is not kept, but for its failure. */
static void
settle(struct domain *domain)
{
	struct sts_question *question;
	bool kept = is_kept(domain);

	while ((question = LIST_FIRST(&domain->waiting)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who is freed has left the list */
		sts_done_fn *done = question->done;
		void *arg = question->arg;

		LIST_REMOVE(question, entry);
		free(question);
		done(kept ? &domain->policy : NULL, !domain->doubtful, arg);
	}
	if (!kept && domain->failed_until <= monotonic_seconds())
		domain_free(domain);
}

/* -- The policy ------------------------------------------------------------------------------- */

static const char *const modes[STS_MODES] = {
    [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

static void
on_fetched(const struct sts_policy *policy, const char *why, void *arg)
{
	struct domain *domain = arg;

	domain->fetch = NULL;
	domain->doubtful = policy == NULL;
	if (policy == NULL) {
		domain->failed_until = monotonic_seconds() + STS_RETRY_SECONDS;
		log_event(LOG_NOTICE, "sts.failed", KV_STR("domain", domain->name),
			  KV_STR("why", why),
			  KV_STR("so", is_kept(domain) ? "the policy of before counts" : "none"));
	} else {
		domain->policy = *policy;
		domain->until = monotonic_seconds() + (time_t)policy->max_age;
		strlcpy(domain->kept_id, domain->id, sizeof(domain->kept_id));
		log_event(LOG_INFO, "sts.fetched", KV_STR("domain", domain->name),
			  KV_STR("mode", modes[policy->mode]), KV_U64("max_age", policy->max_age));
		if (domain->sts->keep != NULL && policy->max_age > 0)
			domain->sts->keep(domain->name, domain->id, policy, domain->sts->keep_arg);
	}
	settle(domain);
}

/* -- The record ------------------------------------------------------------------------------- */

struct records {
	char id[STS_ID_SIZE];
	unsigned count;
};

static void
on_text(const char *text, size_t length, void *arg)
{
	struct records *records = arg;
	char copy[512], id[STS_ID_SIZE];

	if (length >= sizeof(copy) || memchr(text, '\0', length) != NULL)
		return;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (!sts_record_parse(copy, id))
		return;
	strlcpy(records->id, id, sizeof(records->id));
	records->count++;
}

/* 3.1: more than one record is none. */
static bool
has_news(struct domain *domain, const struct dns_reply *reply)
{
	struct records records = {.count = 0};

	if (reply->status != DNS_ANSWERED ||
	    dns_parse_txt(reply->packet, reply->length, on_text, &records) == -1 ||
	    records.count != 1)
		return false;
	strlcpy(domain->id, records.id, sizeof(domain->id));
	/* 10.2: well before its time is over, so that nobody can wait for that. */
	return !is_kept(domain) || strcmp(domain->kept_id, domain->id) != 0 ||
	       domain->until - monotonic_seconds() < (time_t)domain->policy.max_age / 2;
}

static void
on_record(const struct dns_reply *reply, void *arg)
{
	struct domain *domain = arg;
	struct sts *sts = domain->sts;
	bool news = has_news(domain, reply);

	domain->record = NULL;
	domain->doubtful = news || reply->status == DNS_FAILED;
	if (news && domain->failed_until <= monotonic_seconds())
		domain->fetch = sts_fetch(sts->base, sts->resolver, sts->ctx, sts->port,
					  domain->name, on_fetched, domain);
	if (domain->fetch == NULL)
		settle(domain);
}

/* -- From outside -------------------------------------------------------------------------------
 */

struct sts *
sts_new(struct event_base *base, struct resolver *resolver, SSL_CTX *ctx, uint16_t port)
{
	struct sts *sts = calloc(1, sizeof(*sts));

	if (sts == NULL)
		return NULL;
	sts->base = base;
	sts->resolver = resolver;
	sts->ctx = ctx;
	sts->port = port;
	TAILQ_INIT(&sts->domains);
	return sts;
}

/* Room for one more: who waits for something stays. */
static void
forget_oldest(struct sts *sts)
{
	struct domain *domain, *before;

	TAILQ_FOREACH_REVERSE_SAFE(domain, &sts->domains, domain_list, entry, before)
	{
		if (sts->count < STS_KEPT_MAX)
			return;
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH_REVERSE_SAFE */
		if (domain->record == NULL && domain->fetch == NULL)
			domain_free(domain);
	}
}

static struct domain *
domain_of(struct sts *sts, const char *name)
{
	struct domain *domain;

	TAILQ_FOREACH (domain, &sts->domains, entry) {
		if (strcasecmp(domain->name, name) != 0)
			continue;
		TAILQ_REMOVE(&sts->domains, domain, entry);
		TAILQ_INSERT_HEAD(&sts->domains, domain, entry);
		return domain;
	}
	forget_oldest(sts);
	domain = calloc(1, sizeof(*domain));
	if (domain == NULL)
		return NULL;
	domain->sts = sts;
	strlcpy(domain->name, name, sizeof(domain->name));
	LIST_INIT(&domain->waiting);
	TAILQ_INSERT_HEAD(&sts->domains, domain, entry);
	sts->count++;
	return domain;
}

static bool
ask_record(struct domain *domain)
{
	char name[HOST_NAME_SIZE + sizeof(STS_RECORD_NAME)];

	if (domain->record != NULL || domain->fetch != NULL)
		return true;
	(void)snprintf(name, sizeof(name), STS_RECORD_NAME "%s", domain->name);
	domain->record = dns_ask(domain->sts->resolver, name, DNS_TXT, on_record, domain);
	return domain->record != NULL;
}

struct sts_question *
sts_ask(struct sts *sts, const char *name, sts_done_fn *done, void *arg)
{
	struct sts_question *question = calloc(1, sizeof(*question));
	struct domain *domain = question == NULL ? NULL : domain_of(sts, name);

	if (domain == NULL || !ask_record(domain)) {
		free(question);
		return NULL;
	}
	question->done = done;
	question->arg = arg;
	LIST_INSERT_HEAD(&domain->waiting, question, entry);
	return question;
}

void
sts_keep(struct sts *sts, sts_keep_fn *keep, void *arg)
{
	sts->keep = keep;
	sts->keep_arg = arg;
}

void
sts_remember(struct sts *sts, const char *name, const char *id, const struct sts_policy *policy,
	     uint32_t age)
{
	struct domain *domain = domain_of(sts, name);

	if (domain == NULL || is_kept(domain))
		return;
	domain->policy = *policy;
	domain->until = monotonic_seconds() + (time_t)age;
	strlcpy(domain->kept_id, id, sizeof(domain->kept_id));
}

void
sts_forget(struct sts_question *question)
{
	if (question == NULL)
		return;
	LIST_REMOVE(question, entry);
	free(question);
}
