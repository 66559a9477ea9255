/* SPDX-License-Identifier: ISC */
#include "worker/filter/spf_record.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/ascii.h"
#include "worker/filter/spf_macro.h"

#define VERSION "v=spf1"

/* What comes behind a mechanism's name. */
enum argument { ARGUMENT_NONE, ARGUMENT_DOMAIN, ARGUMENT_MAY_BE_DOMAIN, ARGUMENT_NETWORK };

static const struct {
	const char *name;
	enum argument argument;
	bool lengths; /* dual-cidr-length may follow */
} mechanisms[SPF_MECHANISMS] = {
    [SPF_ALL] = {"all", ARGUMENT_NONE, false},
    [SPF_INCLUDE] = {"include", ARGUMENT_DOMAIN, false},
    [SPF_A] = {"a", ARGUMENT_MAY_BE_DOMAIN, true},
    [SPF_MX] = {"mx", ARGUMENT_MAY_BE_DOMAIN, true},
    [SPF_PTR] = {"ptr", ARGUMENT_MAY_BE_DOMAIN, false},
    [SPF_IP4] = {"ip4", ARGUMENT_NETWORK, false},
    [SPF_IP6] = {"ip6", ARGUMENT_NETWORK, false},
    [SPF_EXISTS] = {"exists", ARGUMENT_DOMAIN, false},
};

/* -- Words ------------------------------------------------------------------------------------ */

static void
drop(struct mime_text *text, size_t count)
{
	text->at += count;
	text->length -= count;
}

/* The next word between spaces; false at the end. */
static bool
next_word(struct mime_text *rest, struct mime_text *word)
{
	while (rest->length > 0 && rest->at[0] == ' ')
		drop(rest, 1);
	*word = (struct mime_text){.at = rest->at};
	while (rest->length > 0 && rest->at[0] != ' ') {
		drop(rest, 1);
		word->length++;
	}
	return word->length > 0;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ); its length, or 0. */
static size_t
name_length(struct mime_text word)
{
	size_t n = 0;

	if (word.length == 0 || !ascii_is_alnum(word.at[0]) || ascii_is_digit(word.at[0]))
		return 0;
	while (n < word.length && (ascii_is_alnum(word.at[n]) || word.at[n] == '-' ||
				   word.at[n] == '_' || word.at[n] == '.'))
		n++;
	return n;
}

/* Splits "name=value"; false if it is no modifier. */
static bool
is_modifier(struct mime_text word, struct mime_text *name, struct mime_text *value)
{
	size_t length = name_length(word);

	if (length == 0 || length == word.length || word.at[length] != '=')
		return false;
	*name = (struct mime_text){.at = word.at, .length = length};
	*value = (struct mime_text){.at = word.at + length + 1, .length = word.length - length - 1};
	return true;
}

/* -- Mechanisms ------------------------------------------------------------------------------- */

/*
 * Takes a prefix length off the end of TEXT: SLASHES and a number up to MAX, which BITS gets. One
 * that is not there leaves BITS as it is; false: it is none.
 */
