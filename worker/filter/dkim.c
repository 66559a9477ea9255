/* SPDX-License-Identifier: ISC */
/*
 * DKIM on arrival (RFC 6376 6): each signature of the message, at most DKIM_SIGNATURES_MAX, has its
 * body hash compared and its key looked up, then its header checked.
 *
 * It is our own code, not OpenDKIM's library: that has had no release since 2015 (Debian ships a
 * beta of 2018), waits inside of dkim_eom() for DNS and brings Berkeley DB. What there is to it are
 * two canonical forms and tag-lists, the arithmetic is OpenSSL's.
 */
#include "worker/filter/dkim.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "worker/dns/dns.h"
#include "worker/filter/act.h"
#include "worker/filter/dkim_bodies.h"
#include "worker/filter/dkim_header.h"
#include "worker/filter/filter.h"

struct one {
	struct verification *verification;
	const struct message_field *field;
	struct dkim_signature signature;
	enum auth_result result;
	const char *why;
	int form; /* of dkim_bodies, or -1 */
	struct dns_question *question;
	struct dkim_key key;
};

struct verification {
	struct check *check;
	struct event *timer;
	struct dkim_bodies *bodies;
	bool body_done;
	bool unread;      /* but the message can't be read */
	unsigned pending; /* questions */
	size_t count;
	struct one ones[DKIM_SIGNATURES_MAX];
};

static void
verification_free(struct verification *verification)
{
	if (verification == NULL)
		return;
	for (size_t i = 0; i < verification->count; i++)
		dns_forget(verification->ones[i].question);
	dkim_bodies_free(verification->bodies);
	if (verification->timer != NULL)
		event_free(verification->timer);
	free(verification);
}

/* -- Keys --------------------------------------------------------------------------------- */

struct finding {
	struct dkim_key *key;
	const char *problem; /* of the last record; NULL: one was a key */
	bool found;
};

/* Of several records the first that is a key is it (3.6.2.2 leaves that open). */
static void
take_record(const char *text, size_t length, void *arg)
{
	struct finding *finding = arg;
	struct dkim_key key;
	const char *problem;

	if (finding->found)
		return;
	problem = dkim_key_parse(text, length, &key);
	if (problem == NULL) {
		*finding->key = key;
		finding->found = true;
	}
	finding->problem = problem;
}

enum auth_result
dkim_key_of(const struct dns_reply *reply, struct dkim_key *key, const char **why)
{
	struct finding finding = {.key = key, .problem = "there is no key in DNS"};

	if (reply->status == DNS_FAILED) {
		*why = "DNS does not answer";
		return AUTH_TEMPERROR;
	}
	if (reply->status == DNS_ANSWERED &&
	    dns_parse_txt(reply->packet, reply->length, take_record, &finding) == -1) {
		*why = "DNS answers nonsense";
		return AUTH_TEMPERROR;
	}
	if (finding.found)
		return AUTH_PASS;
	*why = finding.problem;
	return AUTH_PERMERROR;
}

/* -- Judged ------------------------------------------------------------------------------- */

/* Does the key allow such signatures? NULL, or why not. */
static const char *
key_objects(const struct dkim_signature *signature, const struct dkim_key *key)
{
	if (key->length == 0)
		return "the key has been revoked";
	if (key->ed25519 != (signature->algorithm == DKIM_ED25519_SHA256))
		return "the key is of another algorithm";
	if (!key->sha256)
		return "the key is not for SHA-256";
	if (!key->email)
		return "the key is not for mail";
	if (key->strict && signature->identity_below)
		return "the key is not for subdomains";
	return NULL;
}

bool
dkim_has_expired(const struct dkim_signature *signature)
{
	return signature->has_expiry && signature->expiry < (uint64_t)time(NULL);
}

enum auth_result
dkim_judge(const struct dkim_signature *signature, const struct dkim_key *key,
	   const uint8_t header_hash[DKIM_HASH_SIZE], const char **why)
{
	static const struct {
		enum auth_result result;
		const char *why;
	} matches[] = {
	    [DKIM_MATCHES] = {AUTH_PASS, NULL},
	    [DKIM_DIFFERS] = {AUTH_FAIL, "the signature does not match"},
	    [DKIM_NO_KEY] = {AUTH_PERMERROR, "the key in DNS is none"},
	    [DKIM_WEAK_KEY] = {AUTH_POLICY, "the key has less than 1024 bits"},
	    [DKIM_STRONG_KEY] = {AUTH_POLICY, "the key has more than 4096 bits"},
	    [DKIM_NO_MEMORY] = {AUTH_TEMPERROR, "there is no memory"},
	};
	enum dkim_match match;

	*why = key_objects(signature, key);
	if (*why != NULL)
		return AUTH_PERMERROR;
	match = dkim_verify(signature, key, header_hash);
	*why = matches[match].why;
	return matches[match].result;
}

