/* SPDX-License-Identifier: ISC */
/* SEARCH, SORT, THREAD, ESEARCH, CANCELUPDATE (RFC 9051 6.4.4, RFC 5256, 5267, 7377, 9394). */
#include "common/ascii.h"
#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct imap_word return_options[] = {
    {"MIN", IMAP_RETURN_MIN},         {"MAX", IMAP_RETURN_MAX},
    {"ALL", IMAP_RETURN_ALL},         {"COUNT", IMAP_RETURN_COUNT},
    {"SAVE", IMAP_RETURN_SAVE},       {"UPDATE", IMAP_RETURN_UPDATE},
    {"CONTEXT", IMAP_RETURN_CONTEXT}, {"PARTIAL", IMAP_RETURN_PARTIAL},
};

/* RFC 5465 8: "UPDATE" ["(" fetch-att ... ")"]; with a space in the examples of RFC 5465 5.3. */
static bool
update_items(struct imap_lexer *lex, struct imap_search *search)
{
	if (!lex_is(lex, '(')) {
		if (!lex_take_list(lex))
			return true;
		lex->at--;
	}
	search->update_fetch = lex_alloc(lex, sizeof(*search->update_fetch));
	return search->update_fetch != NULL && lex_fetch_items(lex, search->update_fetch, false);
}

static bool
return_option(struct imap_lexer *lex, struct imap_search *search)
{
	unsigned option;

	if (!lex_lookup(lex, return_options, COUNT(return_options), &option,
			"MIN, MAX, ALL, COUNT, SAVE, UPDATE, CONTEXT or PARTIAL"))
		return false;
	if (option == IMAP_RETURN_PARTIAL) {
		if (search->partial.given)
			return lex_fail(lex, "PARTIAL is there twice (RFC 9394 3.1)");
		if (!lex_space(lex, "a range like 1:100 or -1:-100") ||
		    !lex_partial(lex, &search->partial))
			return false;
	}
	search->give |= option;
	return option != IMAP_RETURN_UPDATE || update_items(lex, search);
}

/* Behind "RETURN". */
static bool
returned(struct imap_lexer *lex, struct imap_search *search)
{
	const unsigned one_of = IMAP_RETURN_PARTIAL | IMAP_RETURN_ALL;
	bool more;

	lex->after = "RETURN";
	search->has_return = true;
	if (!lex_space(lex, "result options") || !lex_open(lex, "result options"))
		return false;
	more = !lex_take(lex, ')');
	if (!more)
		search->give = IMAP_RETURN_ALL;
	while (more) {
		if (!return_option(lex, search) || !lex_more(lex, &more))
			return false;
	}
	if ((search->give & one_of) == one_of)
		return lex_fail(lex, "PARTIAL and ALL can't be both asked for (RFC 9394 3.1)");
	return true;
}

static bool
charset(struct imap_lexer *lex, struct imap_search *search)
{
	struct imap_string name;
	char *copy;
	size_t i;

	if (!lex_astring(lex, &name, "a charset") ||
	    (copy = lex_alloc(lex, name.length + 1)) == NULL)
		return false;
	for (i = 0; i < name.length; i++) {
		char c = name.bytes[i];

		if (c <= ' ' || c >= 0x7f)
			return lex_fail(lex, "A charset's name after %s that isn't one",
					lex->after);
		copy[i] = (char)(ascii_is_lower(c) ? c - 'a' + 'A' : c);
	}
	search->charset = copy;
	return true;
}

/* [RETURN (...) SP] [CHARSET charset SP] search-key ..., behind a space. */
static bool
search_arguments(struct imap_lexer *lex, struct imap_search *search)
{
	if (lex_take_word(lex, "RETURN") &&
	    (!returned(lex, search) || !lex_space(lex, "search keys")))
		return false;
	if (lex_take_word(lex, "CHARSET")) {
		lex->after = "CHARSET";
		if (!lex_space(lex, "a charset") || !charset(lex, search) ||
		    !lex_space(lex, "search keys"))
			return false;
	}
	return lex_search_program(lex, &search->program) && lex_end(lex);
}

bool
imap_parse_search(struct imap_lexer *lex, struct imap_command *command)
{
	return lex_space(lex, "search keys") && search_arguments(lex, &command->search);
}

