/* SPDX-License-Identifier: ISC */
/*
 * command - what an IMAP client sends before its login becomes a typed command (RFC 9051 6.1
 * and 6.2, RFC 2971, RFC 4959, RFC 7888). Pure functions.
 */
#ifndef POSTERN_WORKER_GATE_IMAP_COMMAND_H
#define POSTERN_WORKER_GATE_IMAP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/sasl_plain.h"

#define IMAP_LOGIN_TAG_SIZE 257
/* Octets of a command with its literals: LOGIN with all escaped, AUTHENTICATE, ID. */
#define IMAP_LOGIN_MAX 8192

enum imap_login_verb {
	IMAP_LOGIN_CAPABILITY,
	IMAP_LOGIN_NOOP,
	IMAP_LOGIN_LOGOUT,
	IMAP_LOGIN_ID,
	IMAP_LOGIN_STARTTLS,
	IMAP_LOGIN_LOGIN,
	IMAP_LOGIN_AUTHENTICATE,
	IMAP_LOGIN_NOT_NOW,   /* a command of the authenticated state */
	IMAP_LOGIN_UNKNOWN,   /* some other */
	IMAP_LOGIN_MALFORMED, /* `why` */
	IMAP_LOGIN_VERB_COUNT
};

/* Holds a password: whoever has one wipes it. */
struct imap_login_command {
	enum imap_login_verb verb;
	char tag[IMAP_LOGIN_TAG_SIZE]; /* "*" if there is none */
	const char *why;
	char user[ADDRESS_SIZE];
	size_t user_length;
	char password[PASSWORD_SIZE];
	size_t password_length;
	const char *mechanism; /* AUTHENTICATE; points into the line */
	size_t mechanism_length;
	const char *response; /* the initial one; NULL if there is none */
	size_t response_length;
};

enum imap_login_step {
	IMAP_LOGIN_MORE,     /* the command isn't whole */
	IMAP_LOGIN_CONTINUE, /* nor is it, and the client waits for "+": for literal number
			      *LITERALS */
	IMAP_LOGIN_WHOLE,    /* *USED octets of it */
	IMAP_LOGIN_REFUSED,  /* *USED octets; a literal too large was announced and will not come */
	IMAP_LOGIN_LOST,     /* a literal too large comes without being asked for, or a line is */
};

/*
 * Looks for the end of the command at the front of BYTES: its lines and literals. *LITERALS counts
 * the literals that have been announced.
 */
enum imap_login_step imap_login_read(const char *bytes, size_t length, size_t *used,
				     unsigned *literals);

/* Takes a command as imap_login_read() has found it, with its line end. */
void imap_login_parse(const char *bytes, size_t length, struct imap_login_command *);

/* A line within AUTHENTICATE: *TEXT without its line end. 0: it isn't whole. */
size_t imap_login_line(const char *bytes, size_t length, size_t *text);

#endif
