/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/filter/dmarc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/ascii.h"
#include "common/mime/address.h"

/* Domains that stand behind a mail, or might. */
struct backers {
	char spf_domain[HOST_NAME_SIZE]; /* "": none's */
	size_t signer_count;
	char signers[DMARC_SIGNERS_MAX][HOST_NAME_SIZE];
};

struct dmarc {
	struct dmarc_domains from;
	struct backers passed;
	struct backers undecided;
	dmarc_organization_fn *organization;
	unsigned percentile;

	size_t next;    /* the domain of From: that is being looked at */
	bool at_parent; /* its organizational domain is asked */
	bool done;
	bool unknown; /* of a domain */
	char question[sizeof("_dmarc.") + HOST_NAME_SIZE];
	struct dmarc_verdict verdict;
};

/* -- From: ------------------------------------------------------------------------------------ */

/*
 * As DNS has it: A-labels, lower case, no dot at the end. False: it is no domain. Some mail
 * programs put names into apostrophes where others have quotes, also such that are addresses:
 * 'a@b.example' <a@b.example>.
 */
static bool
normal_domain(struct mime_text text, char out[HOST_NAME_SIZE])
{
	if (text.length > 0 && text.at[text.length - 1] == '\'')
		text.length--;
	if (text.length > 0 && text.at[text.length - 1] == '.')
		text.length--;
	return address_parse_domain_utf8(text.at, text.length, out) == ADDRESS_OK;
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
		domains->more = domains->unusable = true;
	else
		strlcpy(domains->list[domains->count++], domain, HOST_NAME_SIZE);
}

/* What is between two commas: one author, as the RFC has it. */
struct element {
	bool words;  /* there is something */
	bool at;     /* and what may be an "@" to who reads it */
	bool author; /* with a domain */
};

/*
 * Encoded words (RFC 2047) and octets beyond ASCII are not decoded here: any may be shown as an
 * "@", or as one of full width.
 */
static bool
may_show_at(const char *at, const char *end)
{
	for (; at < end; at++) {
		if (*at == '@' || (unsigned char)*at > 127 ||
		    (*at == '=' && end - at > 1 && at[1] == '?'))
			return true;
	}
	return false;
}

/*
 * "Foo, Inc. <a@b.example>": a display-name that lacks its quotes is no other author. One with an
 * "@" might be taken for an address.
 */
static void
end_element(struct dmarc_domains *domains, struct element *element)
{
	if (element->words && element->at && !element->author)
		domains->unusable = true;
	*element = (struct element){.words = false};
}

/* Does more than a local-part stand in front of the "@" that might be taken for an address? */
static bool
has_name_in_front(const struct mime_address *address)
{
	const struct mime_text *words = &address->words;

	return words->length > address->local.length &&
	       may_show_at(words->at, words->at + words->length);
}

/* A display-name has angles behind it, and none around it: what has not is no display-name. */
static bool
is_named_badly(const struct element *element, const struct mime_address *address, bool may_show)
{
	if (address->domain.length == 0)
		return address->angles && may_show;
	return !address->angles && !element->author && (element->at || has_name_in_front(address));
}

/*
 * What a reader takes for the author may be another than what comes first: each domain is asked,
 * and if they are not the same one, nobody knows whose the mail is. "a@b.example <a@b.example>" is
 * common. Words without a domain are a display-name with characters that need quotes, if they are
 * in front; and so is a group's name.
 */
static void
add_address(struct dmarc_domains *domains, struct element *element,
	    const struct mime_address *address, bool may_show)
{
	size_t before = domains->count;

	/* No mail program writes routes. */
	if (address->route.length > 0 || is_named_badly(element, address, may_show))
		domains->unusable = true;
	if (address->domain.length > 0)
		add_domain(domains, address->domain);
	if (element->author && (address->domain.length == 0 || domains->count > before))
		domains->unusable = true;
	element->author |= address->domain.length > 0;
	element->words = true;
	element->at |= may_show;
}

/* Element by element. True if there are words that could be an author. */
static bool
add_elements(struct dmarc_domains *domains, struct mime_addresses *addresses)
{
	const char *begin = addresses->rest.at;
	struct element element = {.words = false};
	struct mime_address address;
	bool words = false;

	for (; mime_next_address(addresses, &address); begin = addresses->rest.at) {
		if (!address.joined)
			end_element(domains, &element);
		words |= address.kind == MIME_ADDRESS;
		if (address.kind != MIME_GROUP_END)
			add_address(domains, &element, &address,
				    may_show_at(begin, addresses->rest.at));
	}
	end_element(domains, &element);
	if (addresses->unclosed)
		domains->unusable = true;
	return words;
}