static bool
take_length(struct mime_text *text, const char *slashes, unsigned max, uint8_t *bits)
{
	size_t digits = 0, before = strlen(slashes);
	unsigned value = 0;
	const char *number;

	while (digits < text->length && ascii_is_digit(text->at[text->length - 1 - digits]))
		digits++;
	number = text->at + text->length - digits;
	if (digits == 0 || text->length < digits + before ||
	    memcmp(number - before, slashes, before) != 0)
		return true;
	if (digits > 3 || (digits > 1 && number[0] == '0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (unsigned)(number[i] - '0');
	if (value > max)
		return false;
	*bits = (uint8_t)value;
	text->length -= digits + before;
	return true;
}

static bool
read_network(struct mime_text text, struct spf_term *term)
{
	bool v4 = term->mechanism == SPF_IP4;
	struct network *network = &term->network;
	uint8_t bits = v4 ? 32 : 128;
	char address[INET6_ADDRSTRLEN];

	if (!take_length(&text, "/", bits, &bits) || text.length >= sizeof(address) ||
	    memchr(text.at, '\0', text.length) != NULL)
		return false;
	memcpy(address, text.at, text.length);
	address[text.length] = '\0';
	if (!v4) {
		network->bits = bits;
		return inet_pton(AF_INET6, address, &network->address) == 1;
	}
	network->address.s6_addr[10] = network->address.s6_addr[11] = 0xff;
	network->bits = (uint8_t)(96 + bits);
	return inet_pton(AF_INET, address, network->address.s6_addr + 12) == 1;
}

/* What is behind the mechanism's name. */
static bool
read_argument(struct mime_text text, struct spf_term *term)
{
	enum argument argument = mechanisms[term->mechanism].argument;

	if (mechanisms[term->mechanism].lengths && (!take_length(&text, "//", 128, &term->bits6) ||
						    !take_length(&text, "/", 32, &term->bits4)))
		return false;
	if (text.length == 0)
		return argument == ARGUMENT_NONE || argument == ARGUMENT_MAY_BE_DOMAIN;
	if (argument == ARGUMENT_NONE || text.at[0] != ':')
		return false;
	drop(&text, 1);
	if (argument == ARGUMENT_NETWORK)
		return read_network(text, term);
	term->domain = text;
	return spf_is_domain_spec(text);
}

static bool
read_directive(struct mime_text word, struct spf_term *term)
{
	static const struct {
		char c;
		enum spf_result result;
	} qualifiers[] = {
	    {'+', SPF_PASS}, {'-', SPF_FAIL}, {'?', SPF_NEUTRAL}, {'~', SPF_SOFTFAIL}};
	struct mime_text name;

	*term = (struct spf_term){.qualifier = SPF_PASS, .whole = word, .bits4 = 32, .bits6 = 128};
	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++) {
		if (word.at[0] != qualifiers[i].c)
			continue;
		term->qualifier = qualifiers[i].result;
		drop(&word, 1);
		break;
	}
	name = (struct mime_text){.at = word.at, .length = name_length(word)};
	drop(&word, name.length);
	for (int i = 0; i < SPF_MECHANISMS; i++) {
		if (!mime_is(name, mechanisms[i].name))
			continue;
		term->mechanism = (enum spf_mechanism)i;
		return read_argument(word, term);
	}
	return false;
}

/* -- Records ---------------------------------------------------------------------------------- */

bool
spf_is_record(struct mime_text text)
{
	const size_t length = sizeof(VERSION) - 1;
	struct mime_text version = {.at = text.at, .length = length};

	return text.length >= length && mime_is(version, VERSION) &&
	       (text.length == length || text.at[length] == ' ');
}

/* 6: each of the two may be there once; others are ignored, if they are well formed. */
static bool
read_modifier(struct spf_record *record, struct mime_text name, struct mime_text value)
{
	struct mime_text *place = NULL;

	if (mime_is(name, "redirect"))
		place = &record->redirect;
	else if (mime_is(name, "exp"))
		place = &record->explanation;
	if (place == NULL)
		return spf_is_macro_string(value);
	if (place->length > 0)
		return false;
	*place = value;
	return spf_is_domain_spec(value);
}

bool
spf_read_record(struct mime_text text, struct spf_record *record, struct mime_text *whom)
{
	struct mime_text rest, name, value;
	struct spf_term term;

	*record = (struct spf_record){.rest = text};
	*whom = text;
	if (text.length > SPF_RECORD_MAX)
		return false;
	drop(&record->rest, sizeof(VERSION) - 1);
	rest = record->rest;
	while (next_word(&rest, whom)) {
		bool good = is_modifier(*whom, &name, &value) ? read_modifier(record, name, value)
							      : read_directive(*whom, &term);

		if (!good)
			return false;
	}
	return true;
}

bool
spf_next_term(struct spf_record *record, struct spf_term *term)
{
	struct mime_text word, name, value;

	while (next_word(&record->rest, &word)) {
		if (!is_modifier(word, &name, &value))
			return read_directive(word, term);
	}
	return false;
}

const char *
spf_result_name(enum spf_result result)
{
	static const char *const names[SPF_RESULTS] = {
	    [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",
	    [SPF_PASS] = "pass",           [SPF_FAIL] = "fail",
	    [SPF_SOFTFAIL] = "softfail",   [SPF_TEMPERROR] = "temperror",
	    [SPF_PERMERROR] = "permerror",
	};

	return names[result];
}
