/* SPDX-License-Identifier: ISC */
/* A FETCH in progress: what its files share. */
#ifndef POSTERN_WORKER_SESSION_IMAP_FETCH_H
#define POSTERN_WORKER_SESSION_IMAP_FETCH_H

#include "worker/session/imap/content.h"
#include "worker/session/imap/imap_private.h"

struct fetch {
	struct imap *imap;
	const struct imap_fetch_items *what;
	bool unasked;  /* no command waits for the end of it */
	bool uid;      /* UID FETCH: the UID is told too */
	bool modseq;   /* so is the MODSEQ */
	bool set_seen; /* not all sections are PEEKs */
	struct ranges uids;
	size_t range;       /* of uids: those before are done */
	uint32_t next;      /* the UID to go on from; 0: none is left */
	uint32_t number;    /* the same as a message sequence number, for step_messages() */
	uint32_t seen_upto; /* from this number on \Seen is to be set yet */
	uint64_t since;
	unsigned want; /* STORE_WANT_ bits */

	const char *space; /* before the next item */
	bool in_message;   /* sections are being told */
	bool told_body;
	size_t section;
	bool in_octets; /* a literal has been begun */
	struct content content;
	struct octets octets;

	bool gone;             /* a message was expunged meanwhile */
	bool unknown_encoding; /* BINARY: a part could not be decoded (RFC 3516) */
	bool failed;           /* with result and err */
	enum store_result result;
	struct error err;
};

/*
 * Begins to tell ITEMS of these messages, which it takes, as the session's step: without a command,
 * so nothing is answered at the end, and no message gets \\Seen (RFC 5465 5.2).
 */
void fetch_unasked(struct imap *, const struct imap_fetch_items *items, struct ranges *uids);

/* Tells the items that the index knows (fetch_item.c). */
void fetch_items(struct fetch *, const struct store_message *);

/* Tells of BODY and the sections, as much as there is room for (fetch_section.c). */
enum fetch_sections { FETCH_WHOLE, FETCH_MORE, FETCH_BROKEN };
enum fetch_sections fetch_sections(struct fetch *);

#endif
