/* SPDX-License-Identifier: ISC */
/* What the files of the IMAP engine share; nobody else includes it. */
#ifndef POSTERN_WORKER_SESSION_IMAP_IMAP_PRIVATE_H
#define POSTERN_WORKER_SESSION_IMAP_IMAP_PRIVATE_H

#include <stdbool.h>

#include "worker/session/imap/imap.h"
#include "worker/session/imap/parse.h"
#include "worker/session/imap/stream.h"
#include "worker/session/imap/view.h"
#include "worker/session/ranges.h"

enum imap_state {
	IMAP_GREETING,      /* the tag of the login has not come yet */
	IMAP_AUTHENTICATED, /* RFC 9051 3.2 */
	IMAP_SELECTED,      /* RFC 9051 3.3 */
	IMAP_CLOSING,       /* what is queued goes out, then the stream is closed */
};

enum imap_progress {
	IMAP_DONE, /* the tagged response is queued */
	IMAP_MORE, /* call again, when there is room for output */
};

/* Goes on with a command that takes longer: makes about IMAP_OUT_HIGH octets, or some work. */
typedef enum imap_progress imap_step_fn(struct imap *);

#define IMAP_APPEND_LIMIT 268435456 /* octets of a message (RFC 7889) */
#define IMAP_IN_SIZE 16384          /* octets read at a time */
#define IMAP_OUT_HIGH 65536         /* octets of output that may wait for the client */

struct imap {
	struct imap_options options;
	struct event_base *base;
	struct event *readable, *writable, *idle;
	struct imap_stream stream;
	struct store *store;
	struct store_watch *watch;
	imap_closed_fn *closed;
	void *arg;

	enum imap_state state;
	const char *why; /* of the end, for the log */
	bool broken;     /* nothing more can be said to the client */
	bool changed;    /* the store has changed since the client was told last */
	unsigned errors;
	unsigned enabled; /* IMAP_ENABLE_ bits (command.h) */
	bool idling;      /* IDLE is in progress (RFC 2177) */

	struct imap_parser *parser;
	char *in; /* IMAP_IN_SIZE; NULL while nothing waits */
	size_t in_begin, in_end;
	uint64_t literal; /* octets that are still to come of a message literal */
	uint64_t commands;
	char tag[IMAP_TAG_MAX + 1]; /* of IDLE */

	struct imap_command *command; /* in progress; the parser's */
	imap_step_fn *step;           /* NULL: none */
	uint64_t cpu_used, cpu_since; /* ns: of the command, and when its work began (limits.c) */
	const char
	    *unfinished;    /* ends the response under way; NULL: nothing can, as in a literal */
	size_t task_memory; /* octets that the step has taken, as far as it may grow */
	uint64_t accounted; /* of options.budget->used */
	void *task;         /* the step's own */
	void (*free_task)(struct imap *);

	struct view view;                /* in IMAP_SELECTED */
	struct ranges saved;             /* the search result variable "$" (RFC 5182), UIDs */
	struct imap_context *contexts;   /* searches that are kept up to date (context.h) */
	struct imap_notify_task *notify; /* NOTIFY has been used (notify.h) */
	unsigned told_events;            /* of the selected mailbox: IMAP_EVENT_ bits */
	uint64_t seen_from, seen_to;     /* MODSEQs of \Seen that the command in progress has set */
	uint64_t contexts_read;          /* octets read for them since the last sync began */
	struct imap_unasked *unasked;    /* FETCH responses that are to come (unasked.h) */
	struct imap_kept *kept;          /* what the step needs of a command that is over */
	struct imap_append_task *append; /* messages on their way in (append.c) */
};

/*
 * -- Answers (output.c) -----------------------------------------------------------
 */

