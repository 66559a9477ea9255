/* SPDX-License-Identifier: ISC */
/* ID, ENABLE, COMPRESS, quota and metadata (RFC 2971, 5161, 4978, 9208, 5464). */
#include "common/ascii.h"
#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ID_PAIRS_MAX 30 /* RFC 2971 3.3 */

static bool
id_pair(struct imap_lexer *lex, struct imap_id *id)
{
	struct imap_string *fields, *values;

	if (id->count == ID_PAIRS_MAX)
		return lex_fail(lex, "More than %d fields (RFC 2971 3.3)", ID_PAIRS_MAX);
	fields = lex_grow(lex, id->fields, id->count, sizeof(*fields));
	values = lex_grow(lex, id->values, id->count, sizeof(*values));
	if (fields == NULL || values == NULL)
		return false;
	id->fields = fields;
	id->values = values;
	if (!lex_string(lex, &fields[id->count], "a field's name in quotes") ||
	    !lex_space(lex, "its value") ||
	    !lex_nstring(lex, &values[id->count], false, "its value in quotes, or NIL"))
		return false;
	id->count++;
	return true;
}

bool
imap_parse_id(struct imap_lexer *lex, struct imap_command *command)
{
	bool more = true;

	if (!lex_space(lex, "NIL or a list"))
		return false;
	if (lex_take_word(lex, "NIL"))
		return lex_end(lex);
	if (!lex_open(lex, "fields"))
		return false;
	more = !lex_take(lex, ')');
	while (more) {
		if (!id_pair(lex, &command->id) || !lex_more(lex, &more))
			return false;
	}
	return lex_end(lex);
}

bool
imap_parse_enable(struct imap_lexer *lex, struct imap_command *command)
{
	static const struct imap_word known[] = {
	    {"CONDSTORE", IMAP_ENABLE_CONDSTORE}, {"QRESYNC", IMAP_ENABLE_QRESYNC},
	    {"UTF8=ACCEPT", IMAP_ENABLE_UTF8},    {"IMAP4REV2", IMAP_ENABLE_REV2},
	    {"UIDONLY", IMAP_ENABLE_UIDONLY},
	};
	struct imap_string name;
	size_t i;

	do {
		if (!lex_space(lex, "a capability") || !lex_word(lex, &name, "a capability"))
			return false;
		for (i = 0; i < COUNT(known); i++) {
			if (lex_same(&name, known[i].name))
				command->enable |= known[i].value;
		}
	} while (lex_is(lex, ' '));
	return lex_end(lex);
}

bool
imap_parse_word(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_string word;

	if (!lex_space(lex, "a mechanism") || !lex_atom(lex, &word, "a mechanism"))
		return false;
	command->string = word.bytes;
	return lex_end(lex);
}

bool
imap_parse_root(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_string root;

	if (!lex_space(lex, "a quota root") || !lex_astring(lex, &root, "a quota root"))
		return false;
	command->string = root.bytes;
	return lex_end(lex);
}

/* XUIDS SP mailbox SP uidvalidity SP uidnext [SP "DONE"] */
bool
imap_parse_uids(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_uids *uids = &command->uids;

	if (!lex_space(lex, "a mailbox name") ||
	    !lex_mailbox(lex, &uids->mailbox, "a mailbox name") ||
	    !lex_space(lex, "a UIDVALIDITY") ||
	    !lex_number32(lex, 1, &uids->uidvalidity, "a UIDVALIDITY") ||
	    !lex_space(lex, "a UIDNEXT") || !lex_number32(lex, 1, &uids->uidnext, "a UIDNEXT"))
		return false;
	uids->done = lex_take_word(lex, " DONE");
	return lex_end(lex);
}

bool
imap_parse_setquota(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_setquota *quota = &command->setquota;
	struct imap_string text;
	bool more;

	if (!lex_space(lex, "a quota root") || !lex_astring(lex, &text, "a quota root") ||
	    !lex_space(lex, "limits") || !lex_open(lex, "limits"))
		return false;
	quota->root = text.bytes;
	more = !lex_take(lex, ')');
	while (more) {
		struct imap_quota_limit *limits =
		    lex_grow(lex, quota->limits, quota->count, sizeof(*limits));

		if (limits == NULL)
			return false;
		quota->limits = limits;
		if (!lex_atom(lex, &text, "a resource like STORAGE") ||
		    !lex_space(lex, "a number") ||
		    !lex_number(lex, 0, INT64_MAX, &limits[quota->count].limit, "a number") ||
		    !lex_more(lex, &more))
			return false;
		limits[quota->count++].resource = text.bytes;
	}
	return lex_end(lex);
}

/* "(" ... ")", the first parenthesis of which has been read. */
static bool
metadata_options(struct imap_lexer *lex, struct imap_getmetadata *get)
{
	bool more = true;

	while (more) {
		if (lex_take_word(lex, "MAXSIZE")) {
			lex->after = "MAXSIZE";
			get->has_max_size = true;
			if (!lex_space(lex, "a number") ||
			    !lex_number(lex, 0, INT64_MAX, &get->max_size, "a number"))
				return false;
		} else if (lex_take_word(lex, "DEPTH")) {
			lex->after = "DEPTH";
			if (!lex_space(lex, "0, 1 or infinity"))
				return false;
			if (lex_take_word(lex, "infinity"))
				get->depth = IMAP_DEPTH_INFINITY;
			else if (lex_take_word(lex, "1"))
				get->depth = 1;
			else if (lex_take_word(lex, "0"))
				get->depth = 0;
			else
				return lex_expected(lex, "0, 1 or infinity");
		} else
			return lex_expected(lex, "MAXSIZE or DEPTH");
		if (!lex_more(lex, &more))
			return false;
	}
	return true;
}

/* Options stand before the name (RFC 5464 5), or after it as in the examples of RFC 5464 4.2.1. */
bool
imap_parse_getmetadata(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_getmetadata *get = &command->getmetadata;

	if (lex_take_list(lex) && !metadata_options(lex, get))
		return false;
	if (!lex_space(lex, "a mailbox name") || !lex_mailbox(lex, &get->mailbox, "a mailbox name"))
		return false;
	if (lex->end - lex->at > 2 && lex->at[1] == '(' && ascii_is_alnum(lex->at[2]) &&
	    lex_take_list(lex) && !metadata_options(lex, get))
		return false;
	return lex_space(lex, "entries") && lex_entries(lex, &get->entries) && lex_end(lex);
}

bool
imap_parse_setmetadata(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_setmetadata *set = &command->setmetadata;
	size_t *count = &set->entries.count;
	bool more = true;

	if (!lex_space(lex, "a mailbox name") ||
	    !lex_mailbox(lex, &set->mailbox, "a mailbox name") || !lex_space(lex, "entries") ||
	    !lex_open(lex, "entries"))
		return false;
	while (more) {
		struct imap_string *entries, *values;

		entries = lex_grow(lex, set->entries.list, *count, sizeof(*entries));
		values = lex_grow(lex, set->values, *count, sizeof(*values));
		if (entries == NULL || values == NULL)
			return false;
		set->entries.list = entries;
		set->values = values;
		if (!lex_entry(lex, &entries[*count]) || !lex_space(lex, "its value") ||
		    !lex_nstring(lex, &values[*count], true, "its value in quotes, or NIL") ||
		    !lex_more(lex, &more))
			return false;
		++*count;
	}
	return lex_end(lex);
}
