/* SPDX-License-Identifier: ISC */
/*
 * client - the client's side of an SMTP or LMTP connection (RFC 5321 3 and 4, RFC 2033), as a pure
 * function: events go in, text to send and what to do next come out.
 *
 * A connection carries any number of mails, one after the other. What a mail's recipients end with
 * is in the mail; those that still are PENDING when the connection is to be closed have been
 * refused by nobody: another host of the same domain may take them, as those that are PUT_OFF.
 */
#ifndef POSTERN_WORKER_RELAY_CLIENT_H
#define POSTERN_WORKER_RELAY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mail_parameters.h"
#include "worker/relay/capabilities.h"
#include "worker/relay/conversion.h"
#include "worker/relay/login.h"
#include "worker/relay/reply.h"

struct evbuffer;

enum client_outcome {
	OUTCOME_PENDING,
	OUTCOME_DELIVERED, /* the server has taken responsibility (RFC 5321 4.2.5) */
	OUTCOME_PUT_OFF,   /* a transient failure, and it has nothing of the message */
	OUTCOME_LATER,     /* a transient failure, of or behind the message */
	OUTCOME_FAILED,    /* a permanent one */
};

struct client_recipient {
	const char *path;  /* the forward-path, without its brackets */
	uint32_t notify;   /* DSN_NOTIFY_... */
	const char *orcpt; /* mail_parameters.h; "": none */
	enum client_outcome outcome;
	bool asked;         /* the client's: an RCPT is on its way, or answered */
	bool dsn;           /* the server was told what reports are wanted */
	struct reply reply; /* what it ended with */
};

struct client_mail {
	const char *sender; /* the reverse-path, without its brackets; "": the null one */
	uint64_t size;      /* octets */
	const char *prefix; /* lines that go before it (NULL: none), not among its octets */
	bool eight_bit;     /* it has octets above 127 */
	bool binary;        /* it is not lines of text: only BDAT carries it (RFC 3030) */
	bool utf8;          /* its addresses or header need SMTPUTF8 */
	/* To 7 bits, for a server that takes no more (stays the caller's); NULL: there is none. */
	struct conversion *conversion;
	bool converts; /* the client's: this server gets it converted */
	struct mail_parameters parameters;
	struct client_recipient *recipients;
	size_t count; /* 1 or more */
};

enum client_tls {
	CLIENT_TLS_NEVER,
	CLIENT_TLS_OFFERED,  /* where the server has STARTTLS */
	CLIENT_TLS_REQUIRED, /* no mail without it */
};

/* How one server is spoken to. All of it stays the caller's, as long as the client lives. */
struct client_options {
	const char *helo; /* our name */
	enum client_tls tls;
	bool implicit_tls; /* from the first octet on (RFC 8314 3.3); tls is REQUIRED then */
	bool lmtp;         /* RFC 2033: LHLO, and a reply for each recipient behind the message */
	/* A server with this name, or that of `helo`, is us: the mail would come back for ever.
	 * NULL: nobody is. */
	const char *own;
	bool named;           /* the configuration names this server; it is no domain's */
	bool backup;          /* other hosts of the domain are preferred to this one */
	const char *user;     /* who logs in, after TLS only; NULL: nobody */
	const char *password; /* as saslprep() made it, both */
};

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_GREETING, /* the server speaks first */
	CLIENT_EHLO,     /* or LHLO */
	CLIENT_HELO,     /* it doesn't know EHLO */
	CLIENT_STARTTLS,
	CLIENT_HANDSHAKE,
	CLIENT_AUTH,
	CLIENT_READY, /* for a mail */
	CLIENT_RSET,  /* between two mails */
	CLIENT_ENVELOPE,
	CLIENT_DATA, /* 354 is awaited */
	CLIENT_BODY, /* the caller sends it */
	CLIENT_DOT,  /* it is sent, the answer is awaited */
	CLIENT_QUIT,
	CLIENT_CLOSED,
	CLIENT_STATES,
};

enum client_action {
	CLIENT_WAIT,       /* for the next reply */
	CLIENT_START_TLS,  /* and drop what has come in plaintext behind the reply (RFC 3207 6) */
	CLIENT_GIVE,       /* ready: client_mail() or client_quit() */
	CLIENT_SEND_BODY,  /* dot-stuffed, with the final dot; then client_sent() */
	CLIENT_SEND_CHUNK, /* as it is (BDAT); then client_sent() */
	CLIENT_MAIL_DONE,  /* the mail's outcomes are all there; as CLIENT_GIVE */
	CLIENT_CLOSE,
};

struct client {
	enum client_state state;
	const struct client_options *options;
	bool plain;         /* STARTTLS is not asked for, though it may be offered */
	bool secure;        /* TLS is on */
	bool polite;        /* with CLIENT_CLOSE: the server would understand QUIT */
	bool useless;       /* with CLIENT_CLOSE: this server never takes it, another may */
	bool login_refused; /* with CLIENT_CLOSE: it does not take our user and password */
	struct capabilities capabilities;
	unsigned lines; /* of the reply to EHLO */
	bool loop;      /* the server has our name */
	struct login login;
	char line[REPLY_LINE_SIZE]; /* in CLIENT_AUTH: the last one, a challenge */
	unsigned mails;             /* that it was given */
	struct client_mail *mail;
	size_t sent;      /* commands of the envelope: MAIL is the first, then each RCPT */
	size_t answered;  /* of these; at the end of an LMTP message: replies that have come */
	bool transaction; /* the server has an envelope that RSET would clear */
	struct reply why; /* with CLIENT_CLOSE: why, if it was not QUIT */
};

void client_start(struct client *, const struct client_options *);
/* There is a connection. CLIENT_WAIT, or CLIENT_START_TLS if it begins with that. */
enum client_action client_connected(struct client *);

/* A line of a reply has come, the last one too; before client_reply(). */
void client_line(struct client *, const char *text);
/* A whole reply. What is to be sent is added to OUT. */
enum client_action client_reply(struct client *, const struct reply *, struct evbuffer *out);
/* The TLS handshake is done. */
enum client_action client_secured(struct client *, struct evbuffer *out);
/*
 * In CLIENT_READY: the next mail (stays the caller's, until it is done), for those of its
 * recipients that are PENDING; or the end, which may also follow CLIENT_CLOSE if the client is
 * polite.
 */
enum client_action client_mail(struct client *, struct client_mail *, struct evbuffer *out);
enum client_action client_quit(struct client *, struct evbuffer *out);
/* The body and its final dot are sent. */
enum client_action client_sent(struct client *);
/* The connection is gone, or unusable: WHY in words. */
enum client_action client_lost(struct client *, const char *why);

/* Whether the mail may go over verified TLS only, to who has REQUIRETLS: its sender asked for it. A
 * report of one that required it is not lost over it (RFC 8689 5). */
bool client_requires_tls(const struct client_mail *);

/* How long the server may take for what it owes us now, in seconds (RFC 5321 4.5.3.2). */
unsigned client_seconds(const struct client *);
/* For a person: "the reply to MAIL". */
const char *client_stage(const struct client *);

#endif