static void
set(struct one *one, enum auth_result result, const char *why)
{
	one->result = result;
	one->why = why;
}

/* It may be good: that nobody could look at it must not tell against the mail. */
static void
set_unknown(struct one *one, const char *why)
{
	check_no_evidence(one->verification->check, "dkim");
	set(one, AUTH_TEMPERROR, why);
}

/* The body comes first: it needs no key (6.1.3). True if it is what was signed. */
static bool
judge_body(struct one *one)
{
	const struct dkim_signature *signature = &one->signature;
	uint64_t size;
	const uint8_t *hash = dkim_bodies_hash(one->verification->bodies, one->form, &size);

	if (signature->limited && signature->limit > size)
		set(one, AUTH_NEUTRAL, "l= is more than there is");
	else if (memcmp(hash, signature->body_hash, DKIM_HASH_SIZE) != 0)
		set(one, AUTH_FAIL, "the body has changed");
	else if (signature->limited && signature->limit < size)
		/* 8.2: what is behind it is anybody's. */
		set(one, AUTH_POLICY, "there is more than l= has signed");
	else
		return true;
	return false;
}

static void
judge(struct one *one)
{
	uint8_t hash[DKIM_HASH_SIZE];

	if (one->result != AUTH_PASS)
		return;
	if (one->verification->unread) {
		set_unknown(one, "the message can't be read");
		return;
	}
	if (!judge_body(one))
		return;
	if (!dkim_header_hash(one->verification->check->message, one->field, &one->signature,
			      hash)) {
		if (errno == ENOMEM)
			set_unknown(one, "there is no memory");
		else
			set(one, AUTH_NEUTRAL, "h= is too long");
		return;
	}
	one->result = dkim_judge(&one->signature, &one->key, hash, &one->why);
	if (one->result == AUTH_TEMPERROR)
		set_unknown(one, one->why);
	/* 3.6.1: in testing, one that fails is as if there were none. What passes counts, as it
	 * does elsewhere: many domains leave t=y in place for ever, and publish p=reject. */
	if (one->key.testing && one->result == AUTH_FAIL)
		set(one, AUTH_NEUTRAL, "it does not match; the key is being tested");
}

/* -- What comes of it ---------------------------------------------------------------------- */

/* RFC 6008: the first characters of b=, which tell signatures apart. */
static void
short_b(const struct dkim_signature *signature, char out[9])
{
	size_t used = 0;

	for (size_t i = 0; i < signature->b.length && used < 8; i++) {
		if (signature->b.at[i] > ' ' && signature->b.at[i] <= '~')
			out[used++] = signature->b.at[i];
	}
	out[used] = '\0';
}

static void
tell(struct check *check, const struct one *one)
{
	static const char *const algorithms[] = {
	    [DKIM_RSA_SHA256] = "rsa-sha256",
	    [DKIM_ED25519_SHA256] = "ed25519-sha256",
	    [DKIM_RSA_SHA1] = "rsa-sha1",
	    [DKIM_NO_ALGORITHM] = "unknown",
	};
	const struct dkim_signature *signature = &one->signature;
	struct dkim_result *result = &check->dkim[check->dkim_count++];
	char b[9];

	result->result = one->result;
	strlcpy(result->domain, signature->domain, sizeof(result->domain));
	strlcpy(result->selector, signature->selector, sizeof(result->selector));
	short_b(signature, b);
	if (signature->domain[0] == '\0')
		check_result(check, "dkim", one->result, one->why, NULL);
	else
		check_result(check, "dkim", one->result, one->why, "header", "d", signature->domain,
			     "header", "s", signature->selector, "header", "a",
			     algorithms[signature->algorithm], "header", "b", b, NULL);
	log_event(LOG_INFO, "filter.dkim", KV_CONN(check->mail.conn),
		  KV_STR("domain", signature->domain), KV_STR("selector", signature->selector),
		  KV_STR("result", auth_result_name(one->result)),
		  KV_STR("why", one->why == NULL ? "" : one->why));
}

static void
finish(struct verification *verification)
{
	struct check *check = verification->check;

	for (size_t i = 0; i < verification->count; i++) {
		judge(&verification->ones[i]);
		tell(check, &verification->ones[i]);
	}
	check->stage = NULL;
	verification_free(verification);
	check_next(check);
}

