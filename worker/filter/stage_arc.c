/* SPDX-License-Identifier: ISC */
/*
 * ARC of a stranger's mail (RFC 8617 5.2): the newest message signature, then the seals from the
 * newest to the oldest, one after the other: a chain that is broken costs no more questions than
 * lead to the break.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/dns/dns.h"
#include "worker/filter/act.h"
#include "worker/filter/arc.h"
#include "worker/filter/dkim.h"
#include "worker/filter/dkim_bodies.h"
#include "worker/filter/filter.h"

struct arc_stage {
	struct arc arc;
	struct dkim_bodies *bodies;
	struct dns_question *question;
	struct event *timer;
	int form;       /* of the body that the message signature is of */
	bool sealed;    /* the message signature is good: the seals are next */
	size_t next;    /* the seal that is looked at; from count - 1 down */
	size_t trusted; /* so many of the newest sets are of those we trust */
	struct dkim_signature signature;
	char sealer[HOST_NAME_SIZE]; /* the newest */
};

static void
stage_free(struct check *check)
{
	struct arc_stage *stage = check->stage;

	if (stage == NULL)
		return;
	dns_forget(stage->question);
	dkim_bodies_free(stage->bodies);
	if (stage->timer != NULL)
		event_free(stage->timer);
	free(stage);
	check->stage = NULL;
}

/* -- Its end ---------------------------------------------------------------------------------- */

/*
 * RFC 8617 7.2: a forwarder that we trust has seen that the author's domain stood behind the mail.
 * All those that came after it must be trusted, too.
 */
static void
take_word(const struct arc *arc, size_t trusted, char from[HOST_NAME_SIZE])
{
	for (size_t i = 0; i < trusted; i++) {
		const struct arc_set *set = &arc->sets[arc->count - 1 - i];

		if (arc_dmarc_passed(set->fields[ARC_RESULTS]->text.value, from))
			return;
	}
	from[0] = '\0';
}

static bool
is_trusted(const struct check *check, const char *domain)
{
	for (size_t i = 0; i < FILTER_TRUSTED_MAX; i++) {
		if (domain[0] != '\0' &&
		    strcmp(check->filter->settings.arc_trusted[i], domain) == 0)
			return true;
	}
	return false;
}

/* How many of the newest sets say that they are of those we trust: more can't be found to be. */
static size_t
count_claims(const struct check *check, const struct arc *arc)
{
	struct dkim_signature seal;
	size_t claims = 0;

	while (claims < arc->count) {
		const struct arc_set *set = &arc->sets[arc->count - 1 - claims];
		struct mime_text value = set->fields[ARC_SEAL]->text.value;

		if (dkim_signature_parse(value, DKIM_ARC_SEAL, &seal) != NULL ||
		    !is_trusted(check, seal.domain))
			break;
		claims++;
	}
	return claims;
}

static void
finish(struct check *check, enum auth_result result, const char *why)
{
	struct arc_stage *stage = check->stage;

	check->arc = result;
	if (stage->sealer[0] != '\0')
		check_result(check, "arc", result, why, "header", "d", stage->sealer, CHECK_END);
	else
		check_result(check, "arc", result, why, CHECK_END);
	log_event(LOG_INFO, "filter.arc", KV_CONN(check->mail.conn),
		  KV_U64("sets", stage->arc.count), KV_STR("sealer", stage->sealer),
		  KV_U64("trusted", stage->trusted), KV_STR("result", auth_result_name(result)),
		  KV_STR("why", why == NULL ? "" : why));
	if (result == AUTH_PASS)
		take_word(&stage->arc, stage->trusted, check->arc_from);
	else if (result == AUTH_TEMPERROR)
		take_word(&stage->arc, count_claims(check, &stage->arc), check->arc_undecided);
	stage_free(check);
	check_next(check);
}

/* -- Signatures, one after the other ---------------------------------------------------------- */

static void on_key(const struct dns_reply *, void *);

/* Reads the signature in FIELD and asks for its key. */
static void
ask(struct check *check, const struct message_field *field, enum dkim_kind kind)
{
	struct arc_stage *stage = check->stage;
	struct dkim_signature *signature = &stage->signature;
	const char *problem = dkim_signature_parse(field->text.value, kind, signature);
	char name[HOST_NAME_SIZE];

	if (problem == NULL && signature->algorithm != DKIM_RSA_SHA256 &&
	    signature->algorithm != DKIM_ED25519_SHA256)
		problem = "unknown a=";
	if (problem == NULL && !dkim_key_name(signature, name))
		problem = "no name of a key is that long";
	if (problem != NULL) {
		finish(check, AUTH_FAIL, problem);
		return;
	}
	stage->question = dns_ask(check->filter->resolver, name, DNS_TXT, on_key, check);
	if (stage->question == NULL)
		finish(check, AUTH_TEMPERROR, "there is no memory");
}

static void
ask_seal(struct check *check)
{
	struct arc_stage *stage = check->stage;

	ask(check, stage->arc.sets[stage->next].fields[ARC_SEAL], DKIM_ARC_SEAL);
}

