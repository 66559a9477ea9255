/* SPDX-License-Identifier: ISC */
#include "ctl/dns_compare.h"

#include <string.h>
#include <strings.h>

#include "worker/filter/dmarc_record.h"
#include "worker/filter/spf_record.h"

struct comparing {
	const struct dns_plan *plan;
	const struct dns_entry *first;
	const struct dns_found *found;
	dns_finding_fn *each;
	void *arg;
};

static struct mime_text
text_of(const char *string)
{
	return (struct mime_text){.at = string, .length = strlen(string)};
}

/* -- Which records are meant ------------------------------------------------------------------ */

static bool
is_any(const char *value)
{
	(void)value;
	return true;
}

static bool
is_spf(const char *value)
{
	return spf_is_record(text_of(value));
}

static bool
is_dmarc(const char *value)
{
	return dmarc_is_record(text_of(value));
}

static bool
is_sts(const char *value)
{
	return strncmp(value, "v=STSv1;", 8) == 0;
}

static bool
is_reports(const char *value)
{
	return strncmp(value, "v=TLSRPTv1;", 11) == 0;
}

/* -- Which are as good as what is wanted ------------------------------------------------------ */

static bool
is_never(const struct comparing *comparing, const struct dns_entry *wanted, const char *value)
{
	(void)comparing;
	(void)wanted;
	(void)value;
	return false;
}

/* MX and SRV: the numbers in front of host, or of port and host, are the owner's to choose. */
static bool
is_same_host(const struct comparing *comparing, const struct dns_entry *wanted, const char *value)
{
	const char *w = strrchr(wanted->value, ' '), *v = strrchr(value, ' ');

	(void)comparing;
	return w != NULL && v != NULL && strcasecmp(w, v) == 0;
}

static bool
is_same_service(const struct comparing *comparing, const struct dns_entry *wanted,
		const char *value)
{
	const char *service = wanted->value;

	(void)comparing;
	for (int skip = 0; skip < 2 && service != NULL && value != NULL; skip++) {
		service = strchr(service, ' ');
		value = strchr(value, ' ');
		service = service != NULL ? service + 1 : NULL;
		value = value != NULL ? value + 1 : NULL;
	}
	return service != NULL && value != NULL && strcasecmp(service, value) == 0;
}

static bool
is_good_dmarc(const struct comparing *comparing, const struct dns_entry *wanted, const char *value)
{
	struct dmarc_record record;

	(void)comparing;
	(void)wanted;
	return dmarc_read_record(text_of(value), &record);
}

/* An id of the owner's own, somebody else who is told. */
static bool
is_always(const struct comparing *comparing, const struct dns_entry *wanted, const char *value)
{
	(void)comparing;
	(void)wanted;
	(void)value;
	return true;
}

/* PTR: another of the names that have this address, such as the host's in place of EHLO's. */
static bool
is_name_of(const struct comparing *comparing, const struct dns_entry *wanted, const char *value)
{
	size_t length = strlen(value);
	char reverse[HOST_NAME_SIZE];

	for (size_t i = 0; i < comparing->plan->count; i++) {
		const struct dns_entry *entry = &comparing->plan->list[i];
		struct in6_addr address;

		if (length == strlen(entry->name) + 1 &&
		    strncasecmp(entry->name, value, length - 1) == 0 &&
		    dns_read_address(entry->value, &address) &&
		    strcasecmp(dns_reverse_name(&address, reverse), wanted->name) == 0)
			return true;
	}
	return false;
}

static const struct rule {
	enum dns_subject subject;
	const char *type;
	bool only;    /* there may be one such record, no more */
	bool binding; /* one of them that is another does harm */
	bool (*meant)(const char *value);
	bool (*good)(const struct comparing *, const struct dns_entry *wanted, const char *value);
} rules[] = {
    {DNS_DELIVERY, "MX", false, false, is_any, is_same_host},
    {DNS_HOST, "PTR", false, false, is_any, is_name_of},
    {DNS_SPF, "TXT", true, true, is_spf, is_never},
    {DNS_DKIM, "TXT", true, true, is_any, is_never},
    {DNS_DMARC, "TXT", true, true, is_dmarc, is_good_dmarc},
    /* RFC 7672 2.2: where there are some, one has to match. */
    {DNS_DANE, "TLSA", false, true, is_any, is_never},
    {DNS_MTA_STS, "TXT", true, true, is_sts, is_always},
    {DNS_TLS_REPORTS, "TXT", true, true, is_reports, is_always},
    {DNS_CLIENTS, "SRV", true, true, is_any, is_same_service},
};
static const struct rule others = {DNS_HOST, "", false, false, is_any, is_never};

static const struct rule *
rule_of(const struct dns_entry *entry)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].subject == entry->subject && strcmp(rules[i].type, entry->type) == 0)
			return &rules[i];
	}
	return &others;
}

/* -- Comparing -------------------------------------------------------------------------------- */

static void
tell(const struct comparing *comparing, enum dns_finding_kind kind, const struct dns_entry *entry,
     const char *value)
{
	const struct dns_finding finding = {.kind = kind, .entry = entry, .value = value};

	comparing->each(&finding, comparing->arg);
}

