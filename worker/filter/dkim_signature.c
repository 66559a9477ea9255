/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_signature.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/address.h"
#include "common/ascii.h"

/* -- Parts -------------------------------------------------------------------------------- */

/* With U-labels, which RFC 8616 4 has in d=, s= and i=, or A-labels. */
static bool
take_domain(const struct mime_text *value, char out[HOST_NAME_SIZE])
{
	return value != NULL &&
	       address_parse_domain_utf8(value->at, value->length, out) == ADDRESS_OK;
}

static enum dkim_algorithm
algorithm_of(const struct mime_text *value)
{
	static const struct {
		const char *name;
		enum dkim_algorithm algorithm;
	} algorithms[] = {
	    {"rsa-sha256", DKIM_RSA_SHA256},
	    {"ed25519-sha256", DKIM_ED25519_SHA256},
	    {"rsa-sha1", DKIM_RSA_SHA1},
	};

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (dkim_tag_is(value, algorithms[i].name))
			return algorithms[i].algorithm;
	}
	return DKIM_NO_ALGORITHM;
}

/* "relaxed/simple", "relaxed"; nothing is "simple/simple". */
static bool
take_canon(const struct mime_text *value, struct dkim_signature *signature)
{
	enum dkim_canon *out[2] = {&signature->header, &signature->body};
	struct mime_text word;
	size_t at = 0, count = 0;

	signature->header = signature->body = DKIM_SIMPLE;
	if (value == NULL)
		return true;
	while (dkim_next_word(value, '/', &at, &word)) {
		if (count == 2)
			return false;
		if (mime_is(word, "relaxed"))
			*out[count++] = DKIM_RELAXED;
		else if (mime_is(word, "simple"))
			*out[count++] = DKIM_SIMPLE;
		else
			return false;
	}
	return true;
}

/* Is one of the words in the list? */
static bool
list_has(const struct mime_text *list, const char *word)
{
	struct mime_text one;
	size_t at = 0;

	while (list != NULL && dkim_next_word(list, ':', &at, &one)) {
		if (mime_is(one, word))
			return true;
	}
	return false;
}

/* Is NAME the domain, or below it? */
static bool
is_within(const char *name, const char *domain, bool *below)
{
	size_t length = strlen(name), tail = strlen(domain);

	*below = length > tail;
	if (length < tail || strcasecmp(name + length - tail, domain) != 0)
		return false;
	return length == tail || name[length - tail - 1] == '.';
}

static bool
take_identity(const struct mime_text *value, struct dkim_signature *signature)
{
	char domain[HOST_NAME_SIZE];
	const char *at = NULL;

	if (value == NULL) {
		(void)snprintf(signature->identity, sizeof(signature->identity), "@%s",
			       signature->domain);
		return true;
	}
	for (size_t i = value->length; i > 0 && at == NULL; i--) {
		if (value->at[i - 1] == '@')
			at = value->at + i;
	}
	if (at == NULL || value->length >= sizeof(signature->identity) ||
	    address_parse_domain_utf8(at, (size_t)(value->at + value->length - at), domain) !=
		ADDRESS_OK)
		return false;
	for (size_t i = 0; i < value->length; i++)
		signature->identity[i] =
		    value->at[i] > ' ' && value->at[i] <= '~' ? value->at[i] : '?';
	signature->identity[value->length] = '\0';
	return is_within(domain, signature->domain, &signature->identity_below);
}

/* A number that may be missing. */
static bool
take_number(const struct mime_text *value, bool *has, uint64_t *number)
{
	*has = value != NULL;
	return value == NULL || dkim_tag_number(value, number);
}

/* -- A signature ---------------------------------------------------------------------------- */

/* What all kinds have. */
static const char *
take_common(const struct dkim_tags *tags, struct dkim_signature *signature)
{
	const struct mime_text *b = dkim_tag(tags, "b");
	bool domain = take_domain(dkim_tag(tags, "d"), signature->domain);
	bool selector = take_domain(dkim_tag(tags, "s"), signature->selector);

	if (!domain)
		return "no domain in d=";
	if (!selector)
		return "no selector in s=";
	signature->algorithm = algorithm_of(dkim_tag(tags, "a"));
	if (dkim_tag(tags, "a") == NULL)
		return "no a=";
	if (b == NULL ||
	    !dkim_tag_base64(b, signature->octets, sizeof(signature->octets), &signature->length))
		return "no signature in b=";
	for (size_t i = 0; i < tags->count; i++) {
		if (&tags->tags[i].value == b)
			signature->b = tags->tags[i].raw;
	}
	if (!take_number(dkim_tag(tags, "t"), &signature->has_time, &signature->time))
		return "no time in t=";
	return NULL;
}

