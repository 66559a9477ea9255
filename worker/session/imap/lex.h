/* SPDX-License-Identifier: ISC */
/*
 * lex - the words of IMAP's grammar (RFC 9051 9, RFC 4466), read from one command's octets.
 *
 * Every function that reads returns true and goes past what it read, or false with an error in the
 * lexer. "Expected WHAT after AFTER, found ...": WHAT is the function's argument, AFTER the
 * lexer's `after`, which callers set to what they have just read.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_LEX_H
#define POSTERN_WORKER_SESSION_IMAP_LEX_H

#include "common/error.h"
#include "worker/session/imap/arena.h"
#include "worker/session/imap/command.h"

struct imap_lexer {
	const char *at, *end; /* the last octets are a line's end */
	struct imap_arena *arena;
	const char *safe;  /* APPEND: from here on to be read again if `incomplete` */
	const char *after; /* what stands before, for errors */
	bool utf8;         /* names are UTF-8 */
	bool administrator;
	bool incomplete; /* failed only because a literal that is announced hasn't come */
	bool failed;
	bool limit; /* for want of memory */
	struct error err;
};

/* A word with something to be found by it. */
struct imap_word {
	const char *name; /* upper case */
	unsigned value;
};

/* Sets the error, if there is none yet; false. */
bool lex_fail(struct imap_lexer *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The error "Expected WHAT after ..., found ...". */
bool lex_expected(struct imap_lexer *, const char *what);
/* Memory, zeroed; NULL with the error set. */
void *lex_alloc(struct imap_lexer *, size_t size);
/* imap_arena_grow(); NULL with the error set. */
void *lex_grow(struct imap_lexer *, void *array, size_t count, size_t element);

static inline bool
lex_is(const struct imap_lexer *lex, char c)
{
	return lex->at < lex->end && *lex->at == c;
}

/* Takes C if it is next; no error. */
bool lex_take(struct imap_lexer *, char c);
/* Takes a word (any case) if it is next, and ends there; no error. */
bool lex_take_word(struct imap_lexer *, const char *word);
/* Takes " (" if that is next; no error. */
bool lex_take_list(struct imap_lexer *);
/* A space, before WHAT. */
bool lex_space(struct imap_lexer *, const char *what);
/* A parenthesis, before WHAT. */
bool lex_open(struct imap_lexer *, const char *what);
/* Behind an element of a list: a space (*MORE) or the closing parenthesis. */
bool lex_more(struct imap_lexer *, bool *more);
/* The line's end; spaces before it are forgiven. */
bool lex_end(struct imap_lexer *);

/* An atom without brackets, where it stands; no copy. */
bool lex_word(struct imap_lexer *, struct imap_string *, const char *what);
/* True if they are the same but for case. */
bool lex_same(const struct imap_string *, const char *word);
/* A word that is in the table. "Expected WHAT ..." if it is none of them. */
bool lex_lookup(struct imap_lexer *, const struct imap_word *, size_t count, unsigned *value,
		const char *what);

/* All of ATOM-CHAR; copied. */
bool lex_atom(struct imap_lexer *, struct imap_string *, const char *what);
bool lex_astring(struct imap_lexer *, struct imap_string *, const char *what);
/* Quoted, literal. */
bool lex_string(struct imap_lexer *, struct imap_string *, const char *what);
/* NIL is bytes == NULL; LITERAL8: that is allowed too. */
bool lex_nstring(struct imap_lexer *, struct imap_string *, bool literal8, const char *what);
/* list-mailbox: an astring that may have wildcards. */
bool lex_pattern(struct imap_lexer *, struct imap_string *, const char *what);

/* LITERAL's announcement "{n}" and its line end at AT; *END is behind it. False: there is none. */
struct imap_announced {
	uint64_t octets;
	bool overflow; /* more than 2^63 - 1 */
	bool sync;
	bool literal8;
};
bool lex_announcement(const char *at, const char *end, struct imap_announced *,
		      const char **behind);

bool lex_number(struct imap_lexer *, uint64_t min, uint64_t max, uint64_t *, const char *what);
bool lex_number32(struct imap_lexer *, uint32_t min, uint32_t *, const char *what);
/* A mod-sequence (RFC 7162 7). */
bool lex_modseq(struct imap_lexer *, uint64_t min, uint64_t *);
/* A number or `*`, which is IMAP_STAR. */
bool lex_seq_number(struct imap_lexer *, uint32_t *, const char *what);
bool lex_set(struct imap_lexer *, struct imap_set *, const char *what);
/* A set without `*` and `$`. */
bool lex_known_set(struct imap_lexer *, struct imap_set *, const char *what);
/* RFC 9394 4: partial-range. */
bool lex_partial(struct imap_lexer *, struct imap_partial *);

/* date, in quotes or not: days since 1970-01-01. */
bool lex_date(struct imap_lexer *, int64_t *day);
/* date-time: seconds since the epoch. */
bool lex_date_time(struct imap_lexer *, int64_t *seconds);

/* A folder's name in UTF-8 (NFC); INBOX in capitals. */
bool lex_mailbox(struct imap_lexer *, const char **, const char *what);
/* One name, or some in parentheses. */
bool lex_mailboxes(struct imap_lexer *, const char ***, size_t *count);
/* A pattern for names in UTF-8. */
bool lex_mailbox_pattern(struct imap_lexer *, const char **);

/* "(" [flag *(SP flag)] ")" */
bool lex_flags(struct imap_lexer *, struct imap_flags *);
/* The same without parentheses, to the line's end. */
bool lex_bare_flags(struct imap_lexer *, struct imap_flags *);
/* A metadata entry's name, lower case (RFC 5464 3.2); and a list of them or one. */
bool lex_entry(struct imap_lexer *, struct imap_string *);
bool lex_entries(struct imap_lexer *, struct imap_strings *);
/* "(" status-att ... ")" */
bool lex_status_items(struct imap_lexer *, unsigned *);
/* A fetch-att list in parentheses, or one fetch-att or (with MACROS) a macro. */
bool lex_fetch_items(struct imap_lexer *, struct imap_fetch_items *, bool macros);
/* [.PEEK][section]<partial> behind its name. */
bool lex_section(struct imap_lexer *, struct imap_section *);
/* search-key *(SP search-key) */
bool lex_search_program(struct imap_lexer *, struct imap_search_node **);
/* RFC 5465 8: filter-mailboxes. */
bool lex_filter(struct imap_lexer *, struct imap_filter *);

#endif
