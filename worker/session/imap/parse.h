/* SPDX-License-Identifier: ISC */
/*
 * parse - what a client sends after its IMAP login becomes typed commands (command.h). Pure: octets
 * in, commands out, no I/O; the time is linear in the octets (sorting a set: n log n).
 *
 *	parser = imap_parser_new();
 *	for (;;) {
 *		step = imap_parser_feed(parser, in, length, &used);
 *		... drop USED octets of the input
 *		switch (step) {
 *		case IMAP_STEP_MORE:     wait for input
 *		case IMAP_STEP_CONTINUE: send "+ OK", feed on
 *		case IMAP_STEP_MESSAGE:  look at imap_parser_literal(): send "+ OK" if it is
 *		                         synchronizing, take its octets out of the input, feed what
 *follows case IMAP_STEP_COMMAND:  execute imap_parser_command(), feed on case IMAP_STEP_BAD: answer
 *"TAG BAD TEXT" (imap_parser_tag, _error), feed on case IMAP_STEP_FATAL:    say "* BYE TEXT" and
 *close
 *		}
 *	}
 *
 * Literals that are part of a command are kept here; those that are messages (APPEND, REPLACE, the
 * TEXT and UTF8 parts of CATENATE) never are: they go where the caller wants them.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_PARSE_H
#define POSTERN_WORKER_SESSION_IMAP_PARSE_H

#include "worker/session/imap/arena.h"
#include "worker/session/imap/command.h"

#define IMAP_LINE_MAX                                                                         \
	65536                      /* octets of a command outside its literals; of APPEND: of \
				      each message's part of it */
#define IMAP_COMMAND_MAX 1048576   /* octets of a command with the literals that are kept here */
#define IMAP_ARENA_MAX (32u << 20) /* octets of memory for what a command becomes */
#define IMAP_SEARCH_DEPTH_MAX 50   /* parentheses, NOT and OR inside each other */
#define IMAP_PART_DEPTH_MAX 100    /* numbers in BODY[1.2.3] */
#define IMAP_TAG_MAX 256           /* octets */

struct imap_parser;

enum imap_step {
	IMAP_STEP_MORE,     /* all of the input was taken, and a command isn't whole */
	IMAP_STEP_CONTINUE, /* the client waits for a continuation request (RFC 9051 4.3) */
	IMAP_STEP_MESSAGE,  /* a message's octets come next, imap_parser_literal() */
	IMAP_STEP_COMMAND,  /* a whole command, imap_parser_command() */
	IMAP_STEP_BAD,      /* not a command; the next one can follow */
	IMAP_STEP_FATAL,    /* where the next command begins can't be told (a literal too large to
			       skip) */
};

/* A message that is announced. */
struct imap_literal {
	uint64_t octets;
	bool sync; /* the client waits for a continuation request; false: it comes anyway */
	/* Where in imap_parser_command()'s append it belongs; PART is NULL but for CATENATE. */
	struct imap_append_message *message;
	struct imap_cat_part *part;
};

/* NULL without memory. */
struct imap_parser *imap_parser_new(void);
/* NULL is fine. */
void imap_parser_free(struct imap_parser *);

/* After ENABLE IMAP4rev2 or UTF8=ACCEPT: names are UTF-8 as they stand, not modified UTF-7. */
void imap_parser_set_utf8(struct imap_parser *, bool on);

/* posternctl's connection: XUIDS and APPEND's UID, which nobody else has. */
void imap_parser_set_administrator(struct imap_parser *);

/* After IDLE was begun: the next line is to be DONE and becomes IMAP_IDLE_DONE (RFC 2177). */
void imap_parser_idle(struct imap_parser *);

/*
 * Takes octets from the front of BYTES, up to the end of a command at most; *USED is how many. The
 * command before ceases to be valid.
 */
enum imap_step imap_parser_feed(struct imap_parser *, const char *bytes, size_t length,
				size_t *used);

/*
 * After IMAP_STEP_CONTINUE and IMAP_STEP_MESSAGE (synchronizing): the command was answered NO or
 * BAD instead of "+"; forgets it.
 */
void imap_parser_reset(struct imap_parser *);

/* After IMAP_STEP_COMMAND; after IMAP_STEP_MESSAGE what is known so far (tag, verb, append). */
struct imap_command *imap_parser_command(struct imap_parser *);
const struct imap_literal *imap_parser_literal(const struct imap_parser *);
/* The tag of the command that is being read, "*" if there is none. */
const char *imap_parser_tag(const struct imap_parser *);
/* What was wrong: printable ASCII, no line ends; "Expected a number after UID FETCH, found \"x\"".
 */
const char *imap_parser_error(const struct imap_parser *);
/* True if a command was begun and isn't whole: of use for time limits. */
bool imap_parser_busy(const struct imap_parser *);
/* How many octets of memory it has, or has promised to a literal that is on its way. */
size_t imap_parser_memory(const struct imap_parser *);
/* How many more it may take from now on: a command that needs them is IMAP_STEP_BAD. */
void imap_parser_set_room(struct imap_parser *, uint64_t octets);
/* After IMAP_STEP_BAD: was that why? Then the command is not wrong. */
bool imap_parser_is_limit(const struct imap_parser *);
/*
 * After IMAP_STEP_COMMAND: what the command points to outlives it; whoever takes it frees it by
 * imap_arena_clear().
 */
void imap_parser_give(struct imap_parser *, struct imap_arena *);
/* Gives back memory that isn't needed between commands. */
void imap_parser_rest(struct imap_parser *);

/*
 * Makes a set sorted and disjoint, in place: IMAP_STAR becomes MAX (the largest number in use; 0 if
 * there is none: then `*` names nothing, ranges with it only what else they name). `$` stays as it
 * is.
 */
void imap_set_resolve(struct imap_set *, uint32_t max);
/* True if NUMBER is in a set that was resolved. */
bool imap_set_has(const struct imap_set *, uint32_t number);

/*
 * Modified UTF-7 (RFC 3501 5.1.3). OUT has OUT_SIZE octets and gets a NUL. -1: it doesn't fit, or
 * what came in is not valid (decode: also what should have stood as it is, lone surrogates,
 * nonzero padding; encode: not UTF-8).
 */
#define IMAP_UTF7_SIZE(utf8_length) ((utf8_length)*4 + 3)
int imap_utf7_decode(const char *in, size_t length, char *out, size_t out_size);
int imap_utf7_encode(const char *in, size_t length, char *out, size_t out_size);

#endif