int
dmarc_add_from(struct dmarc_domains *domains, struct mime_text value)
{
	char *flat = malloc(value.length + 1), *room = malloc(MIME_ADDRESS_ROOM(value.length));
	struct mime_addresses addresses;

	if (flat == NULL || room == NULL) {
		free(flat);
		free(room);
		return -1;
	}
	if (domains->fields++ > 0)
		domains->unusable = true;
	mime_addresses_open_all(
	    &addresses, (struct mime_text){.at = flat, .length = mime_unfold(value, flat)}, room);
	if (add_elements(domains, &addresses) && domains->count == 0)
		domains->unusable = true;
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
is_backed(const struct dmarc *dmarc, const struct backers *backers,
	  const struct dmarc_record *record)
{
	const char *author = dmarc->from.list[dmarc->next];

	if (is_aligned(dmarc, author, backers->spf_domain, record->strict_spf))
		return true;
	for (size_t i = 0; i < backers->signer_count; i++) {
		if (is_aligned(dmarc, author, backers->signers[i], record->strict_dkim))
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

	return 2 * (of[verdict->result] * DMARC_POLICIES + (unsigned)verdict->apply) +
	       (verdict->undecided ? 0 : 1);
}

static void ask(struct dmarc *, const char *domain);

/* One domain has its result; the next is asked, or it is over. */
static void
domain_ends(struct dmarc *dmarc, struct dmarc_verdict verdict)
{
	strlcpy(verdict.domain, dmarc->from.list[dmarc->next], sizeof(verdict.domain));
	dmarc->unknown |= verdict.result == DMARC_TEMPERROR;
	if (dmarc->next == 0 || badness(&verdict) > badness(&dmarc->verdict))
		dmarc->verdict = verdict;
	dmarc->at_parent = false;
	if (++dmarc->next < dmarc->from.count) {
		ask(dmarc, dmarc->from.list[dmarc->next]);
		return;
	}
	dmarc->done = true;
	dmarc->verdict.unknown = dmarc->unknown;
	dmarc->verdict.sole = dmarc->from.count == 1 && !dmarc->from.unusable;
	dmarc->verdict.several = dmarc->from.count > 1;
	/* An author whom nobody can be asked about, next to others, is a trick. */
	if (dmarc->from.unusable && dmarc->verdict.result != DMARC_FAIL)
		dmarc->verdict.result = DMARC_PERMERROR;
	if (dmarc->from.unusable && dmarc->verdict.apply == DMARC_NONE)
		dmarc->verdict.apply = DMARC_QUARANTINE;
	/* So are so many that some are not asked: one of those may want just that (6.6.1). */
	if (dmarc->from.more)
		dmarc->verdict.apply = DMARC_REJECT;
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

	struct dmarc_verdict verdict = {.policy = policy};

	verdict.result = is_backed(dmarc, &dmarc->passed, record) ? DMARC_PASS : DMARC_FAIL;
	if (verdict.result == DMARC_FAIL) {
		verdict.apply = sampled(dmarc, record, policy);
		verdict.undecided = is_backed(dmarc, &dmarc->undecided, record);
	}
	domain_ends(dmarc, verdict);
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
		domain_ends(dmarc, (struct dmarc_verdict){.result = DMARC_TEMPERROR});
	} else if (records_found == 0 && !dmarc->at_parent && strcmp(parent, author) != 0) {
		dmarc->at_parent = true;
		ask(dmarc, parent);
	} else if (records_found == 1 && dmarc_read_record(*found, &record)) {
		judge(dmarc, &record);
	} else {
		domain_ends(dmarc, (struct dmarc_verdict){.result = DMARC_NO_RECORD});
	}
}

/* -- Beginning -------------------------------------------------------------------------------- */

static void
keep(struct backers *backers, const char *spf_domain, const char *const *signers, size_t count)
{
	if (spf_domain != NULL)
		strlcpy(backers->spf_domain, spf_domain, sizeof(backers->spf_domain));
	for (size_t i = 0; i < count && i < DMARC_SIGNERS_MAX; i++)
		strlcpy(backers->signers[backers->signer_count++], signers[i], HOST_NAME_SIZE);
}

struct dmarc *
dmarc_new(const struct dmarc_request *request)
{
	struct dmarc *dmarc = calloc(1, sizeof(*dmarc));

	if (dmarc == NULL)
		return NULL;
	dmarc->from = *request->from;
	keep(&dmarc->passed, request->spf_domain, request->signers, request->signer_count);
	keep(&dmarc->undecided, request->spf_undecided, request->undecided,
	     request->undecided_count);
	dmarc->organization = request->organization;
	dmarc->percentile = request->percentile;
	dmarc->verdict.result = DMARC_TEMPERROR;
	if (dmarc->from.count > 0) {
		ask(dmarc, dmarc->from.list[0]);
		return dmarc;
	}
	/* Nobody can be asked; whoever reads it may see an author all the same. */
	dmarc->done = true;
	dmarc->verdict.result = DMARC_PERMERROR;
	dmarc->verdict.apply = DMARC_QUARANTINE;
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

size_t
dmarc_left(const struct dmarc *dmarc)
{
	return dmarc->from.count - dmarc->next;
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
