/* SPDX-License-Identifier: ISC */
/*
 * imap_words - an IMAP server's responses (RFC 9051 7), for a client. Pure functions over one
 * response, which they change in place: strings lose their quotes and escapes. The server is a
 * user's session process, which is trusted less than posternctl: anything may come.
 */
#ifndef POSTERN_CTL_IMAP_WORDS_H
#define POSTERN_CTL_IMAP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER_NAME_MAX 1000 /* octets; as the store has it */

enum word_kind {
	WORD_END,
	WORD_ATOM,   /* also numbers, flags, NIL, and BODY[...] with all that is in its brackets */
	WORD_STRING, /* quoted, or a literal */
	WORD_OPEN,   /* ( */
	WORD_CLOSE,  /* ) */
	WORD_BAD,    /* none of these; nothing can be read any more */
};

struct word {
	enum word_kind kind;
	char *at; /* no NUL behind it */
	size_t length;
};

struct words {
	char *at, *end;
};

/* The next word; one space before it is skipped. */
struct word words_next(struct words *);
/* Goes past a word, or past a list with all that is in it. False: it doesn't end. */
bool words_skip(struct words *);
/* True if the word is this atom, whatever its case. */
bool word_is(const struct word *, const char *atom);
/* A number of at most MAX in digits alone. */
bool word_number(const struct word *, uint64_t max, uint64_t *);

/*
 * What posternctl takes for a folder's name: UTF-8 of at most FOLDER_NAME_MAX octets, no control
 * characters, no empty levels, none of them "." or "..".
 */
bool folder_name_is_fine(const char *name, size_t length);

/* The flags of RFC 9051 2.3.2, as bits. */
#define MESSAGE_SEEN 1u
#define MESSAGE_ANSWERED 2u
#define MESSAGE_FLAGGED 4u
#define MESSAGE_DELETED 8u
#define MESSAGE_DRAFT 16u

#define FETCHED_UID 1u
#define FETCHED_FLAGS 2u
#define FETCHED_SIZE 4u
#define FETCHED_INTERNALDATE 8u
#define FETCHED_SAVEDATE 16u
#define FETCHED_BODY 32u

/* Points into the response. */
struct fetched {
	unsigned has; /* FETCHED_ bits */
	uint32_t uid;
	unsigned flags;       /* MESSAGE_ bits */
	const char *keywords; /* atoms with a space between, and a NUL; "" is none */
	uint64_t size;
	int64_t internaldate; /* seconds since the epoch */
	int64_t savedate;
	const char *body; /* of BODY[...], whichever; no NUL behind it */
	size_t body_length;
};

struct listed {
	char name[FOLDER_NAME_MAX + 1]; /* fine; "": it is not */
	char uses[128];                 /* "Trash", "All Archive", ... */
	bool selectable;
	bool subscribed;
};

#define STATUS_MESSAGES 1u
#define STATUS_UNSEEN 2u
#define STATUS_SIZE 4u
#define STATUS_UIDNEXT 8u
#define STATUS_UIDVALIDITY 16u

struct statused {
	char name[FOLDER_NAME_MAX + 1];
	unsigned has; /* STATUS_ bits */
	uint64_t messages, unseen, size, uidnext, uidvalidity;
};

/*
 * RESPONSE: an untagged one without its "* ". 1 and the answer; 0 if it is another kind of
 * response; -1 if it is broken.
 */
int read_fetch(char *response, size_t length, struct fetched *);
int read_list(char *response, size_t length, struct listed *);
int read_status(char *response, size_t length, struct statused *);

/* date-time of RFC 9051 9, without quotes: seconds since the epoch. */
bool read_date_time(const char *text, size_t length, int64_t *seconds);
#define DATE_TIME_SIZE 32
/* The same written in UTC, with quotes. Returns OUT. */
const char *write_date_time(int64_t seconds, char out[DATE_TIME_SIZE]);

#endif
