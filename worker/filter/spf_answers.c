/* SPDX-License-Identifier: ISC */
/* What is made of the answers of DNS. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/filter/spf_state.h"

/* -- Answers ---------------------------------------------------------------------------------- */

/* 4.5, for a frame that has none: only of the first domain it is no error. */
static void
no_record(struct spf *spf)
{
	bool first = spf->depth == 1 && !spf_top(spf)->redirected;

	spf_break_off(spf, first ? SPF_NONE : SPF_PERMERROR, "no SPF record",
		      spf_text(spf_top(spf)->domain));
}

static void
take_record(struct spf *spf, const struct spf_answer *answer)
{
	struct frame *frame = spf_top(spf);
	const struct spf_data *found = NULL;
	struct mime_text whom;

	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_is_record(answer->data[i].text))
			continue;
		if (found != NULL) {
			spf_break_off(spf, SPF_PERMERROR, "several SPF records",
				      spf_text(frame->domain));
			return;
		}
		found = &answer->data[i];
	}
	if (found == NULL) {
		no_record(spf);
		return;
	}
	if ((frame->text = malloc(found->text.length)) == NULL) {
		spf->verdict.no_memory = true;
		spf_break_off(spf, SPF_TEMPERROR, "no memory", (struct mime_text){0});
		return;
	}
	memcpy(frame->text, found->text.at, found->text.length);
	if (!spf_read_record((struct mime_text){.at = frame->text, .length = found->text.length},
			     &frame->record, &whom)) {
		frame->record = (struct spf_record){0};
		spf_break_off(spf, SPF_PERMERROR, "malformed record", whom);
		return;
	}
	spf->step = STEP_RUN;
}

static bool
has_client(const struct spf *spf, const struct spf_answer *answer, unsigned bits)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (spf_is_within(&spf->address, &answer->data[i].address, bits))
			return true;
	}
	return false;
}

/* Of the addresses that "a" and "mx" find, so many bits count. */
static unsigned
term_bits(const struct spf *spf)
{
	return spf->v4 ? 96U + spf->term.bits4 : spf->term.bits6;
}

static void
take_address(struct spf *spf, const struct spf_answer *answer)
{
	spf_matched(spf, has_client(spf, answer, term_bits(spf)));
}

static void
take_exists(struct spf *spf, const struct spf_answer *answer)
{
	spf_matched(spf, answer->count > 0);
}

/* Takes names, as many as there is room for; what is no name, and the root, is left out. */
static void
take_names(struct names *names, const struct spf_answer *answer)
{
	*names = (struct names){0};
	for (size_t i = 0; i < answer->count && names->count < HOSTS_MAX; i++) {
		struct mime_text text = answer->data[i].text;
		char *name = names->list[names->count];

		if (text.length == 0 || text.length >= HOST_NAME_SIZE ||
		    memchr(text.at, '\0', text.length) != NULL)
			continue;
		memcpy(name, text.at, text.length);
		name[text.length] = '\0';
		names->count++;
	}
}

static void
ask_mx_host(struct spf *spf)
{
	if (spf->mx.next == spf->mx.count)
		spf_matched(spf, false);
	else
		spf_ask(spf, STEP_MX_ADDRESS, spf->mx.list[spf->mx.next], spf_address_type(spf));
}

static void
take_mx(struct spf *spf, const struct spf_answer *answer)
{
	if (answer->count > HOSTS_MAX) {
		spf_break_off(spf, SPF_PERMERROR, "more than 10 MX records", spf->term.whole);
		return;
	}
	take_names(&spf->mx, answer);
	ask_mx_host(spf);
}

static void
take_mx_address(struct spf *spf, const struct spf_answer *answer)
{
	spf->mx.next++;
	if (has_client(spf, answer, term_bits(spf)))
		spf_matched(spf, true);
	else
		ask_mx_host(spf);
}

