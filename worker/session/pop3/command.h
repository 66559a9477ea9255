/* SPDX-License-Identifier: ISC */
/*
 * command - command lines of POP3's TRANSACTION state (RFC 1939 5, RFC 2449 3, RFC 6856 3), parsed
 * once into typed commands. Pure.
 */
#ifndef POSTERN_WORKER_SESSION_POP3_COMMAND_H
#define POSTERN_WORKER_SESSION_POP3_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POP3_LINE_MAX 255 /* octets of a command, with its CRLF (RFC 2449 4) */

enum pop3_verb {
	POP3_STAT,
	POP3_LIST,
	POP3_RETR,
	POP3_DELE,
	POP3_NOOP,
	POP3_RSET,
	POP3_QUIT,
	POP3_TOP,
	POP3_UIDL,
	POP3_CAPA,
	POP3_LANG_LIST,
	POP3_LANG_SET, /* to English */
	POP3_LOGIN,    /* one of the AUTHORIZATION state's */
	POP3_VERB_COUNT
};

struct pop3_command {
	enum pop3_verb verb;
	bool has_message; /* LIST and UIDL: a message-number was given */
	uint32_t message; /* message-number; 0 and UINT32_MAX are never one */
	uint32_t lines;   /* TOP: n; UINT32_MAX is that or more */
};

enum pop3_verdict {
	POP3_OK,
	POP3_UNKNOWN,
	POP3_MISSING_ARGUMENT,
	POP3_EXTRA_ARGUMENT,
	POP3_NOT_A_NUMBER,
	POP3_NO_SUCH_LANGUAGE,
};

/* LINE without its line end. On POP3_OK *COMMAND is filled. */
enum pop3_verdict pop3_parse_transaction(const char *line, size_t length, struct pop3_command *);

/* What to say behind -ERR. */
const char *pop3_verdict_text(enum pop3_verdict);

#endif
