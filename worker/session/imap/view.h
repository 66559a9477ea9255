/* SPDX-License-Identifier: ISC */
/*
 * view - the selected folder as one client has been told of it: which UID each message sequence
 * number stands for (RFC 9051 2.3.1.2), and up to which MODSEQ it knows of changes. Numbers change
 * only when the client is told so.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_VIEW_H
#define POSTERN_WORKER_SESSION_IMAP_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/session/ranges.h"
#include "worker/session/store.h"

struct view {
	int64_t folder;
	uint32_t uidvalidity;
	bool read_only;
	uint32_t *uids; /* of the message sequence numbers 1, 2, ...; ascending */
	size_t count, room;
	uint32_t uidnext;  /* the client knows of messages below */
	uint64_t changes;  /* the client knows of flags and messages up to this MODSEQ */
	uint64_t expunges; /* and of expunged ones up to this */
	uint32_t recent_from, recent_to; /* UIDs that are \Recent here: from <= UID < to */
	uint32_t recent_next;            /* of messages that come now, those from here on will be */
	char *keywords;                  /* those that FLAGS has told, a space between */
};

/* Reads a folder's UIDs. Not STORE_OK: ERR is filled, the view is closed. */
enum store_result view_open(struct view *, struct store *, const struct store_folder *,
			    bool read_only, struct error *);
void view_close(struct view *);

/* The sequence number of UID, 0 if the client does not know it. Logarithmic. */
uint32_t view_number(const struct view *, uint32_t uid);
/* The same for the first message whose UID is not lower: 1 .. count + 1. */
uint32_t view_number_from(const struct view *, uint32_t uid);

/* How many messages are \Recent here. */
uint32_t view_recent(const struct view *);

/* Adds messages the client is going to be told of. -1 without memory. */
int view_add(struct view *, uint32_t uid);

/*
 * Removes those of RANGES (UIDs) that are there, calling GONE with the sequence number each has at
 * that moment (RFC 9051 7.5.1) and its UID, ascending. GONE may be NULL.
 */
typedef void view_gone_fn(uint32_t number, uint32_t uid, void *arg);
void view_remove(struct view *, const struct store_range *ranges, size_t count, view_gone_fn *gone,
		 void *arg);

/*
 * The UIDs that RANGES, of sequence numbers with IMAP_STAR for "*", stand for. Ranges may be in any
 * order and either way round. False with ERR filled: a number is greater than there are messages.
 */
bool view_uids_of_numbers(const struct view *, const struct store_range *ranges, size_t count,
			  struct ranges *uids, struct error *);
/* The same for UIDs: none that the client does not know of yet; "*" is the last message's. */
void view_uids_of_uids(const struct view *, const struct store_range *ranges, size_t count,
		       struct ranges *uids);

#endif
