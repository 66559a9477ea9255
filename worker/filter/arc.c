/* SPDX-License-Identifier: ISC */
#include "worker/filter/arc.h"

#include <string.h>

#include "common/address.h"
#include "common/ascii.h"

static const char *const names[ARC_FIELDS] = {
    [ARC_RESULTS] = "ARC-Authentication-Results",
    [ARC_MESSAGE] = "ARC-Message-Signature",
    [ARC_SEAL] = "ARC-Seal",
};

/* -- Comments and blanks (RFC 5322 3.2.2) ----------------------------------------------------- */

/* What stands for itself, whatever it is: the octet behind a backslash (RFC 5322 3.2.1). */
static bool
is_escaped(struct mime_text rest)
{
	return rest.at[0] == '\\' && rest.length > 1;
}

static void
advance(struct mime_text *rest, size_t count)
{
	rest->at += count;
	rest->length -= count;
}

static void
skip_comments(struct mime_text *rest)
{
	unsigned depth = 0;

	for (; rest->length > 0; advance(rest, 1)) {
		char c = rest->at[0];

		if (depth > 0 && is_escaped(*rest))
			advance(rest, 1);
		else if (c == '(')
			depth++;
		else if (depth > 0)
			depth -= c == ')';
		else if (!ascii_is_fws(c))
			break;
	}
}

static bool
take_char(struct mime_text *rest, char c)
{
	skip_comments(rest);
	if (rest->length == 0 || rest->at[0] != c)
		return false;
	advance(rest, 1);
	return true;
}

/* -- Instances -------------------------------------------------------------------------------- */

/* The number of an AAR, which begins with it (4.1.1); it is no tag-list. 0: it has none. */
static unsigned
results_instance(struct mime_text value)
{
	unsigned number = 0;

	if (!take_char(&value, 'i') || !take_char(&value, '='))
		return 0;
	skip_comments(&value);
	while (value.length > 0 && ascii_is_digit(value.at[0]) && number <= ARC_SETS_MAX) {
		number = number * 10 + (unsigned)(value.at[0] - '0');
		(void)take_char(&value, value.at[0]);
	}
	return number <= ARC_SETS_MAX && take_char(&value, ';') ? number : 0;
}

static unsigned
tag_instance(struct mime_text value)
{
	struct dkim_tags tags;
	const struct mime_text *i;
	uint64_t number;

	if (!dkim_tags_parse(value, &tags) || (i = dkim_tag(&tags, "i")) == NULL ||
	    !dkim_tag_number(i, &number) || number > ARC_SETS_MAX)
		return 0;
	return (unsigned)number;
}

/* Puts all fields of a kind where they belong. NULL, or what is wrong. */
static const char *
collect(const struct message *message, enum arc_field kind, struct arc *arc)
{
	const struct message_field *field = NULL;
	size_t found = 0;

	while ((field = message_came(message, names[kind], field)) != NULL) {
		unsigned number = kind == ARC_RESULTS ? results_instance(field->text.value)
						      : tag_instance(field->text.value);

		if (number == 0)
			return "a field of the chain has no i= from 1 to 50";
		if (arc->sets[number - 1].fields[kind] != NULL)
			return "an i= is there twice";
		arc->sets[number - 1].fields[kind] = field;
		if (number > arc->count)
			arc->count = number;
		found++;
	}
	return found == arc->count ? NULL : "a field of the chain is missing";
}

/* -- Structure -------------------------------------------------------------------------------- */

/* cv= of a seal (4.1.3); NULL, or what is wrong. */
static const char *
check_seal(struct mime_text value, size_t n, size_t count)
{
	struct dkim_tags tags;
	const struct mime_text *cv;

	if (!dkim_tags_parse(value, &tags) || (cv = dkim_tag(&tags, "cv")) == NULL)
		return "a seal has no cv=";
	if (dkim_tag(&tags, "h") != NULL)
		return "a seal has h=";
	if (n + 1 == count && dkim_tag_is(cv, "fail"))
		return "it had failed before";
	return dkim_tag_is(cv, n == 0 ? "none" : "pass") ? NULL : "a seal's cv= can't be";
}

const char *
arc_collect(const struct message *message, struct arc *arc)
{
	const char *problem = NULL;

	memset(arc, 0, sizeof(*arc));
	for (int kind = ARC_FIELDS; kind > 0 && problem == NULL; kind--)
		problem = collect(message, (enum arc_field)(kind - 1), arc);
	for (size_t n = 0; n < arc->count && problem == NULL; n++) {
		for (int kind = 0; kind < ARC_FIELDS && problem == NULL; kind++) {
			if (arc->sets[n].fields[kind] == NULL)
				problem = "a field of the chain is missing";
		}
	}
	/* The newest first: one that says "fail" is believed (5.2, step 2). */
	for (size_t n = arc->count; n > 0 && problem == NULL; n--)
		problem =
		    check_seal(arc->sets[n - 1].fields[ARC_SEAL]->text.value, n - 1, arc->count);
	return problem;
}

bool
arc_seal_hash(const struct arc *arc, size_t n, const struct dkim_signature *seal,
	      uint8_t hash[DKIM_HASH_SIZE])
{
	EVP_MD_CTX *context = dkim_hash_begin();
	bool good = context != NULL;

	for (size_t i = 0; i <= n && good; i++) {
		for (int kind = 0; kind < ARC_FIELDS && good; kind++) {
			struct mime_text whole = arc->sets[i].fields[kind]->text.whole;

			good = i == n && kind == ARC_SEAL
				   ? dkim_hash_own(context, DKIM_RELAXED, whole, seal->b)
				   : dkim_hash_field(context, DKIM_RELAXED, whole);
		}
	}
	if (good)
		dkim_hash_end(context, hash);
	else
		dkim_hash_drop(context);
	return good;
}

/* -- What a set says -------------------------------------------------------------------------- */

/* The next word of an AAR: up to a blank or ";", which is a word of its own; comments are none. */
static bool
next_word(struct mime_text *rest, struct mime_text *word)
{
	bool quoted = false;

	skip_comments(rest);
	*word = (struct mime_text){.at = rest->at};
	if (rest->length > 0 && rest->at[0] == ';') {
		word->length = 1;
		advance(rest, 1);
		return true;
	}
	while (rest->length > 0) {
		char c = rest->at[0];

		if (!quoted && (ascii_is_fws(c) || c == '(' || c == ';'))
			break;
		if (quoted && is_escaped(*rest))
			advance(rest, 1);
		else
			quoted = quoted != (c == '"');
		advance(rest, 1);
	}
	word->length = (size_t)(rest->at - word->at);
	return word->length > 0;
}

static bool
begins(struct mime_text word, const char *with)
{
	size_t length = strlen(with);

	return word.length >= length && mime_is((struct mime_text){word.at, length}, with);
}

bool
arc_dmarc_passed(struct mime_text value, char out[HOST_NAME_SIZE])
{
	static const char from[] = "header.from=";
	struct mime_text word;
	bool first = false, passed = false;

	while (next_word(&value, &word)) {
		if (word.length == 1 && word.at[0] == ';') {
			passed = false;
			first = true;
		} else if (first) {
			passed = mime_is(word, "dmarc=pass");
			first = false;
		} else if (passed && begins(word, from)) {
			advance(&word, sizeof(from) - 1);
			return address_parse_domain_utf8(word.at, word.length, out) == ADDRESS_OK;
		}
	}
	return false;
}
