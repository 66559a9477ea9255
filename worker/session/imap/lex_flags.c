/* SPDX-License-Identifier: ISC */
/* Flags and status items. */
#include <string.h>

#include "worker/session/imap/lex.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct imap_word system_flags[] = {
    {"SEEN", STORE_SEEN},
    {"ANSWERED", STORE_ANSWERED},
    {"DRAFT", STORE_DRAFT},
    {"FLAGGED", STORE_FLAGGED},
    {"RECENT", 0}, /* clients copy it from a FETCH; it is nobody's to set (RFC 3501 2.3.2) */
    {"DELETED", STORE_DELETED},
};

/* One flag; a keyword goes to KEYWORDS, which has room for all. */
static bool
flag(struct imap_lexer *lex, struct imap_flags *flags, char *keywords, size_t *length)
{
	struct imap_string word;
	unsigned bit;

	if (lex_take(lex, '\\')) {
		if (!lex_lookup(
			lex, system_flags, COUNT(system_flags), &bit,
			"one of the flags \\Answered, \\Deleted, \\Draft, \\Flagged, \\Seen"))
			return false;
		flags->flags |= (uint8_t)bit;
		return true;
	}
	if (!lex_atom(lex, &word, "a flag"))
		return false;
	if (*length > 0)
		keywords[(*length)++] = ' ';
	memcpy(keywords + *length, word.bytes, word.length);
	*length += word.length;
	return true;
}

/* Room for the keywords of a list: no more than there is to its end. */
static char *
room(struct imap_lexer *lex, char end)
{
	const char *close = memchr(lex->at, end, (size_t)(lex->end - lex->at));

	return lex_alloc(lex, (size_t)((close == NULL ? lex->end : close) - lex->at) + 1);
}

bool
lex_flags(struct imap_lexer *lex, struct imap_flags *flags)
{
	size_t length = 0;
	char *keywords;
	bool more = true;

	flags->flags = 0;
	if (!lex_open(lex, "flags") || (keywords = room(lex, ')')) == NULL)
		return false;
	flags->keywords = keywords;
	if (lex_take(lex, ')'))
		return true;
	while (more) {
		if (!flag(lex, flags, keywords, &length) || !lex_more(lex, &more))
			return false;
	}
	return true;
}

bool
lex_bare_flags(struct imap_lexer *lex, struct imap_flags *flags)
{
	size_t length = 0;
	char *keywords = room(lex, '\n');

	flags->flags = 0;
	if (keywords == NULL)
		return false;
	flags->keywords = keywords;
	do {
		if (!flag(lex, flags, keywords, &length))
			return false;
	} while (lex_take(lex, ' '));
	return true;
}

static const struct imap_word status_items[] = {
    {"MESSAGES", IMAP_STATUS_MESSAGES},
    {"RECENT", IMAP_STATUS_RECENT},
    {"UIDNEXT", IMAP_STATUS_UIDNEXT},
    {"UIDVALIDITY", IMAP_STATUS_UIDVALIDITY},
    {"UNSEEN", IMAP_STATUS_UNSEEN},
    {"DELETED", IMAP_STATUS_DELETED},
    {"DELETED-STORAGE", IMAP_STATUS_DELETED_STORAGE},
    {"SIZE", IMAP_STATUS_SIZE},
    {"HIGHESTMODSEQ", IMAP_STATUS_HIGHESTMODSEQ},
    {"MAILBOXID", IMAP_STATUS_MAILBOXID},
    {"APPENDLIMIT", IMAP_STATUS_APPENDLIMIT},
};

bool
lex_status_items(struct imap_lexer *lex, unsigned *items)
{
	bool more = true;
	unsigned item;

	*items = 0;
	if (!lex_open(lex, "status items"))
		return false;
	while (more) {
		if (!lex_lookup(lex, status_items, COUNT(status_items), &item,
				"a status item like MESSAGES or UIDNEXT") ||
		    !lex_more(lex, &more))
			return false;
		*items |= item;
	}
	return true;
}