void imap_write(struct imap *, const void *bytes, size_t length);
void imap_text(struct imap *, const char *text);
void imap_printf(struct imap *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The tagged response (RFC 9051 7.1), "OK", "NO" or "BAD" and the text, and the end of the command.
 */
void imap_tagged(struct imap *, const char *status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "NO" with the response code of RFC 5530 that a store's failure means. */
void imap_failed(struct imap *, enum store_result, const struct error *);

/* A quoted string or a literal, whatever the octets need; NULL is NIL. */
void imap_nstring(struct imap *, const char *bytes, size_t length);
/* TEXT as an atom if it can be one, else as above: an entry's name. */
void imap_astring(struct imap *, const char *text);
/* A folder's name, in UTF-8 or modified UTF-7 as the client has enabled. */
void imap_mailbox(struct imap *, const char *name);
/* "(\Seen $Forwarded)". */
void imap_flags(struct imap *, uint8_t flags, const char *keywords, bool recent);
/* "1:3,5". */
void imap_set(struct imap *, const struct store_range *, size_t count);

bool imap_is_enabled(const struct imap *, unsigned enabled);
/*
 * The tagged OK, after telling what else has changed (imap_sync(); with expunged messages unless
 * the command in progress is one that must not be told of them).
 */
void imap_ok(struct imap *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * -- The selected folder (sync.c, select.c) ------------------------------------------
 */

/* What the client has done itself and need not be told of. */
struct imap_own {
	uint64_t modseq; /* of the change; 0: none */
};

/*
 * Tells the client what has changed in the selected folder (RFC 9051 7, RFC 7162). EXPUNGES:
 * message numbers may change now (not while FETCH, STORE or SEARCH is in progress, RFC 9051 7.5.1).
 */
void imap_sync(struct imap *, bool expunges, const struct imap_own *);

/* "* 5 FETCH (UID 7 FLAGS (\Seen) MODSEQ (9))", without what is not wanted. */
void imap_fetch_flags(struct imap *, const struct store_message *, bool flags);
/* "* 5 FETCH (", or as RFC 9586 has it; false: the client does not know that message. */
bool imap_fetch_begin(struct imap *, uint32_t uid);

/* FLAGS and PERMANENTFLAGS. */
void imap_tell_keywords(struct imap *);
/* Leaves the selected state. */
void imap_unselect(struct imap *);

/* "* VANISHED (EARLIER)" of what was expunged after SINCE, of those in KNOWN (RFC 7162 3.2.10). */
enum store_result imap_tell_vanished_earlier(struct imap *, uint64_t since,
					     const struct ranges *known, struct error *);

/*
 * The UIDs a command's set stands for (sequence-set, UIDs or "$"). False: it has been answered.
 */
bool imap_resolve(struct imap *, const struct imap_set *, bool uid, struct ranges *uids);

/*
 * -- The engine (engine.c) ---------------------------------------------------------
 */

/* No more input; what is queued is sent, then the stream is closed. */
void imap_finish(struct imap *, const char *why);
/* A command goes on by itself: STEP is called until it says IMAP_DONE. TASK may be NULL. */
void imap_go_on(struct imap *, imap_step_fn *step, void *task, void (*free_task)(struct imap *));
/* The command in progress is over, whatever it was doing. */
void imap_end_command(struct imap *);

/* Puts a new session where a parked one was (park.c). False with ERR filled: it can't be. */
bool imap_take_up(struct imap *, const struct ms_parked *, struct error *);

/* CONDSTORE has been enabled by a command that needs it (RFC 7162 3.1). */
void imap_enable_condstore(struct imap *);
/* The capabilities after login (RFC 9051 6.1.1), words with a space between. */
extern const char imap_capabilities[];

/*
 * -- Limits (limits.c) -------------------------------------------------------------
 */

#define IMAP_TOO_MUCH "The connections of this mailbox need too much memory, ask for less at a time"

/* Before and after each piece of a command's work: its CPU time counts. */
void imap_begin_work(struct imap *);
void imap_end_work(struct imap *);
/* Is the command over its time? */
bool imap_is_late(const struct imap *);
/* Keeps count of what this session has in memory. */
void imap_account(struct imap *);
/* Octets that it may still take. */
uint64_t imap_memory_left(const struct imap *);
/* Ends the command in progress with NO [LIMIT] if it is over its time or the memory. */
void imap_limit_command(struct imap *);

/*
 * -- Input (input.c) ---------------------------------------------------------------
 */

/* Reads what has come. Returns as stream_read(); 1 also if there was no room for more. */
ssize_t imap_input_read(struct imap *);
/* Takes the next command, or a part of one. False: there is none yet. */
bool imap_input_take(struct imap *);
/* Nothing is likely to come soon. */
void imap_input_rest(struct imap *);
void imap_input_free(struct imap *);

/* Messages on their way in (append.c): a literal begins; false: it has been answered, not wanted.
 */
bool imap_append_literal(struct imap *, const struct imap_literal *);
void imap_append_octets(struct imap *, const char *bytes, size_t length);
void imap_append_free(struct imap *);

#endif
