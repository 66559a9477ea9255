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
	STORE_EXISTS,    /* there is such a folder already (RFC 5530 ALREADYEXISTS) */
	STORE_REFUSED,   /* can't be done to this folder or with this name (RFC 5530 CANNOT) */
	STORE_OVERQUOTA, /* the account's quota would be exceeded (RFC 9208 OVERQUOTA) */
	STORE_LIMIT,     /* one of Postern's own bounds (RFC 5530 LIMIT) */
};

/* IMAP's system flags, as the bits of store_entry.flags (RFC 9051 2.3.2). */
#define STORE_SEEN 1u
#define STORE_ANSWERED 2u
#define STORE_FLAGGED 4u
#define STORE_DELETED 8u
#define STORE_DRAFT 16u

struct store;

/* What is told of a command that is over its time. */
#define STORE_TOO_LONG "This takes too long, ask for fewer messages at a time"

/*
 * Opens the mailbox in the current directory, or makes an empty one with an INBOX there, or brings
 * an older one up to this version. One process at a time: another one's makes this STORE_TEMPORARY
 * after some seconds. Not STORE_OK: ERR is filled, *STORE NULL.
 */
enum store_result store_open(struct store **, struct error *);
/* NULL is fine. */
void store_close(struct store *);

/*
 * From now on a call that has the process use more than MS milliseconds of CPU time, from now on,
 * fails with STORE_LIMIT, and has changed nothing; 0: no limit.
 */
void store_limit_work(struct store *, uint64_t ms);

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
	bool binary;               /* not lines of text: stored as mime/lines makes it */
	bool junk;                 /* into the folder that is for it */
	const char *tag;           /* else into the folder of this name, if there is one; or NULL */

	/* Answers. */
	enum store_result result; /* each by itself */
	bool duplicate;           /* STORE_OK, but stored before */
	uint32_t uid;             /* in its folder; 0 for a duplicate */
	struct error err;         /* if not STORE_OK */
};

/*
 * Stores messages in INBOX, or in the folder whose use is \Junk (RFC 6154 2), which is made if
 * there is none, or in one that a tag names, in upper or lower case, and that has no use: nobody
 * may put mail into another's \Sent or \Trash; each with a Return-Path line in front (RFC
 * 5321 4.4), many with few syncs to disk. What fails leaves nothing behind that the mailbox would
 * show.
 */
void store_deliver(struct store *, struct store_delivery *, size_t count);

/*
 * -- Folders --------------------------------------------------------------------
 *
 * Names are UTF-8 (NFC), levels separated by '/', "INBOX" in capitals where it is the whole name or
 * its first level. A folder whose parents are no folders is fine (RFC 9051 6.3.4).
 */

#define STORE_NAME_MAX 1000 /* octets of a folder's name */
#define STORE_LEVELS_MAX 50 /* levels of hierarchy */
#define STORE_OBJECT_SIZE 33

/* RFC 6154 2, RFC 8457 3; as bits of store_folder.use. */
#define STORE_USE_ALL 1u
#define STORE_USE_ARCHIVE 2u
#define STORE_USE_DRAFTS 4u
#define STORE_USE_FLAGGED 8u
#define STORE_USE_IMPORTANT 16u
#define STORE_USE_JUNK 32u
#define STORE_USE_SENT 64u
#define STORE_USE_TRASH 128u

struct store_folder {
	int64_t id; /* never another folder's, also after it was deleted; 0: only a subscription */
	uint64_t highestmodseq;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t messages; /* all these counts are kept by the transactions that change them */
	uint32_t unseen;
	uint32_t deleted;
	uint64_t size;        /* octets of all its messages (RFC 8438) */
	uint32_t uid_floor;   /* lower UIDs only for who names them (store_folder_adopt()) */
	uint32_t recent_from; /* UIDs from here on no read-write SELECT has seen (RFC 3501 2.3.2) */
	uint32_t use;         /* STORE_USE_ bits */
	uint32_t append_limit; /* octets of a message (RFC 7889); 0: none of its own */
	bool subscribed;
	char object[STORE_OBJECT_SIZE]; /* MAILBOXID (RFC 8474 4) */
};

