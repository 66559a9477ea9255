/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/filter/spf_state.h"

/* -- Ends ------------------------------------------------------------------------------------- */

struct frame *
spf_top(struct spf *spf)
{
	return &spf->frames[spf->depth - 1];
}

/* Says what decides, as printable ASCII. */
static void
note(struct spf *spf, const char *why, struct mime_text whom)
{
	char *text = spf->verdict.why;
	size_t size = sizeof(spf->verdict.why), used = strlcpy(text, why, size);

	if (used > 0 && whom.length > 0)
		used = strlcat(text, ": ", size);
	for (size_t i = 0; i < whom.length && used < size - 1; i++)
		text[used++] = (char)(whom.at[i] < 0x20 || whom.at[i] > 0x7e ? '?' : whom.at[i]);
	text[used] = '\0';
}

static void
conclude(struct spf *spf, enum spf_result result)
{
	spf->verdict.result = result;
	spf->step = STEP_DONE;
	if (result == SPF_FAIL && spf_top(spf)->record.explanation.length > 0)
		spf_explain(spf);
}

/* Ends with a result that no directive gave. */
void
spf_break_off(struct spf *spf, enum spf_result result, const char *why, struct mime_text whom)
{
	note(spf, why, whom);
	conclude(spf, result);
}

struct mime_text
spf_text(const char *string)
{
	return (struct mime_text){.at = string, .length = strlen(string)};
}

static void
pop(struct spf *spf)
{
	free(spf_top(spf)->text);
	memset(spf_top(spf), 0, sizeof(struct frame));
	spf->depth--;
}

/* The newest frame has its result: it is the whole's, or an include's (5.2). */
void
spf_frame_ends(struct spf *spf, enum spf_result result)
{
	/* Now, for the text goes with its frame. */
	note(spf, "", spf->term.whole);
	while (spf->depth > 1) {
		enum spf_result qualifier = spf_top(spf)->qualifier;

		pop(spf);
		spf->step = STEP_RUN;
		if (result != SPF_PASS)
			return;
		result = qualifier;
	}
	conclude(spf, result);
}

/* -- Questions -------------------------------------------------------------------------------- */

void
spf_ask(struct spf *spf, enum step step, const char *name, enum spf_type type)
{
	spf->step = step;
	spf->question.type = type;
	strlcpy(spf->question.name, name, sizeof(spf->question.name));
}

enum spf_type
spf_address_type(const struct spf *spf)
{
	return spf->v4 ? SPF_ASK_A : SPF_ASK_AAAA;
}

/* The names of the client (5.5); THEN goes on once they are known. */
void
spf_ask_names(struct spf *spf, void (*then)(struct spf *))
{
	char name[sizeof(spf->dotted) + 16];
	size_t length = strlen(spf->dotted), used = 0;

	spf->ptr_for = then;
	/* Its parts backwards. */
	for (size_t end = length; end > 0;) {
		size_t begin = end;

		while (begin > 0 && spf->dotted[begin - 1] != '.')
			begin--;
		memcpy(name + used, spf->dotted + begin, end - begin);
		used += end - begin;
		name[used++] = '.';
		end = begin > 0 ? begin - 1 : 0;
	}
	strlcpy(name + used, spf->v4 ? "in-addr.arpa" : "ip6.arpa", sizeof(name) - used);
	spf_ask(spf, STEP_PTR, name, SPF_ASK_PTR);
}

/* -- Macros ----------------------------------------------------------------------------------- */

bool
spf_is_below(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return n > d && name[n - d - 1] == '.' && strcasecmp(name + n - d, domain) == 0;
}

/* Macro p (7.3): the domain itself rather than a name below it, any name rather than none. */
static const char *
validated_name(const struct spf *spf, const char *domain)
{
	const char *below = NULL;

	for (size_t i = 0; i < spf->ptr.count; i++) {
		if (strcasecmp(spf->ptr.list[i], domain) == 0)
			return spf->ptr.list[i];
		if (below == NULL && spf_is_below(spf->ptr.list[i], domain))
			below = spf->ptr.list[i];
	}
	if (below != NULL)
		return below;
	return spf->ptr.count > 0 ? spf->ptr.list[0] : "unknown";
}

