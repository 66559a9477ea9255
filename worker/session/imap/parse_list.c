/* SPDX-License-Identifier: ISC */
/* LIST with its extensions (RFC 9051 6.3.9, RFC 5258, 5819, 6154, 8440, 9590), LSUB. */
#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct imap_word selection[] = {
    {"SUBSCRIBED", IMAP_LIST_SUBSCRIBED},
    {"REMOTE", IMAP_LIST_REMOTE},
    {"RECURSIVEMATCH", IMAP_LIST_RECURSIVEMATCH},
    {"SPECIAL-USE", IMAP_LIST_SPECIAL_USE},
};

static const struct imap_word returned[] = {
    {"SUBSCRIBED", IMAP_LIST_SUBSCRIBED},   {"CHILDREN", IMAP_LIST_CHILDREN},
    {"SPECIAL-USE", IMAP_LIST_SPECIAL_USE}, {"STATUS", IMAP_LIST_STATUS},
    {"METADATA", IMAP_LIST_METADATA},       {"MYRIGHTS", IMAP_LIST_MYRIGHTS},
};

/* "(" ... ")", the first parenthesis of which has been read. */
static bool
selection_options(struct imap_lexer *lex, struct imap_list *list)
{
	bool more = !lex_take(lex, ')');
	unsigned option;

	while (more) {
		if (!lex_lookup(lex, selection, COUNT(selection), &option,
				"SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE") ||
		    !lex_more(lex, &more))
			return false;
		list->select |= option;
	}
	/* RFC 9051 6.3.9.1: it modifies something that can stand alone. */
	if ((list->select & IMAP_LIST_RECURSIVEMATCH) != 0 &&
	    (list->select & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)) == 0)
		return lex_fail(lex, "RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it");
	return true;
}

static bool
patterns(struct imap_lexer *lex, struct imap_list *list)
{
	bool in_list = lex_take(lex, '('), more = false;

	list->extended = list->extended || in_list;
	do {
		const char **all = lex_grow(lex, list->patterns, list->pattern_count, sizeof(*all));

		if (all == NULL)
			return false;
		list->patterns = all;
		if (!lex_mailbox_pattern(lex, &all[list->pattern_count]) ||
		    (in_list && !lex_more(lex, &more)))
			return false;
		list->pattern_count++;
	} while (more);
	return true;
}

/* Behind "RETURN (". */
static bool
return_options(struct imap_lexer *lex, struct imap_list *list)
{
	bool more = !lex_take(lex, ')');
	unsigned option;

	while (more) {
		if (!lex_lookup(lex, returned, COUNT(returned), &option,
				"SUBSCRIBED, CHILDREN, SPECIAL-USE, STATUS, METADATA or MYRIGHTS"))
			return false;
		list->give |= option;
		if (option == IMAP_LIST_STATUS && (!lex_space(lex, "status items") ||
						   !lex_status_items(lex, &list->status_items)))
			return false;
		if (option == IMAP_LIST_METADATA &&
		    (!lex_space(lex, "entries") || !lex_entries(lex, &list->metadata)))
			return false;
		if (!lex_more(lex, &more))
			return false;
	}
	return true;
}

bool
imap_parse_list(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_list *list = &command->list;

	if (lex_take_list(lex)) {
		list->extended = true;
		if (!selection_options(lex, list))
			return false;
	}
	if (!lex_space(lex, "a reference name") ||
	    !lex_mailbox(lex, &list->reference, "a reference name") ||
	    !lex_space(lex, "a mailbox name or pattern") || !patterns(lex, list))
		return false;
	if (lex_is(lex, ' ') && lex->end - lex->at > 1 && lex->at[1] != ' ' && lex->at[1] != '\r' &&
	    lex->at[1] != '\n') {
		list->extended = true;
		lex->at++;
		if (!lex_take_word(lex, "RETURN"))
			return lex_expected(lex, "RETURN");
		lex->after = "RETURN";
		if (!lex_space(lex, "what to return") || !lex_open(lex, "what to return") ||
		    !return_options(lex, list))
			return false;
	}
	return lex_end(lex);
}

bool
imap_parse_lsub(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_list *list = &command->list;

	if (!lex_space(lex, "a reference name") ||
	    !lex_mailbox(lex, &list->reference, "a reference name") ||
	    !lex_space(lex, "a mailbox name or pattern") || !patterns(lex, list))
		return false;
	if (list->extended)
		return lex_fail(lex, "LSUB takes one pattern, without parentheses");
	return lex_end(lex);
}
