/* SPDX-License-Identifier: ISC */
/*
 * command - one command line becomes a typed command, once. Pure.
 *
 * Knows the syntax of RFC 5321 4.1.1 and 4.1.2 and of the extensions that are offered: SIZE
 * (RFC 1870), 8BITMIME (RFC 6152), CHUNKING and BINARYMIME (RFC 3030), DSN (RFC 3461), SMTPUTF8
 * (RFC 6531), REQUIRETLS (RFC 8689), STARTTLS (RFC 3207), AUTH (RFC 4954). In which state a command
 * is allowed is the session's business.
 */
#ifndef POSTERN_WORKER_GATE_SMTP_COMMAND_H
#define POSTERN_WORKER_GATE_SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/mail_parameters.h"
#include "worker/gate/smtp/reply.h"

enum smtp_verb {
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_QUIT,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_HTTP, /* a line of HTTP: a browser that was talked into speaking to a mail server */
	SMTP_VERB_COUNT,
};

#define SMTP_MECHANISM_SIZE 21 /* RFC 4422 3.1: 20 characters */

struct smtp_command {
	enum smtp_verb verb;

	/* EHLO, HELO: Domain or address-literal; what is neither is refused, and stays in argument.
	 */
	char domain[HOST_NAME_SIZE];

	/*
	 * MAIL, RCPT: the Mailbox without brackets and source route (RFC 5321 4.1.1.3), its local
	 * part in quotes only where it needs them; "" for <>, "postmaster" for <Postmaster>. Its
	 * domain is in A-labels, its local part may be in UTF-8.
	 */
	char path[ADDRESS_TEXT_SIZE];
	bool utf8; /* what was said had octets above 127: only after SMTPUTF8 */
	/* Refused for what stands in the <> alone, which the client may have from somebody. */
	bool no_mailbox;

	/* MAIL */
	uint64_t size; /* SIZE=, or 0 */
	struct mail_parameters parameters;

	/* RCPT */
	uint32_t notify;        /* DSN_NOTIFY_... */
	char orcpt[ORCPT_SIZE]; /* as orcpt_is_sound() wants it; "": none */

	/* BDAT: octets that follow the line */
	uint64_t chunk;
	bool last;

	/* AUTH; "=" stands for an empty response (RFC 4954 4). NULL: none given. Points into LINE.
	 */
	char mechanism[SMTP_MECHANISM_SIZE]; /* upper case */
	const char *initial_response;
	size_t initial_response_length;

	/* EHLO, HELO, VRFY, EXPN, HELP, NOOP: what follows, unchecked. Points into LINE. */
	const char *argument;
	size_t argument_length;
};

/*
 * Parses LINE (without CRLF). Returns 0, or -1 with the reply filled; the command's verb is then
 * set if it was known, else SMTP_VERB_COUNT.
 */
int smtp_command_parse(const char *line, size_t length, struct smtp_command *, struct smtp_reply *);

/* Whether LINE's verb is VERB, in any case, whatever follows it. */
bool smtp_command_is(const char *line, size_t length, enum smtp_verb verb);

/* "MAIL" */
const char *smtp_verb_name(enum smtp_verb);

#endif
