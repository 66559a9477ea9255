/* SPDX-License-Identifier: ISC */
/*
 * command - IMAP commands after login as typed structs (RFC 9051 6, RFC 3501 6 and the extensions
 * that each struct names). parse.h makes them from octets.
 *
 * All memory of a command is its parser's: it is valid until the parser goes on to the next
 * command. Strings have a NUL behind their last octet and none inside unless said otherwise.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_COMMAND_H
#define POSTERN_WORKER_SESSION_IMAP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

enum imap_verb {
	IMAP_CAPABILITY,
	IMAP_NOOP,
	IMAP_LOGOUT,
	IMAP_ID,          /* .id */
	IMAP_ENABLE,      /* .enable */
	IMAP_SELECT,      /* .select */
	IMAP_EXAMINE,     /* .select */
	IMAP_CREATE,      /* .create */
	IMAP_DELETE,      /* .mailbox */
	IMAP_RENAME,      /* .rename */
	IMAP_SUBSCRIBE,   /* .mailbox */
	IMAP_UNSUBSCRIBE, /* .mailbox */
	IMAP_LIST,        /* .list */
	IMAP_LSUB,        /* .list: reference and one pattern */
	IMAP_NAMESPACE,
	IMAP_STATUS,    /* .status */
	IMAP_APPEND,    /* .append */
	IMAP_REPLACE,   /* .append; with uid */
	IMAP_IDLE,      /* then call imap_parser_idle() */
	IMAP_IDLE_DONE, /* the line that ends IDLE; has no tag */
	IMAP_CHECK,
	IMAP_CLOSE,
	IMAP_UNSELECT,
	IMAP_EXPUNGE,      /* .set with uid; without it all messages */
	IMAP_SEARCH,       /* .search; with uid */
	IMAP_ESEARCH,      /* .search */
	IMAP_SORT,         /* .search; with uid */
	IMAP_THREAD,       /* .search; with uid */
	IMAP_CANCELUPDATE, /* .strings: tags */
	IMAP_FETCH,        /* .fetch; with uid */
	IMAP_STORE,        /* .store; with uid */
	IMAP_COPY,         /* .copy; with uid */
	IMAP_MOVE,         /* .copy; with uid */
	IMAP_GETQUOTA,     /* .string: the quota root */
	IMAP_GETQUOTAROOT, /* .mailbox */
	IMAP_SETQUOTA,     /* .setquota */
	IMAP_GETMETADATA,  /* .getmetadata */
	IMAP_SETMETADATA,  /* .setmetadata */
	IMAP_MYRIGHTS,     /* .mailbox */
	IMAP_ACL,    /* GETACL, SETACL, DELETEACL, LISTRIGHTS: not offered; arguments are skipped */
	IMAP_NOTIFY, /* .notify */
	IMAP_COMPRESS, /* .string: the mechanism */
	IMAP_UIDS,     /* .uids; of administrators only */
	IMAP_LOGIN,    /* LOGIN, AUTHENTICATE, STARTTLS: not now; arguments are skipped */
	IMAP_VERB_COUNT
};

/* What a client wrote as a string; a literal may have any octets but NUL. */
struct imap_string {
	const char *bytes;
	size_t length;
};

struct imap_strings {
	struct imap_string *list;
	size_t count;
};

/*
 * A sequence-set (RFC 9051 9) as it was written: unsorted, overlapping, first > last, IMAP_STAR for
 * `*`. imap_set_resolve() (parse.h) makes ranges of it that store.h takes.
 */
#define IMAP_STAR 0u
struct imap_set {
	struct store_range *ranges;
	size_t count;
	bool saved; /* `$`: the result of SEARCH RETURN (SAVE) (RFC 5182); no ranges */
};

/* RFC 9394: first <= last, from 1 on; from_end: counted from the newest backwards. */
struct imap_partial {
	bool given;
	bool from_end;
	uint32_t first, last;
};

/* Flags to set; \Recent is left out. */
struct imap_flags {
	uint8_t flags;        /* STORE_SEEN ... */
	const char *keywords; /* atoms with a space between, "" is none */
};

/* -- ID, ENABLE ------------------------------------------------------------------ */

/* RFC 2971; NIL has no fields. A value that is NIL has bytes == NULL. */
struct imap_id {
	struct imap_string *fields, *values;
	size_t count;
};

/* Capabilities that can be enabled (RFC 5161); others are ignored. */
#define IMAP_ENABLE_CONDSTORE 1u
#define IMAP_ENABLE_QRESYNC 2u
#define IMAP_ENABLE_UTF8 4u
#define IMAP_ENABLE_REV2 8u
#define IMAP_ENABLE_UIDONLY 16u

/* -- Folders ---------------------------------------------------------------------- */

