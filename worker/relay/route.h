/* SPDX-License-Identifier: ISC */
/*
 * route - which addresses take a domain's mail, in which order (RFC 5321 5.1): MX by preference,
 * the domain itself without one, nobody with a null MX (RFC 7505).
 */
#ifndef POSTERN_WORKER_RELAY_ROUTE_H
#define POSTERN_WORKER_RELAY_ROUTE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "common/proto/types.h"
#include "worker/dns/dns.h"
#include "worker/relay/reply.h"

struct dane;
struct event_base;
struct resolver;
struct route;

#define ROUTE_TARGETS_MAX 16
#define ROUTE_HOSTS_MAX 8

struct route_target {
	struct in6_addr address;
	char host[HOST_NAME_SIZE];
	bool backup;   /* other hosts of the domain are preferred to this one */
	bool secure;   /* DNS has proved that the host is the domain's, and that address its own */
	bool unproved; /* it may do so another time */
	struct dane *dane; /* what is said of its certificate; NULL if nothing was asked */
};

enum route_verdict { ROUTE_OK, ROUTE_LATER, ROUTE_NEVER };

struct route_answer {
	enum route_verdict verdict;
	struct reply why; /* if it is not ROUTE_OK */
	size_t count;
	struct route_target targets[ROUTE_TARGETS_MAX];
};

/* What it points to: whoever keeps an answer. */
void route_answer_clear(struct route_answer *);

/* Who we are. What leads to us, and what is not preferred to us, is left out. */
struct route_self {
	const char *name;
	/* Is it us who listens there? NULL: nobody knows. */
	bool (*is_own)(const struct in6_addr *, uint16_t port, const void *arg);
	const void *arg;
	bool inbound; /* the domain's mail goes on from here: that it leads back is a mistake of
			 ours */
};

enum route_to {
	ROUTE_TO_DOMAIN,
	ROUTE_TO_HOST,    /* that is configured: a name, or an address */
	ROUTE_TO_LITERAL, /* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3) */
};

/*
 * Finds the way to NAME, a domain or one host alone, for SELF. SELF stays the caller's, and there.
 * PORT is where the hosts are connected to. DONE is called from the loop, once, unless route_drop()
 * comes first; then all that is ROUTE is gone, but what the answer points to is the callee's. NULL
 * without memory.
 */
typedef void route_done_fn(const struct route_answer *, void *arg);
struct route *route_find(struct resolver *, struct event_base *, const struct route_self *self,
			 const char *name, enum route_to, uint16_t port, route_done_fn *done,
			 void *arg);
void route_drop(struct route *);

/* -- A pure function ------------------------------------------------------------------- */

struct route_hosts {
	size_t count;
	char names[ROUTE_HOSTS_MAX][HOST_NAME_SIZE];
	uint16_t preferences[ROUTE_HOSTS_MAX];
};

/*
 * The hosts of an MX answer, the most preferred first; equal ones in the order of the answer,
 * begun at ROTATE. Without any record, not even one that was left out, it is DOMAIN. OWN and what
 * is not preferred to it is left out (RFC 5321 5.1). False, with WHY filled, if that leaves nobody.
 */
bool route_order(const struct dns_answer *, const char *domain, const char *own, uint32_t rotate,
		 struct route_hosts *, struct reply *why);

#define ROUTE_LOOP_CODE 554
#define ROUTE_LOOPS "mail for this domain leads back to this server"

/* A reply of our own: "TEXT: NAME". */
void route_explain(struct reply *, unsigned code, const char *status, const char *text,
		   const char *name);

#endif
