/* SPDX-License-Identifier: ISC */
/* FETCH (RFC 9051 6.4.5, RFC 7162 3.1.4, 3.2.6, RFC 8474, 8514, 8970, 9394). */
#include <string.h>

#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECTIONS_MAX 256 /* each is a walk through the message */

#define FAST (IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_RFC822_SIZE)

static const struct imap_word macros[] = {
    {"ALL", FAST | IMAP_FETCH_ENVELOPE},
    {"FAST", FAST},
    {"FULL", FAST | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY},
};

static const struct imap_word items[] = {
    {"UID", IMAP_FETCH_UID},
    {"FLAGS", IMAP_FETCH_FLAGS},
    {"INTERNALDATE", IMAP_FETCH_INTERNALDATE},
    {"RFC822.SIZE", IMAP_FETCH_RFC822_SIZE},
    {"ENVELOPE", IMAP_FETCH_ENVELOPE},
    {"BODY", IMAP_FETCH_BODY},
    {"BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE},
    {"MODSEQ", IMAP_FETCH_MODSEQ},
    {"EMAILID", IMAP_FETCH_EMAILID},
    {"THREADID", IMAP_FETCH_THREADID},
    {"SAVEDATE", IMAP_FETCH_SAVEDATE},
    {"PREVIEW", IMAP_FETCH_PREVIEW},
};

/* Items that are sections; a fixed label is of RFC 3501 and takes no [section]. */
static const struct {
	const char *name;
	const char *label;
	enum imap_section_how how;
	enum imap_section_text text;
	bool peek;
} sections[] = {
    {"BODY", NULL, IMAP_SECTION_BODY, IMAP_SECTION_ALL, false},
    {"BODY.PEEK", NULL, IMAP_SECTION_BODY, IMAP_SECTION_ALL, true},
    {"BINARY", NULL, IMAP_SECTION_BINARY, IMAP_SECTION_ALL, false},
    {"BINARY.PEEK", NULL, IMAP_SECTION_BINARY, IMAP_SECTION_ALL, true},
    {"BINARY.SIZE", NULL, IMAP_SECTION_BINARY_SIZE, IMAP_SECTION_ALL, true},
    {"RFC822", "RFC822", IMAP_SECTION_BODY, IMAP_SECTION_ALL, false},
    {"RFC822.HEADER", "RFC822.HEADER", IMAP_SECTION_BODY, IMAP_SECTION_HEADER, true},
    {"RFC822.TEXT", "RFC822.TEXT", IMAP_SECTION_BODY, IMAP_SECTION_TEXT, false},
};

static struct imap_section *
add_section(struct imap_lexer *lex, struct imap_fetch_items *out)
{
	struct imap_section *all;

	if (out->section_count == SECTIONS_MAX) {
		lex_fail(lex, "More than %d sections in one command", SECTIONS_MAX);
		return NULL;
	}
	all = lex_grow(lex, out->sections, out->section_count, sizeof(*all));
	if (all == NULL)
		return NULL;
	out->sections = all;
	return &all[out->section_count++];
}

/* *FOUND false: NAME is no section's. */
static bool
section_item(struct imap_lexer *lex, const struct imap_string *name, struct imap_fetch_items *out,
	     bool *found)
{
	struct imap_section *section;
	size_t i;

	*found = false;
	for (i = 0; i < COUNT(sections); i++) {
		/* BODY without [ is the structure. */
		if (!lex_same(name, sections[i].name) || (i == 0 && !lex_is(lex, '[')))
			continue;
		*found = true;
		if ((section = add_section(lex, out)) == NULL)
			return false;
		section->how = sections[i].how;
		section->text = sections[i].text;
		section->peek = sections[i].peek;
		section->label = sections[i].label;
		lex->after = sections[i].name;
		return sections[i].label != NULL || lex_section(lex, section);
	}
	return true;
}

/* RFC 8970 3.2: PREVIEW [SP "(" "LAZY" ")"]; another list may be FETCH's modifiers. */
static void
preview_modifier(struct imap_lexer *lex, struct imap_fetch_items *out)
{
	static const char lazy[] = " (LAZY)";

	if ((size_t)(lex->end - lex->at) >= sizeof(lazy) - 1 &&
	    strncasecmp(lex->at, lazy, sizeof(lazy) - 1) == 0) {
		lex->at += sizeof(lazy) - 1;
		out->items |= IMAP_FETCH_PREVIEW_LAZY;
	}
}

static bool
fetch_att(struct imap_lexer *lex, struct imap_fetch_items *out, bool with_macros)
{
	const char *begin = lex->at;
	struct imap_string name;
	unsigned item;
	size_t i;
	bool found;

	if (!lex_word(lex, &name, "a data item"))
		return false;
	if (!section_item(lex, &name, out, &found) || found)
		return found && !lex->failed;
	for (i = 0; with_macros && i < COUNT(macros); i++) {
		if (lex_same(&name, macros[i].name)) {
			out->items |= macros[i].value;
			return true;
		}
	}
	lex->at = begin;
	if (!lex_lookup(lex, items, COUNT(items), &item, "a data item like FLAGS or BODY[]"))
		return false;
	out->items |= item;
	if (item == IMAP_FETCH_PREVIEW)
		preview_modifier(lex, out);
	return true;
}

bool
lex_fetch_items(struct imap_lexer *lex, struct imap_fetch_items *out, bool with_macros)
{
	bool more = true;

	if (!lex_take(lex, '('))
		return fetch_att(lex, out, with_macros);
	while (more) {
		if (!fetch_att(lex, out, false) || !lex_more(lex, &more))
			return false;
	}
	return true;
}

enum modifier { CHANGEDSINCE, VANISHED, PARTIAL };

static bool
modifier(struct imap_lexer *lex, struct imap_fetch *fetch)
{
	static const struct imap_word modifiers[] = {
	    {"CHANGEDSINCE", CHANGEDSINCE}, {"VANISHED", VANISHED}, {"PARTIAL", PARTIAL}};
	unsigned which;

	if (!lex_lookup(lex, modifiers, COUNT(modifiers), &which,
			"CHANGEDSINCE, VANISHED or PARTIAL"))
		return false;
	switch ((enum modifier)which) {
	case CHANGEDSINCE:
		fetch->has_changed_since = true;
		return lex_space(lex, "a mod-sequence") &&
		       lex_modseq(lex, 1, &fetch->changed_since);
	case VANISHED:
		fetch->vanished = true;
		return true;
	case PARTIAL:
		return lex_space(lex, "a range like 1:100 or -1:-100") &&
		       lex_partial(lex, &fetch->partial);
	}
	return false;
}

bool
imap_parse_fetch(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_fetch *fetch = &command->fetch;
	static const char numbers[] = "a number";
	bool more;

	if (!lex_space(lex, numbers) || !lex_set(lex, &fetch->set, numbers) ||
	    !lex_space(lex, "data items") || !lex_fetch_items(lex, &fetch->what, true))
		return false;
	more = lex_take_list(lex);
	while (more) {
		if (!modifier(lex, fetch) || !lex_more(lex, &more))
			return false;
	}
	if (fetch->vanished && (!command->uid || !fetch->has_changed_since))
		return lex_fail(lex, "VANISHED is for UID FETCH with CHANGEDSINCE only");
	if (fetch->partial.given && !command->uid) /* RFC 9394 3.3 */
		return lex_fail(lex, "PARTIAL is for UID FETCH only");
	return lex_end(lex);
}
