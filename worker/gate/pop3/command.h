/* SPDX-License-Identifier: ISC */
/*
 * command - a line of POP3's AUTHORIZATION state becomes a typed command (RFC 1939 3 and 4, RFC
 * 2449, RFC 2595, RFC 5034, RFC 6856). Pure functions.
 */
#ifndef POSTERN_WORKER_GATE_POP3_COMMAND_H
#define POSTERN_WORKER_GATE_POP3_COMMAND_H

#include <stddef.h>

#include "common/sasl_plain.h"

/*
 * Octets of a line with its CRLF. RFC 2449 4 says 255, which a PASS of a long password and an AUTH
 * with its initial response (RFC 5034 4) exceed.
 */
#define POP3_LINE_MAX (sizeof("AUTH PLAIN \r\n") + SASL_PLAIN_ENCODED_MAX)

enum pop3_verb {
	POP3_CAPA,
	POP3_USER,
	POP3_PASS,
	POP3_AUTH,
	POP3_STLS,
	POP3_QUIT,
	POP3_UTF8,
	POP3_LANG,
	POP3_NOT_NOW, /* a command of the TRANSACTION state */
	POP3_APOP,    /* left out: it needs passwords in the clear on the server */
	POP3_UNKNOWN,
	POP3_NOT_UTF8,  /* USER or PASS of what is no UTF-8 (RFC 6856 2.2) */
	POP3_MALFORMED, /* no keyword, a NUL or a bare CR in it */
	POP3_VERB_COUNT
};

/* Arguments point into the line. */
struct pop3_command {
	enum pop3_verb verb;
	const char *argument; /* USER: the name; PASS: all to the end, with its spaces; AUTH: the
				 mechanism; "" if there is none */
	size_t argument_length;
	const char *response; /* AUTH: the initial response, NULL if there is none */
	size_t response_length;
};

/*
 * How long the line at the front of BYTES is, with its line end (CRLF; a bare LF is taken too), and
 * in *TEXT without. 0: there is no whole line in POP3_LINE_MAX bytes.
 */
size_t pop3_line(const char *bytes, size_t length, size_t *text);

/* Takes a line, without its end. */
void pop3_parse(const char *line, size_t length, struct pop3_command *);

#endif
