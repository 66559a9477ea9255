/* SPDX-License-Identifier: ISC */
#include "worker/filter/dmarc_record.h"

#include <string.h>

#include "common/ascii.h"

struct reading {
	struct dmarc_record *record;
	bool has_policy, has_subdomain, bad_subdomain, has_report;
};

static struct mime_text
trim(struct mime_text text)
{
	while (text.length > 0 && ascii_is_wsp(text.at[0])) {
		text.at++;
		text.length--;
	}
	while (text.length > 0 && ascii_is_wsp(text.at[text.length - 1]))
		text.length--;
	return text;
}

/* The next "tag = value" between semicolons; empty ones are skipped. False at the end. */
static bool
next_tag(struct mime_text *rest, struct mime_text *tag, struct mime_text *value)
{
	while (rest->length > 0) {
		const char *end = memchr(rest->at, ';', rest->length);
		size_t length = end != NULL ? (size_t)(end - rest->at) : rest->length;
		const char *equals = memchr(rest->at, '=', length);
		struct mime_text all = {.at = rest->at, .length = length};

		rest->at += length + (end != NULL);
		rest->length -= length + (end != NULL);
		if (equals == NULL)
			continue;
		tag->at = all.at;
		tag->length = (size_t)(equals - all.at);
		*tag = trim(*tag);
		value->at = equals + 1;
		value->length = all.length - (size_t)(equals + 1 - all.at);
		*value = trim(*value);
		return true;
	}
	return false;
}

/* -- Tags ------------------------------------------------------------------------------------- */

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	static const char *const names[DMARC_POLICIES] = {
	    [DMARC_NONE] = "none", [DMARC_QUARANTINE] = "quarantine", [DMARC_REJECT] = "reject"};

	return names[policy];
}

static bool
read_policy(struct mime_text value, enum dmarc_policy *policy)
{
	for (int i = 0; i < DMARC_POLICIES; i++) {
		if (!mime_is(value, dmarc_policy_name((enum dmarc_policy)i)))
			continue;
		*policy = (enum dmarc_policy)i;
		return true;
	}
	return false;
}

static void
take_p(struct reading *reading, struct mime_text value)
{
	reading->has_policy = read_policy(value, &reading->record->policy);
}

static void
take_sp(struct reading *reading, struct mime_text value)
{
	reading->has_subdomain = read_policy(value, &reading->record->subdomain);
	reading->bad_subdomain = !reading->has_subdomain;
}

static void
take_adkim(struct reading *reading, struct mime_text value)
{
	reading->record->strict_dkim = mime_is(value, "s");
}

static void
take_aspf(struct reading *reading, struct mime_text value)
{
	reading->record->strict_spf = mime_is(value, "s");
}

static void
take_pct(struct reading *reading, struct mime_text value)
{
	unsigned percent = 0;

	if (value.length == 0 || value.length > 3)
		return;
	for (size_t i = 0; i < value.length; i++) {
		if (!ascii_is_digit(value.at[i]))
			return;
		percent = percent * 10 + (unsigned)(value.at[i] - '0');
	}
	if (percent <= 100)
		reading->record->percent = percent;
}

/* Nothing is reported from here: it only tells that somebody meant the record. */
static void
take_rua(struct reading *reading, struct mime_text value)
{
	const char *colon = memchr(value.at, ':', value.length);

	reading->has_report = colon != NULL && colon > value.at;
}

static const struct {
	const char *name;
	void (*take)(struct reading *, struct mime_text value);
} tags[] = {
    {"p", take_p},       {"sp", take_sp},   {"adkim", take_adkim},
    {"aspf", take_aspf}, {"pct", take_pct}, {"rua", take_rua},
};

/* -- Records ---------------------------------------------------------------------------------- */

bool
dmarc_is_record(struct mime_text text)
{
	static const char version[] = "DMARC1";
	const char *end = memchr(text.at, ';', text.length);
	struct mime_text first = {.at = text.at,
				  .length = end != NULL ? (size_t)(end - text.at) : text.length};
	struct mime_text tag, value;

	/* 6.4: "v" *WSP "=" *WSP %x44 %x4d %x41 %x52 %x43 %x31, so in this case. */
	return first.length > 0 && first.at[0] == 'v' && next_tag(&first, &tag, &value) &&
	       tag.length == 1 && value.length == sizeof(version) - 1 &&
	       memcmp(value.at, version, value.length) == 0;
}

bool
dmarc_read_record(struct mime_text text, struct dmarc_record *record)
{
	struct reading reading = {.record = record};
	struct mime_text tag, value;

	*record = (struct dmarc_record){.percent = 100};
	while (next_tag(&text, &tag, &value)) {
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
			if (mime_is(tag, tags[i].name))
				tags[i].take(&reading, value);
		}
	}
	/* 6.6.3: without a valid "p", or with an "sp" that is none, nothing is asked for. */
	if (!reading.has_policy || reading.bad_subdomain)
		*record = (struct dmarc_record){.percent = 100};
	else if (!reading.has_subdomain)
		record->subdomain = record->policy;
	return (reading.has_policy && !reading.bad_subdomain) || reading.has_report;
}