/* SELECT, EXAMINE (RFC 7162 3.1.8, 3.2.5). */
struct imap_select {
	const char *mailbox;
	bool condstore;
	bool qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known_uids;
	struct imap_set known_uids; /* none of the sets has `*` or is `$` */
	bool has_match;
	struct imap_set match_numbers, match_uids;
};

/* RFC 6154 3. */
struct imap_create {
	const char *mailbox;
	uint32_t use;            /* STORE_USE_ bits */
	const char *unknown_use; /* an attribute that is none of these (USEATTR), or NULL */
};

struct imap_rename {
	const char *from, *to;
};

#define IMAP_STATUS_MESSAGES 1u
#define IMAP_STATUS_RECENT 2u
#define IMAP_STATUS_UIDNEXT 4u
#define IMAP_STATUS_UIDVALIDITY 8u
#define IMAP_STATUS_UNSEEN 16u
#define IMAP_STATUS_DELETED 32u
#define IMAP_STATUS_DELETED_STORAGE 64u /* RFC 9208 4.1.4 */
#define IMAP_STATUS_SIZE 128u
#define IMAP_STATUS_HIGHESTMODSEQ 256u
#define IMAP_STATUS_MAILBOXID 512u
#define IMAP_STATUS_APPENDLIMIT 1024u

struct imap_status {
	const char *mailbox;
	unsigned items; /* IMAP_STATUS_ bits */
};

/* LIST's options (RFC 9051 6.3.9, RFC 6154, 8440, 9590). */
#define IMAP_LIST_SUBSCRIBED 1u
#define IMAP_LIST_REMOTE 2u
#define IMAP_LIST_RECURSIVEMATCH 4u
#define IMAP_LIST_SPECIAL_USE 8u
#define IMAP_LIST_CHILDREN 16u /* from here on to return only */
#define IMAP_LIST_STATUS 32u
#define IMAP_LIST_METADATA 64u
#define IMAP_LIST_MYRIGHTS 128u

struct imap_list {
	unsigned select; /* IMAP_LIST_ bits */
	unsigned give;   /* RETURN's */
	bool extended;   /* anything that RFC 3501's LIST doesn't have (RFC 5258 3) */
	const char *reference;
	const char **patterns; /* as UTF-8, with their `%` and `*` */
	size_t pattern_count;
	unsigned status_items;        /* for IMAP_LIST_STATUS */
	struct imap_strings metadata; /* entries in lower case, for IMAP_LIST_METADATA */
};

/* -- Messages in ------------------------------------------------------------------- */

enum imap_data {
	IMAP_DATA_LITERAL,
	IMAP_DATA_LITERAL8, /* RFC 3516 4.4 */
	IMAP_DATA_UTF8,     /* RFC 6855 4 */
	IMAP_DATA_CATENATE, /* RFC 4469: parts */
	IMAP_DATA_URL,      /* of a part only */
};

struct imap_cat_part {
	enum imap_data data;
	uint64_t octets; /* of a literal */
	struct imap_string url;
	struct imap_cat_part *next;
};

struct imap_append_message {
	struct imap_flags flags;
	bool has_date;
	int64_t date; /* INTERNALDATE: seconds since the epoch */
	uint32_t uid; /* that it had on another server; 0: none, or not an administrator's */
	enum imap_data data;
	uint64_t octets;             /* of a literal; 0 is a message given up (RFC 3502 6.3.11) */
	struct imap_cat_part *parts; /* IMAP_DATA_CATENATE */
	struct imap_append_message *next;
};

/* APPEND (RFC 3502: one message or more), REPLACE (RFC 8508: one). */
struct imap_append {
	const char *mailbox;
	uint32_t replaces; /* REPLACE: a sequence number or UID, IMAP_STAR */
	struct imap_append_message *messages;
	size_t message_count;
};

/* -- FETCH -------------------------------------------------------------------------- */

#define IMAP_FETCH_UID 1u
#define IMAP_FETCH_FLAGS 2u
#define IMAP_FETCH_INTERNALDATE 4u
#define IMAP_FETCH_RFC822_SIZE 8u
#define IMAP_FETCH_ENVELOPE 16u
#define IMAP_FETCH_BODY 32u
#define IMAP_FETCH_BODYSTRUCTURE 64u
#define IMAP_FETCH_MODSEQ 128u
#define IMAP_FETCH_EMAILID 256u
#define IMAP_FETCH_THREADID 512u
#define IMAP_FETCH_SAVEDATE 1024u
#define IMAP_FETCH_PREVIEW 2048u
#define IMAP_FETCH_PREVIEW_LAZY 4096u /* with PREVIEW (RFC 8970 3.2) */

