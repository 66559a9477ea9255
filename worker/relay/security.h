/* SPDX-License-Identifier: ISC */
/*
 * security - how sure relay has to be of whom it talks to, from what is configured and what the
 * destination has published: DANE (RFC 7672), MTA-STS (RFC 8461), and what the mail itself wants
 * (RFC 8689). A pure function: nothing here falls back.
 */
#ifndef POSTERN_WORKER_RELAY_SECURITY_H
#define POSTERN_WORKER_RELAY_SECURITY_H

#include <stdbool.h>

#include "common/proto/master_relay.h"
#include "worker/relay/dane.h"
#include "worker/relay/reply.h"
#include "worker/relay/sts_policy.h"

/* In rising order. */
enum security_level {
	SECURITY_NONE,     /* plaintext */
	SECURITY_OFFERED,  /* TLS where it is offered, plaintext if that fails (RFC 7435) */
	SECURITY_REQUIRED, /* TLS, with anybody */
	SECURITY_VERIFIED, /* TLS, with a certificate of an authority for `name` */
	SECURITY_DANE,     /* TLS, with a certificate that `dane` names */
	SECURITY_LEVELS
};

struct security {
	enum security_level level;
	const char *by;             /* what wants it: "configured", "dane", "sts" or "requiretls" */
	char name[HOST_NAME_SIZE];  /* the server's, for SNI and its certificate */
	char other[HOST_NAME_SIZE]; /* what a DANE-TA certificate may say too (3.2.2), or "" */
	struct dane *dane;          /* SECURITY_DANE; the facts', which hold it */
};

/* What is known of a server and its domain. All of it stays the caller's. */
struct security_facts {
	enum relay_tls tls;           /* configured */
	const char *domain;           /* the mail's */
	const char *host;             /* the server's name */
	bool named;                   /* the configuration names the server: no MX led to it */
	bool secure;                  /* DNS has proved that this server is the domain's */
	struct dane *dane;            /* NULL: nothing was asked */
	const struct sts_policy *sts; /* NULL: there is none */
	bool unsure;                  /* `secure` and `sts` may say more another time */
	bool optional;                /* the mail asks to go whatever is published */
	bool requiretls;              /* the mail asks for it */
};

/*
 * Whether a server may be used at all, and how: true with *SECURITY filled; or false, with WHY:
 * another server may do. It is a transient failure, but where TLS that the mail requires can't be
 * had before somebody publishes or configures something else.
 */
bool security_of(const struct security_facts *, struct security *, struct reply *why);

/*
 * Whether a connection that was made sure of as HAVE says is as good as WANT for a mail: at least
 * that level, and the same server if it matters which one it is.
 */
bool security_suffices(const struct security *have, const struct security *want);

/* How a connection was made sure of, for the log: "dane", "sts", "pkix" or "none". */
const char *security_word(const struct security *);

#endif
