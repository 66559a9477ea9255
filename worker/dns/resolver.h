/* SPDX-License-Identifier: ISC */
/* resolver - questions of DNS, asked by libunbound in the caller's loop. */
#ifndef POSTERN_WORKER_DNS_RESOLVER_H
#define POSTERN_WORKER_DNS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/types.h"

struct event_base;
struct resolver;
struct dns_question;

struct dns_trust {
	enum dns_validation validation;
	const char *anchors; /* DS and DNSKEY as in a zone file, one a line; NULL: the root's */
};

/*
 * Asks on BASE the RESOLVERS ("192.0.2.1@53", "" behind the last); or, if there are none, DNS
 * itself from its root on. To be called before the sandbox closes: what libunbound opens for itself
 * it opens here. TRUST is read, not kept. NULL with ERR filled, also if an anchor is none.
 */
struct resolver *resolver_open(struct event_base *,
			       const char resolvers[RESOLVERS_MAX][RESOLVER_SIZE],
			       const struct dns_trust *trust, struct error *);

enum dns_status {
	DNS_ANSWERED, /* the packet has the records, perhaps none of the type */
	DNS_NO_NAME,  /* NXDOMAIN: the name has no record of any type */
	DNS_FAILED,   /* no answer, or a refusal: later perhaps */
};

struct dns_reply {
	enum dns_status status;
	const uint8_t *packet; /* for dns_parse() and its kin; there during the call only */
	size_t length;         /* 0 unless it is DNS_ANSWERED */
	bool secure;   /* an answer, or that there is none, has been proved (RFC 4035 4.3) */
	bool bogus;    /* DNS_FAILED, because a proof that should be there is wrong or missing */
	bool unproved; /* believed without the proof there may be: the resolvers hand out none */
};

/*
 * Asks for NAME's records of TYPE. DONE is called from the loop, never from here, once, unless
 * dns_forget() comes first; with it the question ends. NULL without memory.
 */
typedef void dns_done_fn(const struct dns_reply *, void *arg);
struct dns_question *dns_ask(struct resolver *, const char *name, uint16_t type, dns_done_fn *done,
			     void *arg);
/* NULL is fine. */
void dns_forget(struct dns_question *);

#endif