/* STORE_GONE if there is none. */
enum store_result store_folder(struct store *, const char *name, struct store_folder *,
			       struct error *);
/* The same by its id; NAME (may be NULL) has STORE_NAME_MAX + 1 bytes of room. */
enum store_result store_folder_by_id(struct store *, int64_t folder, struct store_folder *,
				     char *name, struct error *);

/* Calls EACH with every folder and every subscription, in the order of their names' octets. */
typedef void store_folder_fn(const char *name, const struct store_folder *, void *arg);
enum store_result store_folders(struct store *, store_folder_fn *each, void *arg, struct error *);

/*
 * Makes a folder. USE: STORE_USE_ bits; one that another folder has is STORE_REFUSED (RFC 6154 3,
 * USEATTR). NAME is checked: too long, too deep, empty levels, control characters, not UTF-8:
 * STORE_REFUSED. FOLDER may be NULL.
 */
enum store_result store_folder_create(struct store *, const char *name, uint32_t use,
				      struct store_folder *, struct error *);
/* Removes a folder and what is in it, not its children. INBOX: STORE_REFUSED (RFC 9051 6.3.5). */
enum store_result store_folder_delete(struct store *, const char *name, struct error *);
/*
 * Renames a folder, or a level above folders, and all below it. INBOX: moves its messages into the
 * new folder, and stays (RFC 9051 6.3.6). STORE_EXISTS if any new name is taken.
 */
enum store_result store_folder_rename(struct store *, const char *from, const char *to,
				      struct error *);
/* A name need not be a folder's (RFC 9051 6.3.7). */
enum store_result store_subscribe(struct store *, const char *name, bool on, struct error *);

/*
 * A folder moves in from another server, where it has UIDVALIDITY and UIDNEXT (import). It keeps
 * UIDVALIDITY if it has given out no UID yet and the account never had that number; from then on
 * UIDs below UIDNEXT are for those store_append() calls that name them. DONE: there are no more of
 * them. STORE_REFUSED: that can't be; what the folder has already can be said again.
 */
enum store_result store_folder_adopt(struct store *, const char *name, uint32_t uidvalidity,
				     uint32_t uidnext, bool done, struct error *);

/* The first read-write SELECT takes what is recent: recent_from becomes uidnext. Not durable. */
enum store_result store_take_recent(struct store *, int64_t folder, struct error *);

/*
 * -- Reading --------------------------------------------------------------------
 */

/* UIDs first..last, both in it; lists of them are ascending and do not overlap. */
struct store_range {
	uint32_t first;
	uint32_t last;
};

/* What else than uid, modseq, flags, message, size and internaldate store_scan() shall give. */
#define STORE_WANT_KEYWORDS 1u
#define STORE_WANT_SAVEDATE 2u
#define STORE_WANT_OBJECT 4u
#define STORE_WANT_SUMMARY 8u /* parsed and kept now if it was not (only for old messages) */

/* What is kept of a message's content (common/mime/summary.h); text with a NUL behind it. */
struct store_summary {
	const char *envelope; /* RFC 9051 7.5.2, in parentheses */
	size_t envelope_length;
	const char *bodystructure;
	size_t bodystructure_length;
	const char *preview;                   /* RFC 8970 3: UTF-8, 200 characters at most */
	const char *subject;                   /* base subject, RFC 5256 2.1; UTF-8 */
	const char *from, *to, *cc;            /* of the first address: its mailbox (RFC 5256 3) */
	const char *from_display, *to_display; /* RFC 5957 */
	const char *thread; /* message-ids, NL between: its own first, then References or
			       In-Reply-To (RFC 5256 3) */
	const char *kept;   /* header fields for SEARCH (common/mime/kept.h) */
	int64_t sent;       /* Date:, or INTERNALDATE without one: seconds since the epoch, UTC */
	int64_t sent_day;   /* days since the epoch as the Date: field says, without its zone */
	bool reply; /* the Subject: says it answers or forwards something (RFC 5256 3, step 5) */
};

