/* SPDX-License-Identifier: ISC */
/*
 * milter_session - one mail told to one milter, as if its SMTP session were going on just now: what
 * is said next, and what the replies mean. Pure: octets go to and come from buffers, the mail's
 * header and body are asked for by functions.
 */
#ifndef POSTERN_WORKER_FILTER_MILTER_SESSION_H
#define POSTERN_WORKER_FILTER_MILTER_SESSION_H

#include <sys/types.h>

#include "common/error.h"
#include "worker/filter/milter_wire.h"

/* A header field as it stands in the mail: no NUL behind these. */
struct milter_field {
	const char *name;
	size_t name_length;
	const char *value; /* all that is behind the colon, without the last CRLF */
	size_t value_length;
};

/* Strings are NUL-terminated; NULL where that is said. */
struct milter_mail {
	const char *hostname;    /* this server's */
	const char *queue_id;    /* macro i */
	const char *client_name; /* that its address confirms (FCrDNS); NULL: none */
	const char *client;      /* its address; NULL: no connection brought the mail */
	char family;             /* '4', '6' */
	uint16_t port;
	const char *helo;
	const char *sender;     /* the reverse-path; "" is the null one */
	const char *recipients; /* forward-paths, a NUL behind each */
	size_t recipient_count;
	const char *submitter;   /* who has logged in; NULL: nobody */
	const char *mechanism;   /* how (RFC 4422); NULL: not known */
	const char *tls_version; /* NULL: no TLS */
	const char *tls_cipher;  /* NULL: not known */

	/* The field number INDEX, from 0; false behind the last. */
	bool (*field)(void *context, size_t index, struct milter_field *);
	/* Octets of the body from OFFSET on: how many, 0 at its end, -1 with errno. */
	ssize_t (*body)(void *context, uint64_t offset, void *buffer, size_t room);
	/* The milter wants that changed. -1 if it can't be done: the session fails. */
	int (*change)(void *context, const struct milter_reply *);
	void *context;
};

enum milter_state {
	MILTER_IN_OPTIONS,
	MILTER_IN_CONNECT,
	MILTER_IN_HELO,
	MILTER_IN_MAIL,
	MILTER_IN_RCPT,
	MILTER_IN_DATA,
	MILTER_IN_HEADER,
	MILTER_IN_EOH,
	MILTER_IN_BODY,
	MILTER_IN_END,
	MILTER_OVER,
	MILTER_STATES
};

#define MILTER_TEXT_SIZE 4096 /* of a refusal's */

struct milter_session {
	const struct milter_mail *mail;
	enum milter_state state;
	struct milter_options options;
	bool waiting;     /* a reply is awaited */
	bool declined;    /* of what is said now it wants the macros alone */
	size_t next;      /* recipient or field */
	const char *rcpt; /* the next recipient */
	uint64_t offset;  /* in the body */

	/* When it is over: MILTER_ACCEPT, REJECT (with code), TEMPFAIL (with code) or DISCARD. */
	enum milter_reply_type outcome;
	struct milter_code code;
	char text[MILTER_TEXT_SIZE];
};

/* MAIL stays the caller's, and has to live as long. */
void milter_session_start(struct milter_session *, const struct milter_mail *);

/*
 * Writes what comes next, at most one packet and its macros. Returns 1 if it wrote (there may be
 * more), 0 if a reply has to come first or all is over, -1 with ERR filled.
 */
int milter_session_speak(struct milter_session *, struct evbuffer *out, struct error *err);

/* A reply: a packet without its length. 0, or -1 with ERR filled: that is no milter. */
int milter_session_hear(struct milter_session *, const char *packet, size_t length,
			struct error *err);

/* For the log: "CONNECT". */
const char *milter_state_name(enum milter_state);

#endif
