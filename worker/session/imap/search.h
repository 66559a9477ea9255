/* SPDX-License-Identifier: ISC */
/*
 * search - does a message match a search program (RFC 9051 6.4.4)? Pure: what it has to know of a
 * message it is given, or asks for through a callback. What is cheap is asked first; the message
 * itself is read only if nothing else decides.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_SEARCH_H
#define POSTERN_WORKER_SESSION_IMAP_SEARCH_H

#include "common/mime/structure.h"
#include "worker/session/imap/command.h"

/* What a program means depends on when and where it is asked. */
struct imap_search_world {
	uint32_t max_number; /* what `*` is: the highest sequence number and UID, 0 if empty */
	uint32_t max_uid;
	const struct store_range *saved; /* `$`: UIDs, ascending */
	size_t saved_count;
	int64_t now;  /* seconds since the epoch: OLDER, YOUNGER */
	int32_t zone; /* seconds east of UTC: the days of INTERNALDATE and SAVEDATE */
};

struct imap_searcher;

enum imap_search_open {
	IMAP_SEARCH_OPEN,
	IMAP_SEARCH_BADCHARSET, /* RFC 9051 6.4.4: NO [BADCHARSET (...)] */
	IMAP_SEARCH_NO_MEMORY,
};

/* What may be said in BADCHARSET's list. */
#define IMAP_SEARCH_CHARSETS "(US-ASCII UTF-8 ISO-8859-1 ISO-8859-15 WINDOWS-1252)"

/*
 * Makes it ready; everything is copied. imap_searcher_free() when it was IMAP_SEARCH_OPEN. CHARSET:
 * as in struct imap_search; NULL is UTF-8.
 */
enum imap_search_open imap_searcher_new(const struct imap_search_node *program, const char *charset,
					const struct imap_search_world *, struct imap_searcher **);
void imap_searcher_free(struct imap_searcher *);

/* Time has gone on: OLDER and YOUNGER count from NOW. */
void imap_searcher_set_now(struct imap_searcher *, int64_t now);
/* What store_scan() shall give: STORE_WANT_ bits. */
unsigned imap_searcher_wants(const struct imap_searcher *);
/* Does the program have MODSEQ (RFC 7162 3.1.5: then the answer has it too)? */
bool imap_searcher_has_modseq(const struct imap_searcher *);
/* Can another answer come of a message that is there already: by its flags, its age? */
bool imap_searcher_can_change(const struct imap_searcher *);
/* Does it ask for sequence numbers (which UIDONLY forbids)? */
bool imap_searcher_has_numbers(const struct imap_searcher *);
/*
 * Words that are in each message that matches, for store_candidates(): folded, the searcher's.
 * None: the index can't help.
 */
const char *const *imap_searcher_words(const struct imap_searcher *, size_t *count);
/* The UIDs that can match at all, ascending ranges, the searcher's; false: any. */
bool imap_searcher_uids(const struct imap_searcher *, const struct store_range **ranges,
			size_t *count);

struct imap_candidate {
	const struct store_message *message; /* with what imap_searcher_wants() */
	uint32_t number;                     /* sequence number; 0: has none */
	bool recent;
	const char *thread; /* THREADID, or NULL */
	/* The message's octets, valid until the searcher is asked about the next. NULL: can't be
	 * read. */
	const char *(*read)(const struct store_message *, size_t *length, void *arg);
	/* Asked before what takes long: true gives up. May be NULL. */
	bool (*stop)(void *arg);
	void *arg;
};

/* 1: it matches. 0: it doesn't. -1: no memory, read() failed, or stop() gave up. */
int imap_searcher_matches(struct imap_searcher *, const struct imap_candidate *);

#endif
