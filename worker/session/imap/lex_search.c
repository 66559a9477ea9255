/* SPDX-License-Identifier: ISC */
/* Search programs (RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 5032, 7162, 8474, 8514) become trees. */
#include <string.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"
#include "worker/session/imap/parse.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What a key is followed by. */
enum argument {
	NOTHING,
	TEXT,
	DATE,
	NUMBER,  /* from 0 */
	SECONDS, /* from 1 */
	UIDS,
	KEYWORD,
	OBJECT,
	MODSEQ,
	HEADER,
	NEW,
	OR,
};

struct key {
	const char *name;
	enum imap_search_key key;
	enum argument argument;
	bool negated;
	uint8_t flag;
};

static const struct key keys[] = {
    {"ALL", IMAP_KEY_ALL, NOTHING, false, 0},
    {"ANSWERED", IMAP_KEY_FLAG, NOTHING, false, STORE_ANSWERED},
    {"BCC", IMAP_KEY_BCC, TEXT, false, 0},
    {"BEFORE", IMAP_KEY_BEFORE, DATE, false, 0},
    {"BODY", IMAP_KEY_BODY, TEXT, false, 0},
    {"CC", IMAP_KEY_CC, TEXT, false, 0},
    {"DELETED", IMAP_KEY_FLAG, NOTHING, false, STORE_DELETED},
    {"DRAFT", IMAP_KEY_FLAG, NOTHING, false, STORE_DRAFT},
    {"EMAILID", IMAP_KEY_EMAILID, OBJECT, false, 0},
    {"FLAGGED", IMAP_KEY_FLAG, NOTHING, false, STORE_FLAGGED},
    {"FROM", IMAP_KEY_FROM, TEXT, false, 0},
    {"HEADER", IMAP_KEY_HEADER, HEADER, false, 0},
    {"KEYWORD", IMAP_KEY_KEYWORD, KEYWORD, false, 0},
    {"LARGER", IMAP_KEY_LARGER, NUMBER, false, 0},
    {"MODSEQ", IMAP_KEY_MODSEQ, MODSEQ, false, 0},
    {"NEW", IMAP_KEY_AND, NEW, false, 0},
    {"OLD", IMAP_KEY_RECENT, NOTHING, true, 0},
    {"OLDER", IMAP_KEY_OLDER, SECONDS, false, 0},
    {"ON", IMAP_KEY_ON, DATE, false, 0},
    {"OR", IMAP_KEY_OR, OR, false, 0},
    {"RECENT", IMAP_KEY_RECENT, NOTHING, false, 0},
    {"SAVEDATESUPPORTED", IMAP_KEY_SAVEDATESUPPORTED, NOTHING, false, 0},
    {"SAVEDBEFORE", IMAP_KEY_SAVEDBEFORE, DATE, false, 0},
    {"SAVEDON", IMAP_KEY_SAVEDON, DATE, false, 0},
    {"SAVEDSINCE", IMAP_KEY_SAVEDSINCE, DATE, false, 0},
    {"SEEN", IMAP_KEY_FLAG, NOTHING, false, STORE_SEEN},
    {"SENTBEFORE", IMAP_KEY_SENTBEFORE, DATE, false, 0},
    {"SENTON", IMAP_KEY_SENTON, DATE, false, 0},
    {"SENTSINCE", IMAP_KEY_SENTSINCE, DATE, false, 0},
    {"SINCE", IMAP_KEY_SINCE, DATE, false, 0},
    {"SMALLER", IMAP_KEY_SMALLER, NUMBER, false, 0},
    {"SUBJECT", IMAP_KEY_SUBJECT, TEXT, false, 0},
    {"TEXT", IMAP_KEY_TEXT, TEXT, false, 0},
    {"THREADID", IMAP_KEY_THREADID, OBJECT, false, 0},
    {"TO", IMAP_KEY_TO, TEXT, false, 0},
    {"UID", IMAP_KEY_UID, UIDS, false, 0},
    {"UNANSWERED", IMAP_KEY_FLAG, NOTHING, true, STORE_ANSWERED},
    {"UNDELETED", IMAP_KEY_FLAG, NOTHING, true, STORE_DELETED},
    {"UNDRAFT", IMAP_KEY_FLAG, NOTHING, true, STORE_DRAFT},
    {"UNFLAGGED", IMAP_KEY_FLAG, NOTHING, true, STORE_FLAGGED},
    {"UNKEYWORD", IMAP_KEY_KEYWORD, KEYWORD, true, 0},
    {"UNSEEN", IMAP_KEY_FLAG, NOTHING, true, STORE_SEEN},
    {"YOUNGER", IMAP_KEY_YOUNGER, SECONDS, false, 0},
};

static bool search_key(struct imap_lexer *, struct imap_search_node **, unsigned depth);

static struct imap_search_node *
make_node(struct imap_lexer *lex, enum imap_search_key key)
{
	struct imap_search_node *node = lex_alloc(lex, sizeof(*node));

	if (node != NULL)
		node->key = key;
	return node;
}

/* search-key *(SP search-key), up to a closing parenthesis if IN_LIST, which is taken. */
static bool
all_of(struct imap_lexer *lex, struct imap_search_node **out, bool in_list, unsigned depth)
{
	struct imap_search_node *first = NULL, **next = &first;
	bool more = true;

	while (more) {
		if (!search_key(lex, next, depth) || *next == NULL)
			return false;
		next = &(*next)->next;
		if (in_list) {
			if (!lex_more(lex, &more))
				return false;
		} else
			more = lex_take(lex, ' ') && !lex_is(lex, '\r') && !lex_is(lex, '\n');
	}
	if (first->next == NULL) {
		*out = first;
		return true;
	}
	if ((*out = make_node(lex, IMAP_KEY_AND)) == NULL)
		return false;
	(*out)->children = first;
	return true;
}

