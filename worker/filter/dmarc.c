/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/filter/dmarc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/ascii.h"
#include "common/idn.h"
#include "common/mime/address.h"

struct dmarc {
	struct dmarc_domains from;
	char spf_domain[HOST_NAME_SIZE]; /* "": none's */
	size_t signer_count;
	char signers[DMARC_SIGNERS_MAX][HOST_NAME_SIZE];
	dmarc_organization_fn *organization;
	unsigned percentile;

	size_t next;    /* the domain of From: that is being looked at */
	bool at_parent; /* its organizational domain is asked */
	bool done;
	char question[sizeof("_dmarc.") + HOST_NAME_SIZE];
	struct dmarc_verdict verdict;
};

/* -- From: ------------------------------------------------------------------------------------ */

/* As DNS has it: A-labels, lower case, no dot at the end. False: it is no domain. */
static bool
normal_domain(struct mime_text text, char out[HOST_NAME_SIZE])
{
	char copy[2 * HOST_NAME_SIZE], ascii[HOST_NAME_SIZE];
	struct error err;
	size_t length;

	if (text.length > 0 && text.at[text.length - 1] == '.')
		text.length--;
	if (text.length == 0 || text.length >= sizeof(copy) ||
	    memchr(text.at, '\0', text.length) != NULL)
		return false;
	memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	if (idn_to_ascii(copy, ascii, &err) == -1)
		return false;
	length = strlen(ascii);
	return address_parse_domain(ascii, length, out) == ADDRESS_OK;
}

static void
add_domain(struct dmarc_domains *domains, struct mime_text text)
{
	char domain[HOST_NAME_SIZE];

	if (!normal_domain(text, domain)) {
		domains->unusable = true;
		return;
	}
	for (size_t i = 0; i < domains->count; i++) {
		if (strcmp(domains->list[i], domain) == 0)
			return;
	}
	if (domains->count == DMARC_DOMAINS_MAX)
		domains->unusable = true;
	else
		strlcpy(domains->list[domains->count++], domain, HOST_NAME_SIZE);
}

int
dmarc_add_from(struct dmarc_domains *domains, struct mime_text value)
{
	char *flat = malloc(value.length + 1), *room = malloc(MIME_ADDRESS_ROOM(value.length));
	struct mime_addresses addresses;
	struct mime_address address;

	if (flat == NULL || room == NULL) {
		free(flat);
		free(room);
		return -1;
	}
	mime_addresses_open(
	    &addresses, (struct mime_text){.at = flat, .length = mime_unfold(value, flat)}, room);
	while (mime_next_address(&addresses, &address)) {
		if (address.kind == MIME_ADDRESS)
			add_domain(domains, address.domain);
	}
	free(flat);
	free(room);
	return 0;
}

/* -- Alignment (3.1) -------------------------------------------------------------------------- */

static bool
is_aligned(const struct dmarc *dmarc, const char *author, const char *domain, bool strict)
{
	if (*domain == '\0')
		return false;
	if (strict)
		return strcmp(author, domain) == 0;
	return strcmp(dmarc->organization(author), dmarc->organization(domain)) == 0;
}

static bool
passes(const struct dmarc *dmarc, const char *author, const struct dmarc_record *record)
{
	if (is_aligned(dmarc, author, dmarc->spf_domain, record->strict_spf))
		return true;
	for (size_t i = 0; i < dmarc->signer_count; i++) {
		if (is_aligned(dmarc, author, dmarc->signers[i], record->strict_dkim))
			return true;
	}
	return false;
}

/* -- Policy discovery (6.6.3) ----------------------------------------------------------------- */

/* Of several domains in From:, the worst one's verdict is the mail's (6.6.1). */
static unsigned
badness(const struct dmarc_verdict *verdict)
{
	static const unsigned of[DMARC_RESULTS] = {[DMARC_PASS] = 1,
						   [DMARC_NO_RECORD] = 2,
						   [DMARC_PERMERROR] = 3,
						   [DMARC_TEMPERROR] = 4,
						   [DMARC_FAIL] = 5};

	return of[verdict->result] * DMARC_POLICIES + (unsigned)verdict->apply;
}

static void ask(struct dmarc *, const char *domain);

/* One domain has its result; the next is asked, or it is over. */
static void
domain_ends(struct dmarc *dmarc, enum dmarc_result result, enum dmarc_policy policy,
	    enum dmarc_policy apply)
{
	struct dmarc_verdict verdict = {.result = result, .policy = policy, .apply = apply};