/* Valid until the callback returns. */
struct store_message {
	int64_t message; /* the same in all folders */
	uint64_t modseq;
	uint64_t size; /* octets */
	int64_t internaldate;
	int64_t savedate;     /* RFC 8514; 0: not known */
	const char *keywords; /* atoms with a space between, "" is none */
	const char *object;   /* EMAILID (RFC 8474 5.1) */
	const struct store_summary *summary;
	uint32_t uid;
	uint8_t flags;     /* STORE_SEEN ... */
	bool unterminated; /* the last line has no CRLF */
};

/* False: enough. Must not change the store. */
typedef bool store_message_fn(const struct store_message *, void *arg);

/*
 * Calls EACH with the messages of FOLDER whose UIDs are in RANGES (NULL: all) and whose MODSEQ is
 * greater than SINCE, in the order of their UIDs.
 */
enum store_result store_scan(struct store *, int64_t folder, const struct store_range *ranges,
			     size_t range_count, uint64_t since, unsigned want,
			     store_message_fn *each, void *arg, struct error *);

/* All UIDs in a folder, ascending. *UIDS is the caller's to free(); NULL if empty. */
enum store_result store_uids(struct store *, int64_t folder, uint32_t **uids, size_t *count,
			     struct error *);

/*
 * The UIDs that were expunged with a MODSEQ greater than SINCE, ascending and without doubles, as
 * ranges. *RANGES is the caller's to free(). *COMPLETE false: the record does not reach so far
 * back; then they are all UIDs below uidnext that are in no message (RFC 7162 3.2.5.1).
 */
enum store_result store_expunged(struct store *, int64_t folder, uint64_t since,
				 struct store_range **ranges, size_t *count, bool *complete,
				 struct error *);

/* The keywords in use in a folder, atoms with a space between; *TEXT is the caller's to free(). */
enum store_result store_keywords(struct store *, int64_t folder, char **text, struct error *);

/*
 * Messages of FOLDER that may contain all of WORDS (case-folded UTF-8 as common/mime/text.h makes
 * it) as substrings of header or body; words shorter than three characters rule nothing out. *UIDS:
 * ascending, the caller's to free(). Everything else is certain not to. *ALL: the index can't tell
 * (not made yet, words too short): look at every message.
 */
enum store_result store_candidates(struct store *, int64_t folder, const char *const *words,
				   size_t word_count, uint32_t **uids, size_t *count, bool *all,
				   struct error *);
/* Indexes some more messages for store_candidates(), for about 20 ms. *MORE: call again. */
enum store_result store_index_some(struct store *, bool *more, struct error *);

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
/*
 * All of a message in memory, read-only, until store_body_close(). NULL with ERR filled on failure
 * or if the file is shorter than the index says.
 */
const char *store_body_map(struct store_body *, size_t *length, struct error *);
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

/* The same for what has \Deleted among RANGES (NULL: all). *RANGES_OUT: the caller's to free(). */
enum store_result store_expunge_deleted(struct store *, int64_t folder,
					const struct store_range *ranges, size_t range_count,
					struct store_range **removed, size_t *removed_count,
					struct error *);

enum store_flags_how { STORE_FLAGS_ADD, STORE_FLAGS_REMOVE, STORE_FLAGS_REPLACE };

struct store_flags_change {
	enum store_flags_how how;
	uint8_t flags;
	const char *keywords;     /* atoms with a space between; compared without case */
	uint64_t unchanged_since; /* UINT64_MAX: whatever their MODSEQ (RFC 7162 3.1.3) */
};

/*
 * Changes flags of RANGES in one transaction; a message that has them so already keeps its MODSEQ.
 * All that change get one new MODSEQ, *MODSEQ (0: none changed). *FAILED, the caller's to free():
 * those whose MODSEQ was greater than unchanged_since, unchanged.
 */
