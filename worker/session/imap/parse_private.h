/* SPDX-License-Identifier: ISC */
/* What the parser's files share: the table of commands and who reads which arguments. */
#ifndef POSTERN_WORKER_SESSION_IMAP_PARSE_PRIVATE_H
#define POSTERN_WORKER_SESSION_IMAP_PARSE_PRIVATE_H

#include "worker/session/imap/lex.h"
#include "worker/session/imap/parse.h"

/* Reads what stands behind a command's name, its space included, to the line's end. */
typedef bool imap_arguments_fn(struct imap_lexer *, struct imap_command *);

struct imap_grammar {
	const char *name;
	enum imap_verb verb;
	bool with_uid; /* UID NAME is a command too */
	imap_arguments_fn *arguments;
};

/* Reads tag, UID and name; *GRAMMAR is NULL if it fails. */
bool imap_parse_start(struct imap_lexer *, struct imap_command *, const struct imap_grammar **);

imap_arguments_fn imap_parse_none, imap_parse_anything;
imap_arguments_fn imap_parse_mailbox, imap_parse_select, imap_parse_create, imap_parse_rename;
imap_arguments_fn imap_parse_list, imap_parse_lsub, imap_parse_status;
imap_arguments_fn imap_parse_fetch, imap_parse_store, imap_parse_copy, imap_parse_expunge;
imap_arguments_fn imap_parse_search, imap_parse_esearch, imap_parse_sort, imap_parse_thread;
imap_arguments_fn imap_parse_cancelupdate, imap_parse_notify;
imap_arguments_fn imap_parse_id, imap_parse_enable, imap_parse_word, imap_parse_root;
imap_arguments_fn imap_parse_uids, imap_parse_setquota, imap_parse_getmetadata,
    imap_parse_setmetadata;
/* Only the numbers and the name; the messages are parse_append.c's. */
imap_arguments_fn imap_parse_append;

/* Where in APPEND or REPLACE the parser stands, between messages. */
enum imap_append_state {
	IMAP_APPEND_MESSAGE,   /* behind the name or a message */
	IMAP_APPEND_CAT_FIRST, /* before the first part of CATENATE */
	IMAP_APPEND_UTF8,      /* behind a literal in UTF8 (...) */
	IMAP_APPEND_CAT,       /* behind a part of CATENATE */
	IMAP_APPEND_CAT_UTF8,  /* behind a literal in a part's UTF8 (...) */
};

/* Goes on from STATE to the next message's literal (*LITERAL, *STATE; true, not *DONE) or the end.
 */
bool imap_parse_messages(struct imap_lexer *, struct imap_command *, enum imap_append_state *,
			 struct imap_literal *, bool *done);

#endif