/* RFC 7377 2.2: "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")" */
static bool
sources(struct imap_lexer *lex, struct imap_search *search)
{
	bool more = true;

	lex->after = "IN";
	if (!lex_space(lex, "mailboxes") || !lex_open(lex, "mailboxes"))
		return false;
	while (more) {
		struct imap_filter *all =
		    lex_grow(lex, search->sources, search->source_count, sizeof(*all));

		if (all == NULL)
			return false;
		search->sources = all;
		if (!lex_filter(lex, &all[search->source_count]))
			return false;
		if (all[search->source_count].kind == IMAP_FILTER_SELECTED_DELAYED)
			return lex_fail(lex, "ESEARCH takes no selected-delayed (RFC 7377 2.2)");
		search->source_count++;
		if (!lex_more(lex, &more))
			return false;
	}
	return true;
}

bool
imap_parse_esearch(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_search *search = &command->search;

	if (!lex_space(lex, "search keys"))
		return false;
	if (lex_take_word(lex, "IN") && (!sources(lex, search) || !lex_space(lex, "search keys")))
		return false;
	if (!search_arguments(lex, search))
		return false;
	/* Without RETURN the answer is ESEARCH's all the same. */
	if (!search->has_return)
		search->give = IMAP_RETURN_ALL;
	search->has_return = true;
	return true;
}

static const struct imap_word sort_keys[] = {
    {"ARRIVAL", IMAP_SORT_ARRIVAL},
    {"CC", IMAP_SORT_CC},
    {"DATE", IMAP_SORT_DATE},
    {"FROM", IMAP_SORT_FROM},
    {"SIZE", IMAP_SORT_SIZE},
    {"SUBJECT", IMAP_SORT_SUBJECT},
    {"TO", IMAP_SORT_TO},
    {"DISPLAYFROM", IMAP_SORT_DISPLAYFROM},
    {"DISPLAYTO", IMAP_SORT_DISPLAYTO},
};

/* More than every key in both directions can't change an order. */
#define SORT_KEYS_MAX (2 * COUNT(sort_keys))

static bool
sort_criteria(struct imap_lexer *lex, struct imap_search *search)
{
	bool more = true;
	unsigned key;

	if (!lex_open(lex, "sort keys"))
		return false;
	while (more) {
		struct imap_sort_by *by =
		    lex_grow(lex, search->sort, search->sort_count, sizeof(*by));

		if (by == NULL)
			return false;
		search->sort = by;
		if (search->sort_count == SORT_KEYS_MAX)
			return lex_fail(lex, "More than %zu sort keys", SORT_KEYS_MAX);
		by += search->sort_count++;
		by->reverse = lex_take_word(lex, "REVERSE");
		if (by->reverse) {
			lex->after = "REVERSE";
			if (!lex_space(lex, "a sort key"))
				return false;
		}
		if (!lex_lookup(lex, sort_keys, COUNT(sort_keys), &key, "a sort key like DATE") ||
		    !lex_more(lex, &more))
			return false;
		by->key = (enum imap_sort_key)key;
	}
	return true;
}

/* charset 1*(SP search-key) */
static bool
search_criteria(struct imap_lexer *lex, struct imap_search *search)
{
	return lex_space(lex, "a charset") && charset(lex, search) &&
	       lex_space(lex, "search keys") && lex_search_program(lex, &search->program) &&
	       lex_end(lex);
}

bool
imap_parse_sort(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_search *search = &command->search;

	if (!lex_space(lex, "sort keys"))
		return false;
	if (lex_take_word(lex, "RETURN") &&
	    (!returned(lex, search) || !lex_space(lex, "sort keys")))
		return false;
	return sort_criteria(lex, search) && search_criteria(lex, search);
}

bool
imap_parse_thread(struct imap_lexer *lex, struct imap_command *command)
{
	static const struct imap_word algorithms[] = {
	    {"ORDEREDSUBJECT", IMAP_THREAD_ORDEREDSUBJECT},
	    {"REFERENCES", IMAP_THREAD_REFERENCES},
	};
	unsigned algorithm;

	if (!lex_space(lex, "an algorithm") ||
	    !lex_lookup(lex, algorithms, COUNT(algorithms), &algorithm,
			"ORDEREDSUBJECT or REFERENCES"))
		return false;
	command->search.algorithm = (enum imap_thread_algorithm)algorithm;
	return search_criteria(lex, &command->search);
}

bool
imap_parse_cancelupdate(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_strings *tags = &command->strings;

	do {
		struct imap_string *list = lex_grow(lex, tags->list, tags->count, sizeof(*list));

		if (list == NULL)
			return false;
		tags->list = list;
		if (!lex_space(lex, "a quoted tag") ||
		    !lex_astring(lex, &list[tags->count], "a quoted tag"))
			return false;
		tags->count++;
	} while (lex_is(lex, ' '));
	return lex_end(lex);
}