static void
ask_ptr_host(struct spf *spf)
{
	size_t validated = spf->ptr.next;

	if (validated < spf->ptr.count) {
		spf_ask(spf, STEP_PTR_ADDRESS, spf->ptr.list[validated], spf_address_type(spf));
		return;
	}
	spf->ptr_known = true;
	spf->ptr_for(spf);
}

static void
take_ptr(struct spf *spf, const struct spf_answer *answer)
{
	take_names(&spf->ptr, answer);
	ask_ptr_host(spf);
}

/* Names that do not lead back are taken out of the list. */
static void
take_ptr_address(struct spf *spf, const struct spf_answer *answer)
{
	struct names *ptr = &spf->ptr;

	if (has_client(spf, answer, 128)) {
		ptr->next++;
	} else {
		ptr->count--;
		memmove(ptr->list[ptr->next], ptr->list[ptr->next + 1],
			(ptr->count - ptr->next) * sizeof(ptr->list[0]));
	}
	ask_ptr_host(spf);
}

static void
write_explanation(struct spf *spf)
{
	struct mime_text text = spf_text(spf->explanation);
	struct spf_values known;

	if (spf_must_ask_names(spf, text, write_explanation))
		return;
	spf->step = STEP_DONE;
	known = spf_values(spf);
	if (!spf_expand_text(text, &known, spf->verdict.explanation,
			     sizeof(spf->verdict.explanation)))
		spf->verdict.explanation[0] = '\0';
}

static void
take_explanation(struct spf *spf, const struct spf_answer *answer)
{
	struct mime_text text = answer->count == 1 ? answer->data[0].text : (struct mime_text){0};

	spf->step = STEP_DONE;
	if (text.length == 0 || text.length >= sizeof(spf->explanation) ||
	    memchr(text.at, '\0', text.length) != NULL)
		return;
	memcpy(spf->explanation, text.at, text.length);
	spf->explanation[text.length] = '\0';
	write_explanation(spf);
}

static const struct {
	void (*take)(struct spf *, const struct spf_answer *);
	bool failure_ends; /* as temperror; else it is an answer without records */
	bool void_counts;
} answers[STEPS] = {
    [STEP_RECORD] = {take_record, true, false},
    [STEP_ADDRESS] = {take_address, true, true},
    [STEP_MX] = {take_mx, true, true},
    [STEP_MX_ADDRESS] = {take_mx_address, true, true},
    [STEP_EXISTS] = {take_exists, true, true},
    [STEP_PTR] = {take_ptr, false, true},
    [STEP_PTR_ADDRESS] = {take_ptr_address, false, true},
    [STEP_EXPLANATION] = {take_explanation, false, false},
};

/*
 * 4.6.4: terms whose questions have no answer are counted, once each: that a host of an MX has no
 * IPv6 address is no reason to refuse the domain.
 */
static bool
too_many_voids(struct spf *spf)
{
	if (spf->term_was_void || !answers[spf->step].void_counts ||
	    spf->verdict.result == SPF_FAIL)
		return false;
	spf->term_was_void = true;
	return ++spf->voids > VOIDS_MAX;
}

void
spf_take(struct spf *spf, const struct spf_answer *answer)
{
	static const struct spf_answer nothing = {.status = SPF_NO_NAME};
	enum step step = spf->step;

	if (answers[step].take == NULL)
		return;
	if (answer->status == SPF_FAILED && answers[step].failure_ends) {
		spf_break_off(spf, SPF_TEMPERROR, "DNS does not answer",
			      spf_text(spf->question.name));
		return;
	}
	if (answer->status != SPF_ANSWERED)
		answer = &nothing;
	if (answer->count == 0 && too_many_voids(spf)) {
		spf_break_off(spf, SPF_PERMERROR, "more than 2 terms find nothing",
			      spf->term.whole);
		return;
	}
	answers[step].take(spf, answer);
	spf_run(spf);
}