static void
go_on(struct verification *verification)
{
	if (verification->body_done && verification->pending == 0)
		finish(verification);
}

static void
on_key(const struct dns_reply *reply, void *arg)
{
	struct one *one = arg;
	struct verification *verification = one->verification;

	one->question = NULL;
	verification->pending--;
	one->result = dkim_key_of(reply, &one->key, &one->why);
	go_on(verification);
}

static void
on_body(bool failed, void *arg)
{
	struct verification *verification = arg;

	verification->body_done = true;
	verification->unread = failed;
	go_on(verification);
}

/* What is not known by now is not found out. */
static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct verification *verification = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < verification->count; i++) {
		struct one *one = &verification->ones[i];

		if (one->question != NULL)
			set(one, AUTH_TEMPERROR, "DNS takes too long");
		else if (one->result == AUTH_PASS && !verification->body_done)
			set(one, AUTH_TEMPERROR, "the body takes too long");
		dns_forget(one->question);
		one->question = NULL;
	}
	finish(verification);
}

/* -- Begun -------------------------------------------------------------------------------- */

static void
ask_key(struct one *one)
{
	struct verification *verification = one->verification;
	char name[HOST_NAME_SIZE];

	if (!dkim_key_name(&one->signature, name)) {
		set(one, AUTH_PERMERROR, "no name of a key is that long");
		return;
	}
	one->question = dns_ask(verification->check->filter->resolver, name, DNS_TXT, on_key, one);
	if (one->question == NULL)
		set_unknown(one, "there is no memory");
	else
		verification->pending++;
}

static void
begin_one(struct verification *verification, const struct message_field *field)
{
	struct one *one = &verification->ones[verification->count++];
	struct dkim_signature *signature = &one->signature;
	const char *problem = dkim_signature_parse(field->text.value, DKIM_MESSAGE, signature);

	one->verification = verification;
	one->field = field;
	one->form = -1;
	set(one, AUTH_PASS, NULL);
	if (problem != NULL)
		set(one, AUTH_NEUTRAL, problem);
	else if (signature->algorithm == DKIM_RSA_SHA1)
		set(one, AUTH_POLICY, "rsa-sha1 counts no more"); /* RFC 8301 3.1 */
	else if (signature->algorithm == DKIM_NO_ALGORITHM)
		set(one, AUTH_NEUTRAL, "unknown a=");
	else if (dkim_has_expired(signature))
		set(one, AUTH_POLICY, "the signature has expired");
	if (one->result != AUTH_PASS)
		return;
	one->form = dkim_bodies_want(verification->bodies, signature->body, signature->limited,
				     signature->limit);
	if (one->form == -1)
		set_unknown(one, "there is no memory");
	else
		ask_key(one);
}

static void
without(struct check *check, enum auth_result result, const char *why)
{
	check_result(check, "dkim", result, why, NULL);
	check_next(check);
}

static struct verification *
verification_new(struct check *check)
{
	static const struct timeval limit = {.tv_sec = DKIM_SECONDS};
	struct event_base *base = check->filter->base;
	struct verification *verification = calloc(1, sizeof(*verification));

	if (verification == NULL)
		return NULL;
	verification->check = check;
	verification->bodies = dkim_bodies_new(base, check->message);
	verification->timer = evtimer_new(base, on_time, verification);
	if (verification->bodies != NULL && verification->timer != NULL &&
	    evtimer_add(verification->timer, &limit) == 0)
		return verification;
	verification_free(verification);
	return NULL;
}

static void
start(struct check *check)
{
	struct message_field *field = message_came(check->message, "DKIM-Signature", NULL);
	struct verification *verification;

	if (field == NULL) {
		without(check, AUTH_NONE, NULL);
		return;
	}
	verification = verification_new(check);
	if (verification == NULL) {
		check_no_evidence(check, "dkim");
		without(check, AUTH_TEMPERROR, "there is no memory");
		return;
	}
	check->stage = verification;
	for (; field != NULL && verification->count < DKIM_SIGNATURES_MAX;
	     field = message_came(check->message, "DKIM-Signature", field))
		begin_one(verification, field);
	if (dkim_bodies_start(verification->bodies, on_body, verification) == -1)
		on_body(true, verification);
}

static void
cancel(struct check *check)
{
	verification_free(check->stage);
	check->stage = NULL;
}

const struct stage stage_dkim = {
    .name = "dkim",
    .kinds = FILTER_STRANGER,
    .start = start,
    .cancel = cancel,
};