/* The seal is good. */
static void
seal_passes(struct check *check)
{
	struct arc_stage *stage = check->stage;
	size_t before = stage->arc.count - 1 - stage->next;

	if (before == 0)
		strlcpy(stage->sealer, stage->signature.domain, sizeof(stage->sealer));
	if (stage->trusted == before && is_trusted(check, stage->signature.domain))
		stage->trusted++;
	if (stage->next == 0) {
		finish(check, AUTH_PASS, NULL);
		return;
	}
	stage->next--;
	ask_seal(check);
}

/* The newest message signature's body; its header and the seals' sets are hashed here. */
static bool
hash_header(const struct check *check, const struct arc_stage *stage, uint8_t hash[DKIM_HASH_SIZE])
{
	const struct arc *arc = &stage->arc;

	if (stage->sealed)
		return arc_seal_hash(arc, stage->next, &stage->signature, hash);
	return dkim_header_hash(check->message, arc->sets[arc->count - 1].fields[ARC_MESSAGE],
				&stage->signature, hash);
}

static void
on_key(const struct dns_reply *reply, void *arg)
{
	struct check *check = arg;
	struct arc_stage *stage = check->stage;
	uint8_t hash[DKIM_HASH_SIZE];
	struct dkim_key key;
	const char *why = NULL;
	enum auth_result result;

	stage->question = NULL;
	result = dkim_key_of(reply, &key, &why);
	if (result == AUTH_PASS && !hash_header(check, stage, hash)) {
		result = AUTH_TEMPERROR;
		why = "there is no memory, or h= is too long";
	}
	if (result == AUTH_PASS)
		result = dkim_judge(&stage->signature, &key, hash, &why);
	if (result != AUTH_PASS) {
		finish(check, result == AUTH_TEMPERROR ? AUTH_TEMPERROR : AUTH_FAIL, why);
	} else if (stage->sealed) {
		seal_passes(check);
	} else {
		stage->sealed = true;
		ask_seal(check);
	}
}

/* -- The body --------------------------------------------------------------------------------- */

static void
on_body(bool failed, void *arg)
{
	struct check *check = arg;
	struct arc_stage *stage = check->stage;
	const struct dkim_signature *signature = &stage->signature;
	const uint8_t *hash;
	uint64_t size;

	if (failed) {
		finish(check, AUTH_TEMPERROR, "the message can't be read");
		return;
	}
	hash = dkim_bodies_hash(stage->bodies, stage->form, &size);
	if (memcmp(hash, signature->body_hash, DKIM_HASH_SIZE) != 0 ||
	    (signature->limited && signature->limit != size))
		finish(check, AUTH_FAIL, "the body has changed");
	else
		ask(check, stage->arc.sets[stage->arc.count - 1].fields[ARC_MESSAGE],
		    DKIM_ARC_MESSAGE);
}

static void
begin_body(struct check *check)
{
	struct arc_stage *stage = check->stage;
	const struct message_field *field =
	    stage->arc.sets[stage->arc.count - 1].fields[ARC_MESSAGE];
	struct dkim_signature *signature = &stage->signature;
	const char *problem = dkim_signature_parse(field->text.value, DKIM_ARC_MESSAGE, signature);

	/* Who has recorded a chain can't have it vouch for ever. */
	if (problem == NULL && dkim_has_expired(signature))
		problem = "the signature has expired";
	if (problem != NULL) {
		finish(check, AUTH_FAIL, problem);
		return;
	}
	stage->bodies = dkim_bodies_new(check->filter->base, check->message);
	if (stage->bodies != NULL)
		stage->form = dkim_bodies_want(stage->bodies, signature->body, signature->limited,
					       signature->limit);
	if (stage->bodies == NULL || stage->form == -1 ||
	    dkim_bodies_start(stage->bodies, on_body, check) == -1)
		finish(check, AUTH_TEMPERROR, "there is no memory");
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg, AUTH_TEMPERROR, "DNS takes too long");
}

static void
start(struct check *check)
{
	static const struct timeval limit = {.tv_sec = ARC_SECONDS};
	struct arc_stage *stage = calloc(1, sizeof(*stage));
	const char *problem;

	check->stage = stage;
	if (stage == NULL ||
	    (stage->timer = evtimer_new(check->filter->base, on_time, check)) == NULL ||
	    evtimer_add(stage->timer, &limit) == -1) {
		check_no_evidence(check, "arc");
		stage_free(check);
		check_next(check);
		return;
	}
	problem = arc_collect(check->message, &stage->arc);
	stage->next = stage->arc.count - 1;
	if (problem != NULL)
		finish(check, AUTH_FAIL, problem);
	else if (stage->arc.count == 0)
		finish(check, AUTH_NONE, NULL);
	else
		begin_body(check);
}

const struct stage stage_arc = {
    .name = "arc",
    .kinds = FILTER_STRANGER,
    .start = start,
    .cancel = stage_free,
};