struct spf_values
spf_values(struct spf *spf)
{
	const char *domain = spf_top(spf)->domain;

	return (struct spf_values){
	    .sender = spf->sender,
	    .local = spf->local,
	    .sender_domain = spf->domain,
	    .domain = domain,
	    .address = spf->dotted,
	    .validated = validated_name(spf, domain),
	    .version = spf->v4 ? "in-addr" : "ip6",
	    .helo = spf->helo,
	    .readable = spf->readable,
	    .receiver = spf->receiver,
	    .time = spf->time,
	};
}

/* The target-name of 4.8; without a domain-spec, the frame's domain. */
bool
spf_target(struct spf *spf, struct mime_text spec, char name[HOST_NAME_SIZE])
{
	struct spf_values known = spf_values(spf);

	if (spec.length > 0)
		return spf_expand_domain(spec, &known, name);
	strlcpy(name, spf_top(spf)->domain, HOST_NAME_SIZE);
	return true;
}

/* Is the client's name needed for that, and not known yet? Then it is asked for. */
bool
spf_must_ask_names(struct spf *spf, struct mime_text spec, void (*then)(struct spf *))
{
	if (spf->ptr_known || !spf_uses_macro(spec, 'p'))
		return false;
	spf_ask_names(spf, then);
	return true;
}

/* 6.2; whatever goes wrong, there is no explanation. */
void
spf_explain(struct spf *spf)
{
	struct mime_text spec = spf_top(spf)->record.explanation;
	char name[HOST_NAME_SIZE];

	if (spf_must_ask_names(spf, spec, spf_explain))
		return;
	if (spf_target(spf, spec, name))
		spf_ask(spf, STEP_EXPLANATION, name, SPF_ASK_TXT);
	else
		spf->step = STEP_DONE;
}

/* -- Beginning -------------------------------------------------------------------------------- */

static void
write_address(struct spf *spf)
{
	static const char hex[] = "0123456789ABCDEF";
	const uint8_t *octets = spf->address.s6_addr;
	size_t used = 0;

	spf->v4 = IN6_IS_ADDR_V4MAPPED(&spf->address);
	if (spf->v4) {
		inet_ntop(AF_INET, octets + 12, spf->readable, sizeof(spf->readable));
		strlcpy(spf->dotted, spf->readable, sizeof(spf->dotted));
		return;
	}
	inet_ntop(AF_INET6, octets, spf->readable, sizeof(spf->readable));
	for (size_t i = 0; i < 16; i++) {
		spf->dotted[used++] = hex[octets[i] >> 4];
		spf->dotted[used++] = '.';
		spf->dotted[used++] = hex[octets[i] & 15];
		spf->dotted[used++] = '.';
	}
	spf->dotted[used - 1] = '\0';
}

struct spf *
spf_new(const struct spf_request *request)
{
	struct spf *spf = calloc(1, sizeof(*spf));

	if (spf == NULL)
		return NULL;
	spf->address = request->address;
	write_address(spf);
	strlcpy(spf->local, *request->local != '\0' ? request->local : "postmaster",
		sizeof(spf->local));
	strlcpy(spf->domain, request->domain, sizeof(spf->domain));
	strlcpy(spf->helo, request->helo, sizeof(spf->helo));
	strlcpy(spf->receiver, request->receiver, sizeof(spf->receiver));
	snprintf(spf->sender, sizeof(spf->sender), "%s@%s", spf->local, spf->domain);
	snprintf(spf->time, sizeof(spf->time), "%" PRId64, request->now);
	spf->verdict.result = SPF_TEMPERROR;
	spf->depth = 1;
	strlcpy(spf->frames[0].domain, spf->domain, sizeof(spf->frames[0].domain));
	if (spf_is_domain(spf->domain))
		spf_ask(spf, STEP_RECORD, spf->domain, SPF_ASK_TXT);
	else
		spf_break_off(spf, SPF_NONE, "not a domain name", spf_text(spf->domain));
	return spf;
}

void
spf_free(struct spf *spf)
{
	if (spf == NULL)
		return;
	while (spf->depth > 0)
		pop(spf);
	free(spf);
}

const struct spf_question *
spf_question(const struct spf *spf)
{
	return spf->step == STEP_DONE ? NULL : &spf->question;
}

void
spf_give_up(struct spf *spf, const char *why)
{
	/* Only the explanation may be missing. */
	if (spf->step != STEP_DONE && spf->verdict.result == SPF_TEMPERROR)
		strlcpy(spf->verdict.why, why, sizeof(spf->verdict.why));
	spf->step = STEP_DONE;
}

const struct spf_verdict *
spf_verdict(const struct spf *spf)
{
	return &spf->verdict;
}
