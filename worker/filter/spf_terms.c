/* SPDX-License-Identifier: ISC */
/* The terms of a record, one after the other (RFC 7208 5, 6.1). */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/filter/spf_state.h"

/* -- Mechanisms ------------------------------------------------------------------------------- */

void
spf_matched(struct spf *spf, bool match)
{
	if (match)
		spf_frame_ends(spf, spf->term.qualifier);
	else
		spf->step = STEP_RUN;
}

static void
begin_all(struct spf *spf)
{
	spf_matched(spf, true);
}

bool
spf_is_within(const struct in6_addr *address, const struct in6_addr *network, unsigned bits)
{
	unsigned octets = bits / 8, rest = bits % 8;

	if (memcmp(address, network, octets) != 0)
		return false;
	return rest == 0 ||
	       (address->s6_addr[octets] ^ network->s6_addr[octets]) >> (8 - rest) == 0;
}

static void
begin_network(struct spf *spf)
{
	/* 5.6: "ip6" is about IPv6 clients only. */
	bool family = (spf->term.mechanism == SPF_IP4) == spf->v4;

	spf_matched(spf, family && spf_is_within(&spf->address, &spf->term.network.address,
						 spf->term.network.bits));
}

static void
begin_include(struct spf *spf)
{
	struct frame *frame = &spf->frames[spf->depth];

	/* 5.2: without a record there it is permerror, and a name that is none has no record. */
	if (spf->depth == FRAMES_MAX || !spf_target(spf, spf->term.domain, frame->domain)) {
		spf_break_off(spf, SPF_PERMERROR, "no such domain", spf->term.whole);
		return;
	}
	frame->qualifier = spf->term.qualifier;
	spf->depth++;
	spf_ask(spf, STEP_RECORD, frame->domain, SPF_ASK_TXT);
}

/* "a", "mx" and "exists": a question about the target. One that is no name matches nothing (4.8).
 */
static void
begin_question(struct spf *spf)
{
	char name[HOST_NAME_SIZE];

	if (!spf_target(spf, spf->term.domain, name))
		spf_matched(spf, false);
	else if (spf->term.mechanism == SPF_A)
		spf_ask(spf, STEP_ADDRESS, name, spf_address_type(spf));
	else if (spf->term.mechanism == SPF_MX)
		spf_ask(spf, STEP_MX, name, SPF_ASK_MX);
	else
		spf_ask(spf, STEP_EXISTS, name, SPF_ASK_A);
}

static void
begin_ptr(struct spf *spf)
{
	char name[HOST_NAME_SIZE];
	bool match = false;

	if (!spf->ptr_known) {
		spf_ask_names(spf, begin_ptr);
		return;
	}
	if (spf_target(spf, spf->term.domain, name)) {
		for (size_t i = 0; i < spf->ptr.count && !match; i++)
			match = strcasecmp(spf->ptr.list[i], name) == 0 ||
				spf_is_below(spf->ptr.list[i], name);
	}
	spf_matched(spf, match);
}

static const struct {
	bool counts; /* among the terms that ask DNS */
	void (*begin)(struct spf *);
} mechanisms[SPF_MECHANISMS] = {
    [SPF_ALL] = {false, begin_all},     [SPF_INCLUDE] = {true, begin_include},
    [SPF_A] = {true, begin_question},   [SPF_MX] = {true, begin_question},
    [SPF_PTR] = {true, begin_ptr},      [SPF_IP4] = {false, begin_network},
    [SPF_IP6] = {false, begin_network}, [SPF_EXISTS] = {true, begin_question},
};

/* Also again, when the client's names are known. */
static void
begin_term(struct spf *spf)
{
	if (!spf_must_ask_names(spf, spf->term.domain, begin_term))
		mechanisms[spf->term.mechanism].begin(spf);
}

/* False: that was one too many (4.6.4). */
static bool
count_term(struct spf *spf)
{
	spf->term_was_void = false;
	if (++spf->terms <= TERMS_MAX)
		return true;
	spf_break_off(spf, SPF_PERMERROR, "more than 10 terms that ask DNS", (struct mime_text){0});
	return false;
}

/* No directive matched: 6.1, or the default (4.7). */
static void
record_ends(struct spf *spf)
{
	struct frame *frame = spf_top(spf);
	struct mime_text redirect = frame->record.redirect;
	char name[HOST_NAME_SIZE];

	spf->term = (struct spf_term){0};
	if (redirect.length == 0) {
		spf_frame_ends(spf, SPF_NEUTRAL);
		return;
	}
	if (spf_must_ask_names(spf, redirect, record_ends) || !count_term(spf))
		return;
	if (!spf_target(spf, redirect, name)) {
		spf_break_off(spf, SPF_PERMERROR, "no such domain", redirect);
		return;
	}
	free(frame->text);
	frame->text = NULL;
	frame->record = (struct spf_record){0};
	frame->redirected = true;
	strlcpy(frame->domain, name, sizeof(frame->domain));
	spf_ask(spf, STEP_RECORD, name, SPF_ASK_TXT);
}

/* On, until there is a question or the end. */
void
spf_run(struct spf *spf)
{
	while (spf->step == STEP_RUN) {
		if (!spf_next_term(&spf_top(spf)->record, &spf->term))
			record_ends(spf);
		else if (!mechanisms[spf->term.mechanism].counts || count_term(spf))
			begin_term(spf);
	}
}