/* OR a OR b c is one node of three: such chains can be long, and aren't deep. */
static bool
one_of(struct imap_lexer *lex, struct imap_search_node *node, unsigned depth)
{
	struct imap_search_node **next = &node->children;

	do {
		if (!lex_space(lex, "a search key") || !search_key(lex, next, depth + 1) ||
		    *next == NULL || !lex_space(lex, "another search key"))
			return false;
		next = &(*next)->next;
	} while (lex_take_word(lex, "OR"));
	return search_key(lex, next, depth + 1);
}

static bool
modseq(struct imap_lexer *lex, struct imap_search_node *node)
{
	struct imap_string entry;

	if (lex_is(lex, '"')) {
		if (!lex_string(lex, &entry, "an entry") || !lex_space(lex, "priv, shared or all"))
			return false;
		if (!lex_take_word(lex, "priv") && !lex_take_word(lex, "shared") &&
		    !lex_take_word(lex, "all"))
			return lex_expected(lex, "priv, shared or all");
		if (!lex_space(lex, "a mod-sequence"))
			return false;
	}
	return lex_modseq(lex, 0, &node->number);
}

static bool
header(struct imap_lexer *lex, struct imap_search_node *node)
{
	struct imap_string field;

	if (!lex_astring(lex, &field, "a header field's name") || !lex_space(lex, "a string") ||
	    !lex_astring(lex, &node->text, "a string"))
		return false;
	node->field = field.bytes;
	return true;
}

static bool
new_messages(struct imap_lexer *lex, struct imap_search_node *node)
{
	struct imap_search_node *recent = make_node(lex, IMAP_KEY_RECENT);
	struct imap_search_node *unseen = make_node(lex, IMAP_KEY_FLAG);

	if (recent == NULL || unseen == NULL)
		return false;
	unseen->flag = STORE_SEEN;
	unseen->negated = true;
	recent->next = unseen;
	node->children = recent;
	return true;
}

static bool
argument(struct imap_lexer *lex, enum argument kind, struct imap_search_node *node, unsigned depth)
{
	if (kind == NOTHING)
		return true;
	if (kind == NEW)
		return new_messages(lex, node);
	if (kind == OR)
		return one_of(lex, node, depth);
	if (!lex_space(lex, "its argument"))
		return false;
	switch (kind) {
	case TEXT:
		return lex_astring(lex, &node->text, "a string");
	case DATE:
		return lex_date(lex, &node->day);
	case NUMBER:
	case SECONDS:
		return lex_number(lex, kind == SECONDS, INT64_MAX, &node->number, "a number");
	case UIDS:
		return lex_set(lex, &node->set, "UIDs");
	case KEYWORD:
		return lex_atom(lex, &node->text, "a keyword");
	case OBJECT:
		return lex_atom(lex, &node->text, "an object's id");
	case MODSEQ:
		return modseq(lex, node);
	case HEADER:
		return header(lex, node);
	case NOTHING:
	case NEW:
	case OR:
		break;
	}
	return false;
}

static const struct key *
find_key(const struct imap_string *word)
{
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		if (lex_same(word, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

static bool
named_key(struct imap_lexer *lex, struct imap_search_node **out, unsigned depth)
{
	const char *begin = lex->at;
	struct imap_string word;
	const struct key *key;

	if (!lex_word(lex, &word, "a search key"))
		return false;
	if ((key = find_key(&word)) == NULL) {
		lex->at = begin;
		return lex_expected(lex, "a search key");
	}
	lex->after = key->name;
	if ((*out = make_node(lex, key->key)) == NULL)
		return false;
	(*out)->flag = key->flag;
	(*out)->negated = key->negated;
	return argument(lex, key->argument, *out, depth);
}

static bool
numbers(struct imap_lexer *lex, struct imap_search_node **out)
{
	return (*out = make_node(lex, IMAP_KEY_NUMBERS)) != NULL &&
	       lex_set(lex, &(*out)->set, "a sequence set");
}

static bool
search_key(struct imap_lexer *lex, struct imap_search_node **out, unsigned depth)
{
	bool negated = false, good;

	*out = NULL;
	if (depth > IMAP_SEARCH_DEPTH_MAX)
		return lex_fail(lex, "Search keys are more than %d levels inside each other",
				IMAP_SEARCH_DEPTH_MAX);
	while (lex_take_word(lex, "NOT")) {
		lex->after = "NOT";
		negated = !negated;
		if (!lex_space(lex, "a search key"))
			return false;
	}
	if (lex_take(lex, '('))
		good = all_of(lex, out, true, depth + 1);
	else if (lex_is(lex, '*') || lex_is(lex, '$') ||
		 (lex->at < lex->end && ascii_is_digit(*lex->at)))
		good = numbers(lex, out);
	else
		good = named_key(lex, out, depth);
	if (good && negated && *out != NULL)
		(*out)->negated = !(*out)->negated;
	return good;
}

bool
lex_search_program(struct imap_lexer *lex, struct imap_search_node **out)
{
	return all_of(lex, out, false, 0);
}