enum store_result store_flags(struct store *, int64_t folder, const struct store_range *ranges,
			      size_t range_count, const struct store_flags_change *,
			      uint64_t *modseq, struct store_range **failed, size_t *failed_count,
			      struct error *);

/*
 * Copies (or moves) RANGES to another folder, or the same, with flags, keywords and INTERNALDATE,
 * all in one transaction. SOURCES and TARGETS (the caller's to free(), COUNT ranges each; the n-th
 * UID of the one became the n-th of the other) are COPYUID's (RFC 4315 3).
 */
struct store_copied {
	struct store_range *sources, *targets;
	size_t source_count, target_count;
	uint32_t uidvalidity; /* the target's */
};
enum store_result store_copy(struct store *, int64_t folder, const struct store_range *ranges,
			     size_t range_count, int64_t target, bool move, struct store_copied *,
			     struct error *);
void store_copied_free(struct store_copied *);

/* A message on its way in, in a file that counts only when store_append() has taken it. */
struct store_upload;
enum store_result store_upload_open(struct store *, struct store_upload **, struct error *);
enum store_result store_upload_write(struct store_upload *, const void *bytes, size_t length,
				     struct error *);
uint64_t store_upload_size(const struct store_upload *);
/* Also after store_append() that failed; NULL is fine. */
void store_upload_abort(struct store_upload *);

struct store_append {
	struct store_upload *upload; /* taken with STORE_OK */
	uint8_t flags;
	const char *keywords;
	int64_t internaldate;
	uint32_t
	    uid; /* in: 0, or a UID to give it that is not below uidnext (import); out: its UID */
};

/*
 * Puts messages into a folder, all or none, each a message of its own (RFC 3502). REPLACES (may be
 * NULL): expunges that UID of that folder in the same transaction (RFC 8508).
 */
struct store_replaced {
	int64_t folder;
	uint32_t uid;
};
enum store_result store_append(struct store *, int64_t folder, struct store_append *, size_t count,
			       const struct store_replaced *replaces, struct error *);

/*
 * -- The account ------------------------------------------------------------------
 */

/* RFC 9208: storage in octets here, in units of 1024 on the wire. 0: no limit. */
struct store_quota {
	uint64_t storage, storage_limit;
	uint64_t messages, messages_limit;
};
enum store_result store_quota(struct store *, struct store_quota *, struct error *);
void store_set_limits(struct store *, uint64_t storage, uint64_t messages);

/*
 * RFC 5464. FOLDER 0 is the server. Sets or removes annotations, all or none; bounded: 64 KiB an
 * entry, 1000 entries.
 */
struct store_annotation {
	const char *entry; /* lower case, "/private/comment" */
	const void *value; /* NULL removes */
	size_t length;
};
enum store_result store_metadata_set(struct store *, int64_t folder,
				     const struct store_annotation *, size_t count, struct error *);
typedef void store_metadata_fn(const char *entry, const void *value, size_t length, void *arg);
/* All entries of a folder, in the order of their names. */
enum store_result store_metadata(struct store *, int64_t folder, store_metadata_fn *each, void *arg,
				 struct error *);

/* Makes what is missing of Drafts, Sent, Junk, Trash, Archive, with their uses, subscribed; once in
 * a mailbox's life: what the user deletes later stays deleted. */
enum store_result store_first_login(struct store *, struct error *);

/*
 * Calls CHANGED after every commit that changed FOLDER's messages or flags (or, with 0, the tree of
 * folders), also by deliveries; from inside the call that made the change. More than one may watch.
 */
typedef void store_changed_fn(void *arg, int64_t folder);
struct store_watch;
struct store_watch *store_watch(struct store *, store_changed_fn *, void *arg);
/* From now on NOTED is called too, after each commit that has set or removed an annotation. */
typedef void store_noted_fn(void *arg, int64_t folder, const char *entry);
void store_watch_metadata(struct store_watch *, store_noted_fn *);
void store_unwatch(struct store *, struct store_watch *);

#endif
