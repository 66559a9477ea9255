/* SPDX-License-Identifier: ISC */
/* STORE (RFC 9051 6.4.6, RFC 7162 3.1.3), COPY, MOVE, UID EXPUNGE. */
#include "worker/session/imap/parse_private.h"

static const char numbers[] = "a number";

static bool
modifiers(struct imap_lexer *lex, struct imap_store *store)
{
	if (!lex_take_word(lex, "UNCHANGEDSINCE"))
		return lex_expected(lex, "UNCHANGEDSINCE");
	lex->after = "UNCHANGEDSINCE";
	if (!lex_space(lex, "a mod-sequence") || !lex_modseq(lex, 0, &store->unchanged_since))
		return false;
	return lex_take(lex, ')') || lex_expected(lex, "a closing parenthesis");
}

bool
imap_parse_store(struct imap_lexer *lex, struct imap_command *command)
{
	static const struct imap_word names[] = {{"FLAGS", 0}, {"FLAGS.SILENT", 1}};
	static const char what[] = "FLAGS, +FLAGS or -FLAGS, with or without .SILENT";
	struct imap_store *store = &command->store;
	unsigned silent;

	store->unchanged_since = UINT64_MAX;
	if (!lex_space(lex, numbers) || !lex_set(lex, &store->set, numbers))
		return false;
	if (lex_take_list(lex) && !modifiers(lex, store))
		return false;
	if (!lex_space(lex, what))
		return false;
	store->how = STORE_FLAGS_REPLACE;
	if (lex_take(lex, '+'))
		store->how = STORE_FLAGS_ADD;
	else if (lex_take(lex, '-'))
		store->how = STORE_FLAGS_REMOVE;
	if (!lex_lookup(lex, names, 2, &silent, what) || !lex_space(lex, "flags"))
		return false;
	store->silent = silent != 0;
	if (!(lex_is(lex, '(') ? lex_flags : lex_bare_flags)(lex, &store->flags))
		return false;
	return lex_end(lex);
}

bool
imap_parse_copy(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_copy *copy = &command->copy;

	return lex_space(lex, numbers) && lex_set(lex, &copy->set, numbers) &&
	       lex_space(lex, "a mailbox name") &&
	       lex_mailbox(lex, &copy->mailbox, "a mailbox name") && lex_end(lex);
}

bool
imap_parse_expunge(struct imap_lexer *lex, struct imap_command *command)
{
	if (command->uid && (!lex_space(lex, numbers) || !lex_set(lex, &command->set, numbers)))
		return false;
	return lex_end(lex);
}
