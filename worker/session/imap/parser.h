/* SPDX-License-Identifier: ISC */
/* parser - what parse.c (octets to lines and literals) and parse_line.c (lines to commands) share.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_PARSER_H
#define POSTERN_WORKER_SESSION_IMAP_PARSER_H

#include "worker/session/imap/parse_private.h"

#define IMAP_TAIL_MAX 32 /* "~{9223372036854775807+}\r\n" and more */

enum imap_parser_state {
	IMAP_IN_LINE,      /* in a line */
	IMAP_IN_LITERAL,   /* in a literal that is kept */
	IMAP_SKIP_LINE,    /* in a line of a command that is wrong */
	IMAP_SKIP_LITERAL, /* in a literal of such a one */
	IMAP_LOST,
};

struct imap_parser {
	enum imap_parser_state state;
	bool utf8;
	bool administrator;
	bool idle;   /* the next line is to be DONE */
	bool over;   /* what is here is the command before */
	bool begun;  /* the command's name has been read: `grammar` */
	bool append; /* `cursor` and `append_state` count */

	char *buffer;
	size_t length, room;
	size_t line;              /* where the line begins */
	size_t text;              /* octets of lines, for the bound */
	uint64_t literal;         /* octets to come */
	uint64_t skipped;         /* octets of literals */
	char tail[IMAP_TAIL_MAX]; /* the last octets of a line that is skipped */
	size_t tail_length;

	size_t spare; /* octets that literals may still take */
	bool limit;   /* the memory that was given to it was not enough */

	struct imap_arena arena;
	struct imap_command command;
	const struct imap_grammar *grammar;
	size_t cursor; /* read up to here */
	enum imap_append_state append_state;
	struct imap_literal message;
	struct error err;
};

/* The literal that a line announces with its end. False: none. */
bool imap_announced_at_end(const char *line, size_t length, struct imap_announced *);

/* Reads tag and name, once. False: ERR is set. */
bool imap_parser_begin(struct imap_parser *);

/*
 * A line has come to its end: reads it, or has its literal collected first. IMAP_STEP_BAD: ERR is
 * set, a literal that the line announces is the caller's to deal with.
 */
enum imap_step imap_parser_line(struct imap_parser *);

#endif