	strlcpy(verdict.domain, dmarc->from.list[dmarc->next], sizeof(verdict.domain));
	if (dmarc->next == 0 || badness(&verdict) > badness(&dmarc->verdict))
		dmarc->verdict = verdict;
	dmarc->at_parent = false;
	if (++dmarc->next < dmarc->from.count) {
		ask(dmarc, dmarc->from.list[dmarc->next]);
		return;
	}
	dmarc->done = true;
	/* An author whom nobody can be asked about, next to others, is a trick. */
	if (dmarc->from.unusable && dmarc->verdict.result != DMARC_FAIL)
		dmarc->verdict.result = DMARC_PERMERROR;
	if (dmarc->from.unusable && dmarc->verdict.apply == DMARC_NONE)
		dmarc->verdict.apply = DMARC_QUARANTINE;
}

/* 6.6.4: of the mails that "pct" leaves out, the next milder thing is asked for. */
static enum dmarc_policy
sampled(const struct dmarc *dmarc, const struct dmarc_record *record, enum dmarc_policy policy)
{
	if (policy == DMARC_NONE || dmarc->percentile < record->percent)
		return policy;
	return policy == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

static void
judge(struct dmarc *dmarc, const struct dmarc_record *record)
{
	enum dmarc_policy policy = dmarc->at_parent ? record->subdomain : record->policy;

	if (passes(dmarc, dmarc->from.list[dmarc->next], record))
		domain_ends(dmarc, DMARC_PASS, policy, DMARC_NONE);
	else
		domain_ends(dmarc, DMARC_FAIL, policy, sampled(dmarc, record, policy));
}

static void
ask(struct dmarc *dmarc, const char *domain)
{
	snprintf(dmarc->question, sizeof(dmarc->question), "_dmarc.%s", domain);
}

void
dmarc_take(struct dmarc *dmarc, enum dmarc_answered answered, const struct mime_text *records,
	   size_t count)
{
	const struct mime_text *found = NULL;
	const char *author = dmarc->from.list[dmarc->next], *parent;
	struct dmarc_record record;
	size_t records_found = 0;

	if (dmarc->done)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!dmarc_is_record(records[i]))
			continue;
		found = &records[i];
		records_found++;
	}
	parent = dmarc->organization(author);
	if (answered == DMARC_FAILED) {
		domain_ends(dmarc, DMARC_TEMPERROR, DMARC_NONE, DMARC_NONE);
	} else if (records_found == 0 && !dmarc->at_parent && strcmp(parent, author) != 0) {
		dmarc->at_parent = true;
		ask(dmarc, parent);
	} else if (records_found == 1 && dmarc_read_record(*found, &record)) {
		judge(dmarc, &record);
	} else {
		domain_ends(dmarc, DMARC_NO_RECORD, DMARC_NONE, DMARC_NONE);
	}
}

/* -- Beginning -------------------------------------------------------------------------------- */

struct dmarc *
dmarc_new(const struct dmarc_request *request)
{
	struct dmarc *dmarc = calloc(1, sizeof(*dmarc));

	if (dmarc == NULL)
		return NULL;
	dmarc->from = *request->from;
	if (request->spf_domain != NULL)
		strlcpy(dmarc->spf_domain, request->spf_domain, sizeof(dmarc->spf_domain));
	for (size_t i = 0; i < request->signer_count && i < DMARC_SIGNERS_MAX; i++)
		strlcpy(dmarc->signers[dmarc->signer_count++], request->signers[i], HOST_NAME_SIZE);
	dmarc->organization = request->organization;
	dmarc->percentile = request->percentile;
	dmarc->verdict.result = DMARC_TEMPERROR;
	if (dmarc->from.count > 0) {
		ask(dmarc, dmarc->from.list[0]);
		return dmarc;
	}
	dmarc->done = true;
	dmarc->verdict.result = DMARC_PERMERROR;
	return dmarc;
}

void
dmarc_free(struct dmarc *dmarc)
{
	free(dmarc);
}

const char *
dmarc_question(const struct dmarc *dmarc)
{
	return dmarc->done ? NULL : dmarc->question;
}

const struct dmarc_verdict *
dmarc_verdict(const struct dmarc *dmarc)
{
	return &dmarc->verdict;
}

const char *
dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[DMARC_RESULTS] = {
	    [DMARC_NO_RECORD] = "none",      [DMARC_PASS] = "pass",           [DMARC_FAIL] = "fail",
	    [DMARC_TEMPERROR] = "temperror", [DMARC_PERMERROR] = "permerror",
	};

	return names[result];
}