static bool
is_of_group(const struct comparing *comparing, const struct dns_entry *entry)
{
	const struct dns_entry *first = comparing->first;

	return entry->subject == first->subject && strcmp(entry->type, first->type) == 0 &&
	       strcasecmp(entry->name, first->name) == 0;
}

/* Names and numbers have no case, texts do. */
static bool
is_same(const struct dns_entry *entry, const char *value)
{
	return strcmp(entry->type, "TXT") == 0 ? strcmp(entry->value, value) == 0
					       : strcasecmp(entry->value, value) == 0;
}

/* How many of what was found are meant. */
static size_t
count_meant(const struct comparing *comparing, const struct rule *rule)
{
	size_t count = 0;

	for (size_t i = 0; i < comparing->found->count; i++)
		count += rule->meant(comparing->found->values[i]);
	return count;
}

/* One that is wanted: there, as good as there, in place of it another, or nothing. */
static void
compare_wanted(const struct comparing *comparing, const struct rule *rule,
	       const struct dns_entry *entry)
{
	bool alone = !rule->only || count_meant(comparing, rule) == 1;
	const char *good = NULL, *other = NULL;

	for (size_t i = 0; i < comparing->found->count; i++) {
		const char *value = comparing->found->values[i];

		if (!rule->meant(value))
			continue;
		if (is_same(entry, value) && alone) {
			tell(comparing, DNS_OK, entry, value);
			return;
		}
		if (rule->good(comparing, entry, value))
			good = value;
		other = value;
	}
	if (good != NULL && alone)
		tell(comparing, DNS_OTHER, entry, good);
	else if (other != NULL && rule->binding)
		tell(comparing, DNS_DIFFERENT, entry, other);
	else
		tell(comparing, DNS_MISSING, entry, entry->value);
}

/* Does anything of the plan want it? */
static bool
is_wanted(const struct comparing *comparing, const struct rule *rule, const char *value)
{
	for (size_t i = 0; i < comparing->plan->count; i++) {
		const struct dns_entry *entry = &comparing->plan->list[i];

		if (is_of_group(comparing, entry) &&
		    (is_same(entry, value) || rule->good(comparing, entry, value)))
			return true;
	}
	return false;
}

void
dns_compare(const struct dns_plan *plan, const struct dns_entry *first,
	    const struct dns_found *found, dns_finding_fn *each, void *arg)
{
	const struct comparing comparing = {plan, first, found, each, arg};
	const struct rule *rule = rule_of(first);
	size_t meant = count_meant(&comparing, rule);

	for (size_t i = 0; i < plan->count; i++) {
		const struct dns_entry *entry = &plan->list[i];

		if (!is_of_group(&comparing, entry))
			continue;
		if (found->failed)
			tell(&comparing, DNS_UNKNOWN, entry, entry->value);
		else
			compare_wanted(&comparing, rule, entry);
	}
	/* What there may be one of, and is another, has been told. */
	for (size_t i = 0; i < found->count && !found->failed; i++) {
		const char *value = found->values[i];

		if (rule->meant(value) && !is_wanted(&comparing, rule, value) &&
		    (!rule->only || meant > 1))
			tell(&comparing, DNS_SURPLUS, first, value);
	}
}

/* Has this SPF record a redirect, or a mechanism by which mail passes: any, or ONLY that one? */
static bool
spf_passes_by(const char *value, bool any, enum spf_mechanism only)
{
	struct spf_record record;
	struct spf_term term;
	struct mime_text whom;

	if (!is_spf(value) || !spf_read_record(text_of(value), &record, &whom))
		return false;
	if (record.redirect.length > 0)
		return true;
	while (spf_next_term(&record, &term)) {
		if (term.qualifier == SPF_PASS && (any || term.mechanism == only))
			return true;
	}
	return false;
}

bool
dns_spf_asks_others(const char *value)
{
	return spf_passes_by(value, false, SPF_INCLUDE);
}

bool
dns_spf_lets_somebody(const char *value)
{
	return spf_passes_by(value, true, SPF_INCLUDE);
}

bool
dns_finding_is_wrong(const struct dns_finding *finding)
{
	bool required = dns_subject_is_required(finding->entry->subject);

	switch (finding->kind) {
	case DNS_MISSING:
		return required;
	case DNS_DIFFERENT:
	case DNS_UNKNOWN:
		return true;
	case DNS_OK:
	case DNS_OTHER:
	case DNS_SURPLUS:
	case DNS_FINDINGS:
		break;
	}
	return false;
}

const char *
dns_finding_word(enum dns_finding_kind kind)
{
	static const char *const words[DNS_FINDINGS] = {
	    [DNS_OK] = "ok",           [DNS_OTHER] = "ok",
	    [DNS_MISSING] = "missing", [DNS_DIFFERENT] = "different",
	    [DNS_SURPLUS] = "surplus", [DNS_UNKNOWN] = "unknown",
	};

	return words[kind];
}
