/* SPDX-License-Identifier: ISC */
/* Commands about folders: SELECT, CREATE, RENAME, STATUS and those with one name. */
#include <string.h>

#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool
imap_parse_none(struct imap_lexer *lex, struct imap_command *command)
{
	(void)command;
	return lex_end(lex);
}

bool
imap_parse_anything(struct imap_lexer *lex, struct imap_command *command)
{
	(void)command;
	lex->at = lex->end;
	return true;
}

bool
imap_parse_mailbox(struct imap_lexer *lex, struct imap_command *command)
{
	return lex_space(lex, "a mailbox name") &&
	       lex_mailbox(lex, &command->mailbox, "a mailbox name") && lex_end(lex);
}

bool
imap_parse_rename(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_rename *rename = &command->rename;

	return lex_space(lex, "a mailbox name") &&
	       lex_mailbox(lex, &rename->from, "a mailbox name") &&
	       lex_space(lex, "the new mailbox name") &&
	       lex_mailbox(lex, &rename->to, "the new mailbox name") && lex_end(lex);
}

/* "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" */
static bool
qresync(struct imap_lexer *lex, struct imap_select *select)
{
	lex->after = "QRESYNC";
	if (select->qresync)
		return lex_fail(lex, "QRESYNC is there twice");
	select->qresync = true;
	if (!lex_space(lex, "its parameters") || !lex_open(lex, "a UIDVALIDITY") ||
	    !lex_number32(lex, 1, &select->uidvalidity, "a UIDVALIDITY") ||
	    !lex_space(lex, "a mod-sequence") || !lex_modseq(lex, 1, &select->modseq))
		return false;
	if (lex_take(lex, ')'))
		return true;
	if (!lex_space(lex, "known UIDs or a closing parenthesis"))
		return false;
	if (!lex_is(lex, '(')) {
		select->has_known_uids = true;
		if (!lex_known_set(lex, &select->known_uids, "known UIDs"))
			return false;
		if (lex_take(lex, ')'))
			return true;
		if (!lex_space(lex, "known sequence numbers or a closing parenthesis"))
			return false;
	}
	select->has_match = true;
	return lex_open(lex, "known sequence numbers") &&
	       lex_known_set(lex, &select->match_numbers, "known sequence numbers") &&
	       lex_space(lex, "their UIDs") &&
	       lex_known_set(lex, &select->match_uids, "their UIDs") &&
	       (lex_take(lex, ')') || lex_expected(lex, "a closing parenthesis")) &&
	       (lex_take(lex, ')') || lex_expected(lex, "a closing parenthesis"));
}

bool
imap_parse_select(struct imap_lexer *lex, struct imap_command *command)
{
	static const struct imap_word parameters[] = {{"CONDSTORE", 0}, {"QRESYNC", 1}};
	struct imap_select *select = &command->select;
	unsigned parameter;
	bool more;

	if (!lex_space(lex, "a mailbox name") ||
	    !lex_mailbox(lex, &select->mailbox, "a mailbox name"))
		return false;
	more = lex_take_list(lex);
	while (more) {
		if (!lex_lookup(lex, parameters, COUNT(parameters), &parameter,
				"CONDSTORE or QRESYNC"))
			return false;
		if (parameter == 0)
			select->condstore = true;
		else if (!qresync(lex, select))
			return false;
		if (!lex_more(lex, &more))
			return false;
	}
	return lex_end(lex);
}

static const struct imap_word uses[] = {
    {"ALL", STORE_USE_ALL},       {"ARCHIVE", STORE_USE_ARCHIVE},
    {"DRAFTS", STORE_USE_DRAFTS}, {"FLAGGED", STORE_USE_FLAGGED},
    {"JUNK", STORE_USE_JUNK},     {"SENT", STORE_USE_SENT},
    {"TRASH", STORE_USE_TRASH},   {"IMPORTANT", STORE_USE_IMPORTANT},
};

static bool
use_attribute(struct imap_lexer *lex, struct imap_create *create)
{
	struct imap_string word;
	size_t i;

	if (!lex_take(lex, '\\'))
		return lex_expected(lex, "a special use like \\Sent");
	if (!lex_atom(lex, &word, "a special use like \\Sent"))
		return false;
	for (i = 0; i < COUNT(uses); i++) {
		if (lex_same(&word, uses[i].name)) {
			create->use |= uses[i].value;
			return true;
		}
	}
	create->unknown_use = word.bytes;
	return true;
}

/* RFC 6154 3: "USE" SP "(" [use-attr *(SP use-attr)] ")" */
bool
imap_parse_create(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_create *create = &command->create;
	bool more = true;

	if (!lex_space(lex, "a mailbox name") ||
	    !lex_mailbox(lex, &create->mailbox, "a mailbox name"))
		return false;
	if (!lex_take_list(lex))
		return lex_end(lex);
	if (!lex_take_word(lex, "USE"))
		return lex_expected(lex, "USE");
	lex->after = "USE";
	if (!lex_space(lex, "special uses") || !lex_open(lex, "special uses"))
		return false;
	if (!lex_take(lex, ')')) {
		while (more) {
			if (!use_attribute(lex, create) || !lex_more(lex, &more))
				return false;
		}
	}
	if (!lex_take(lex, ')'))
		return lex_expected(lex, "a closing parenthesis");
	return lex_end(lex);
}

bool
imap_parse_status(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_status *status = &command->status;

	return lex_space(lex, "a mailbox name") &&
	       lex_mailbox(lex, &status->mailbox, "a mailbox name") &&
	       lex_space(lex, "status items") && lex_status_items(lex, &status->items) &&
	       lex_end(lex);
}