/* What is said of header and body. */
static const char *
take_message(const struct dkim_tags *tags, struct dkim_signature *signature)
{
	const struct mime_text *h = dkim_tag(tags, "h"), *bh = dkim_tag(tags, "bh");
	size_t length;

	if (!list_has(h, "From")) /* RFC 6376 5.4 */
		return "h= without From";
	signature->fields = *h;
	if (bh == NULL ||
	    !dkim_tag_base64(bh, signature->body_hash, sizeof(signature->body_hash), &length) ||
	    length != sizeof(signature->body_hash))
		return "no hash in bh=";
	if (!take_canon(dkim_tag(tags, "c"), signature))
		return "unknown c=";
	if (!take_number(dkim_tag(tags, "l"), &signature->limited, &signature->limit))
		return "no number in l=";
	if (!take_number(dkim_tag(tags, "x"), &signature->has_expiry, &signature->expiry))
		return "no time in x=";
	if (signature->has_time && signature->has_expiry && signature->expiry <= signature->time)
		return "x= is before t=";
	return NULL;
}

const char *
dkim_signature_parse(struct mime_text value, enum dkim_kind kind, struct dkim_signature *signature)
{
	const struct mime_text *method;
	struct dkim_tags tags;
	const char *problem;

	memset(signature, 0, sizeof(*signature));
	if (!dkim_tags_parse(value, &tags))
		return "not a tag-list";
	problem = take_common(&tags, signature);
	/* Nobody's hash has another length; who it was has been read all the same. */
	if (problem == NULL && signature->algorithm == DKIM_RSA_SHA1)
		return NULL;
	if (problem == NULL && kind == DKIM_MESSAGE && !dkim_tag_is(dkim_tag(&tags, "v"), "1"))
		problem = "v= is not 1";
	method = dkim_tag(&tags, "q");
	/* Other methods that stand beside it are ignored (RFC 6376 3.5). */
	if (problem == NULL && method != NULL && !list_has(method, "dns/txt"))
		problem = "unknown q=";
	if (problem == NULL && kind != DKIM_ARC_SEAL)
		problem = take_message(&tags, signature);
	/* RFC 8617 4.1.2: which seals there are is for seals to say. */
	if (problem == NULL && kind == DKIM_ARC_MESSAGE && list_has(&signature->fields, "ARC-Seal"))
		problem = "h= has ARC-Seal";
	if (problem == NULL && kind == DKIM_MESSAGE &&
	    !take_identity(dkim_tag(&tags, "i"), signature))
		problem = "i= is not in d=";
	return problem;
}

bool
dkim_key_name(const struct dkim_signature *signature, char out[HOST_NAME_SIZE])
{
	int length = snprintf(out, HOST_NAME_SIZE, "%s._domainkey.%s", signature->selector,
			      signature->domain);

	/* RFC 1035 2.3.4: without the last dot. */
	return length > 0 && length <= 253;
}

/* -- A key ---------------------------------------------------------------------------------- */

const char *
dkim_key_parse(const char *text, size_t length, struct dkim_key *key)
{
	struct dkim_tags tags;
	const struct mime_text *v, *p, *k, *h, *s, *t;

	memset(key, 0, sizeof(*key));
	if (!dkim_tags_parse((struct mime_text){text, length}, &tags))
		return "the key's record is no tag-list";
	v = dkim_tag(&tags, "v");
	p = dkim_tag(&tags, "p");
	k = dkim_tag(&tags, "k");
	h = dkim_tag(&tags, "h");
	s = dkim_tag(&tags, "s");
	t = dkim_tag(&tags, "t");
	if (v != NULL &&
	    (v != &tags.tags[0].value || v->length != 5 || memcmp(v->at, "DKIM1", 5) != 0))
		return "the key's record is of another version";
	if (p == NULL)
		return "the key's record has no p=";
	if (k != NULL && !mime_is(*k, "rsa") && !mime_is(*k, "ed25519"))
		return "the key is of an unknown kind";
	key->ed25519 = dkim_tag_is(k, "ed25519");
	key->sha256 = h == NULL || list_has(h, "sha256");
	key->email = s == NULL || list_has(s, "*") || list_has(s, "email");
	key->testing = list_has(t, "y");
	key->strict = list_has(t, "s");
	if (p->length > 0 && !dkim_tag_base64(p, key->octets, sizeof(key->octets), &key->length))
		return "the key's p= is not base64";
	return NULL;
}