enum imap_section_text {
	IMAP_SECTION_ALL, /* BODY[], BODY[1.2] */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,     /* HEADER.FIELDS */
	IMAP_SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT */
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

enum imap_section_how {
	IMAP_SECTION_BODY,        /* as it is in the message */
	IMAP_SECTION_BINARY,      /* decoded (RFC 9051 6.4.5, RFC 3516) */
	IMAP_SECTION_BINARY_SIZE, /* octets of that, as a number */
};

struct imap_section {
	enum imap_section_how how;
	enum imap_section_text text;
	bool peek;            /* does not set \Seen; also so for BINARY.SIZE and RFC822.HEADER */
	const uint32_t *part; /* 1.2.3 */
	size_t part_count;
	struct imap_strings fields; /* HEADER.FIELDS; printable, no colon */
	bool has_partial;
	uint64_t offset, count; /* octets */
	/*
	 * The data item's name in the answer, "BODY[HEADER.FIELDS (FROM TO)]<0>", "RFC822.TEXT".
	 */
	const char *label;
};

struct imap_fetch_items {
	unsigned items; /* IMAP_FETCH_ bits */
	struct imap_section *sections;
	size_t section_count;
};

struct imap_fetch {
	struct imap_set set;
	struct imap_fetch_items what;
	bool has_changed_since;
	uint64_t changed_since;
	bool vanished; /* UID FETCH with CHANGEDSINCE only: that is checked */
	struct imap_partial partial;
};

/* -- SEARCH, SORT, THREAD, ESEARCH ---------------------------------------------------- */

enum imap_search_key {
	IMAP_KEY_ALL,
	IMAP_KEY_AND,     /* all of children */
	IMAP_KEY_OR,      /* one of children */
	IMAP_KEY_NUMBERS, /* .set: sequence numbers, or `$` */
	IMAP_KEY_UID,     /* .set */
	IMAP_KEY_FLAG,    /* .flag: one STORE_ bit; UNSEEN is SEEN negated */
	IMAP_KEY_KEYWORD, /* .text */
	IMAP_KEY_RECENT,  /* OLD is it negated; NEW is RECENT and UNSEEN */
	IMAP_KEY_BEFORE, /* .day: of INTERNALDATE, in this server's zone; these are never negated by
			    the parser but for NOT */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_SENTBEFORE, /* .day: of the Date: field, without its zone */
	IMAP_KEY_SENTON,
	IMAP_KEY_SENTSINCE,
	IMAP_KEY_SAVEDBEFORE, /* .day (RFC 8514) */
	IMAP_KEY_SAVEDON,
	IMAP_KEY_SAVEDSINCE,
	IMAP_KEY_SAVEDATESUPPORTED,
	IMAP_KEY_LARGER, /* .number */
	IMAP_KEY_SMALLER,
	IMAP_KEY_OLDER, /* .number: seconds (RFC 5032) */
	IMAP_KEY_YOUNGER,
	IMAP_KEY_MODSEQ,  /* .number: this or greater; entry name and type are ignored */
	IMAP_KEY_EMAILID, /* .text */
	IMAP_KEY_THREADID,
	IMAP_KEY_HEADER, /* .field and .text; "": the field is there */
	IMAP_KEY_FROM,
	IMAP_KEY_TO,
	IMAP_KEY_CC,
	IMAP_KEY_BCC,
	IMAP_KEY_SUBJECT, /* .text */
	IMAP_KEY_BODY,    /* .text */
	IMAP_KEY_TEXT,
};

struct imap_search_node {
	enum imap_search_key key;
	bool negated; /* an odd number of NOTs */
	uint8_t flag;
	struct imap_set set;
	int64_t day; /* days since 1970-01-01 */
	uint64_t number;
	const char *field;                 /* a header field's name, as written */
	struct imap_string text;           /* in the command's charset */
	struct imap_search_node *children; /* depth: IMAP_SEARCH_DEPTH_MAX */
	struct imap_search_node *next;     /* the next child of the same parent */
};

#define IMAP_RETURN_MIN 1u
#define IMAP_RETURN_MAX 2u
#define IMAP_RETURN_ALL 4u
#define IMAP_RETURN_COUNT 8u
#define IMAP_RETURN_SAVE 16u
#define IMAP_RETURN_UPDATE 32u
#define IMAP_RETURN_CONTEXT 64u
#define IMAP_RETURN_PARTIAL 128u

enum imap_sort_key {
	IMAP_SORT_ARRIVAL,
	IMAP_SORT_CC,
	IMAP_SORT_DATE,
	IMAP_SORT_FROM,
	IMAP_SORT_SIZE,
	IMAP_SORT_SUBJECT,
	IMAP_SORT_TO,
	IMAP_SORT_DISPLAYFROM, /* RFC 5957 */
	IMAP_SORT_DISPLAYTO,
};

struct imap_sort_by {
	enum imap_sort_key key;
	bool reverse;
};

enum imap_thread_algorithm { IMAP_THREAD_ORDEREDSUBJECT, IMAP_THREAD_REFERENCES };

/* Which folders (RFC 7377 2.2, RFC 5465 6). */
enum imap_filter_kind {
	IMAP_FILTER_SELECTED,
	IMAP_FILTER_SELECTED_DELAYED, /* NOTIFY only */
	IMAP_FILTER_INBOXES,
	IMAP_FILTER_PERSONAL,
	IMAP_FILTER_SUBSCRIBED,
	IMAP_FILTER_SUBTREE,     /* of .mailboxes */
	IMAP_FILTER_SUBTREE_ONE, /* ESEARCH only */
	IMAP_FILTER_MAILBOXES,
};

struct imap_filter {
	enum imap_filter_kind kind;
	const char **mailboxes;
	size_t mailbox_count;
};

struct imap_search {
	bool has_return; /* RETURN (...); RETURN () is IMAP_RETURN_ALL */
	unsigned give;   /* IMAP_RETURN_ bits */
	struct imap_partial partial;
	struct imap_fetch_items *update_fetch; /* RFC 5465 8: UPDATE (fetch-att ...), or NULL */
	const char *charset;                   /* NULL: none given; upper case */
	struct imap_search_node *program;
	struct imap_sort_by *sort; /* SORT */
	size_t sort_count;
	enum imap_thread_algorithm algorithm; /* THREAD */
	struct imap_filter *sources;          /* ESEARCH; none is the selected folder */
	size_t source_count;
};

/* -- STORE, COPY, MOVE ------------------------------------------------------------------ */

struct imap_store {
	struct imap_set set;
	enum store_flags_how how;
	bool silent;
	struct imap_flags flags;
	uint64_t unchanged_since; /* UINT64_MAX: not given (RFC 7162 3.1.3) */
};

struct imap_copy {
	struct imap_set set;
	const char *mailbox;
};

/* -- QUOTA, METADATA, NOTIFY -------------------------------------------------------------- */

struct imap_quota_limit {
	const char *resource; /* as written */
	uint64_t limit;
};

struct imap_setquota {
	const char *root;
	struct imap_quota_limit *limits;
	size_t count;
};

#define IMAP_DEPTH_INFINITY 2u

/* RFC 5464 4.2. Entries in lower case; "" as mailbox is the server. */
struct imap_getmetadata {
	const char *mailbox;
	bool has_max_size;
	uint64_t max_size;
	unsigned depth; /* 0, 1, IMAP_DEPTH_INFINITY */
	struct imap_strings entries;
};

struct imap_setmetadata {
	const char *mailbox;
	struct imap_strings entries;
	struct imap_string *values; /* bytes NULL is NIL: remove; a value may have NULs inside */
};

#define IMAP_EVENT_MESSAGE_NEW 1u
#define IMAP_EVENT_MESSAGE_EXPUNGE 2u
#define IMAP_EVENT_FLAG_CHANGE 4u
#define IMAP_EVENT_MAILBOX_NAME 8u
#define IMAP_EVENT_SUBSCRIPTION_CHANGE 16u
#define IMAP_EVENT_MAILBOX_METADATA_CHANGE 32u
#define IMAP_EVENT_SERVER_METADATA_CHANGE 64u
#define IMAP_EVENT_UNKNOWN 128u /* AnnotationChange and others: NO [BADEVENT (...)] */

struct imap_notify_group {
	struct imap_filter filter;
	unsigned events;                /* IMAP_EVENT_ bits; 0 is NONE */
	struct imap_fetch_items *fetch; /* MessageNew's, or NULL */
};

/* RFC 5465. The rules of which events go together (RFC 5465 5) have been checked. */
struct imap_notify {
	bool set; /* false: NONE */
	bool status;
	struct imap_notify_group *groups;
	size_t count;
};

/* XUIDS: what a folder had on another server. */
struct imap_uids {
	const char *mailbox;
	uint32_t uidvalidity, uidnext;
	bool done; /* all that it had has come */
};

/* -- All of it ---------------------------------------------------------------------------- */

struct imap_command {
	const char *tag;
	enum imap_verb verb;
	bool uid; /* UID FETCH ... */
	union {
		const char *mailbox;
		const char *string;
		struct imap_strings strings;
		struct imap_set set;
		struct imap_id id;
		unsigned enable; /* IMAP_ENABLE_ bits */
		struct imap_select select;
		struct imap_create create;
		struct imap_rename rename;
		struct imap_status status;
		struct imap_list list;
		struct imap_append append;
		struct imap_fetch fetch;
		struct imap_search search;
		struct imap_store store;
		struct imap_copy copy;
		struct imap_setquota setquota;
		struct imap_getmetadata getmetadata;
		struct imap_setmetadata setmetadata;
		struct imap_notify notify;
		struct imap_uids uids;
	};
};

/* "UID FETCH", "SELECT": for the log and for answers. */
const char *imap_verb_name(const struct imap_command *);

#endif
