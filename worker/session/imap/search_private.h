/* SPDX-License-Identifier: ISC */
/* search_private - what search.c (making a searcher) and search_match.c (asking it) share. */
#ifndef POSTERN_WORKER_SESSION_IMAP_SEARCH_PRIVATE_H
#define POSTERN_WORKER_SESSION_IMAP_SEARCH_PRIVATE_H

#include "worker/session/imap/search.h"

/* How much it takes to answer; children are asked in that order. */
enum search_cost { COST_ENTRY, COST_SUMMARY, COST_KEPT, COST_HEADER, COST_BODY };

struct search_key {
	enum imap_search_key key;
	enum search_cost cost;
	bool negated;
	uint8_t flag;
	int64_t day;
	uint64_t number;
	struct store_range *ranges; /* NUMBERS, UID: ascending, without overlaps; of `$`: UIDs */
	size_t range_count;
	char *field;   /* header fields; NUL behind it */
	char *text;    /* folded, or for keywords and ids as it is; NUL behind it */
	size_t length; /* of text */
	struct search_key *children;
	size_t child_count;
};

struct imap_searcher {
	struct search_key *root;
	struct imap_search_world world; /* without saved */
	unsigned wants;
	bool has_modseq, has_numbers, can_change;
	char **words;
	size_t word_count, word_room;
};

#endif
