/* SPDX-License-Identifier: ISC */
/*
 * store - one mailbox's messages: what the protocol engines know of storage.
 *
 * The terms are IMAP's (RFC 9051 2.3, RFC 7162): a folder has a UIDVALIDITY and gives out UIDs; a
 * message is immutable and may be placed in many folders; each placement has a UID, flags and a
 * MODSEQ. No SQL and no paths on this side: another implementation must fit behind it.
 *
 * All calls block, on this one mailbox's disk. What returns STORE_OK is on disk.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_H
#define POSTERN_WORKER_SESSION_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/proto/queue_session.h"

enum store_result {
	STORE_OK,
	STORE_TEMPORARY, /* disk full, read-only, no memory: may work later */
	STORE_DAMAGED,   /* the mailbox needs its administrator */
	STORE_GONE,      /* there is no such folder or message (any more) */
};

/* IMAP's system flags, as the bits of store_entry.flags (RFC 9051 2.3.2). */
#define STORE_SEEN 1u
#define STORE_ANSWERED 2u
#define STORE_FLAGGED 4u
#define STORE_DELETED 8u
#define STORE_DRAFT 16u

struct store;

/*
 * Opens the mailbox in the current directory, or makes an empty one with an INBOX there, or brings
 * an older one up to this version. One process at a time: another one's makes this STORE_TEMPORARY
 * after some seconds. Not STORE_OK: ERR is filled, *STORE NULL.
 */
enum store_result store_open(struct store **, struct error *);
/* NULL is fine. */
void store_close(struct store *);

/* Gives back what it keeps only to be faster: nothing is likely to happen soon. */
void store_rest(struct store *);

/*
 * -- Delivery -------------------------------------------------------------------
 */

struct store_delivery {
	char id[DELIVERY_ID_SIZE]; /* what has this id is stored once */
	const char *return_path;   /* without its angle brackets; "" is the null path */
	int fd;                    /* the message, from offset 0; its position does not matter */
	uint64_t size;             /* bytes to take, no more and no less */
	int64_t received;          /* INTERNALDATE: seconds since the epoch */

	/* Answers. */
	enum store_result result; /* each by itself */
	bool duplicate;           /* STORE_OK, but stored before */
	uint32_t uid;             /* in INBOX; 0 for a duplicate */
	struct error err;         /* if not STORE_OK */
};

/*
 * Stores messages in INBOX, each with a Return-Path line in front (RFC 5321 4.4), many with few
 * syncs to disk. What fails leaves nothing behind that the mailbox would show.
 */
void store_deliver(struct store *, struct store_delivery *, size_t count);

/*
 * -- Reading --------------------------------------------------------------------
 */

struct store_folder {
	int64_t id;
	uint64_t highestmodseq;
	uint32_t uidvalidity;
	uint32_t uidnext;
};

/* NAME in UTF-8, "INBOX" in capitals. STORE_GONE if there is none. */
enum store_result store_folder(struct store *, const char *name, struct store_folder *,
			       struct error *);

struct store_entry {
	int64_t message;
	uint64_t size; /* octets */
	uint32_t uid;
	uint8_t flags;     /* STORE_SEEN ... */
	bool unterminated; /* the last line has no CRLF */
};

/* What is in a folder, in the order of its UIDs. *LIST is the caller's to free(); NULL if empty. */
enum store_result store_list(struct store *, int64_t folder, struct store_entry **list,
			     size_t *count, struct error *);

/* A message's octets. One that is expunged meanwhile can be read to its end. */
struct store_body;
enum store_result store_body_open(struct store *, int64_t message, struct store_body **,
				  struct error *);
/* Returns how many octets it copied from OFFSET on, 0 at the end, or -1 with ERR filled. */
ssize_t store_body_read(struct store_body *, uint64_t offset, void *buffer, size_t size,
			struct error *);
void store_body_close(struct store_body *);

/*
 * -- Changing -------------------------------------------------------------------
 */

/*
 * Removes these UIDs from the folder, all or (not STORE_OK) none; a UID that is gone already is no
 * error. *REMOVED (may be NULL) counts what was there.
 */
enum store_result store_expunge(struct store *, int64_t folder, const uint32_t *uids, size_t count,
				size_t *removed, struct error *);

#endif
