/* SPDX-License-Identifier: ISC */
/*
 * greylist - is it too soon for a stranger's mail (RFC 6647)?
 *
 * What counts is the client's network, the reverse-path and the forward-path together. Seen for the
 * first time they wait; a mail server comes again, and when greylist_rules.delay is over it is let
 * in, now and for as long as it is remembered. A network that has passed often enough, with a delay
 * between one and the next, is known: all of its mail comes in at once.
 *
 * First attempts of one neighbourhood fill no more than a part of what may be remembered, so that
 * others' are not pushed out before they come again. Which neighbourhoods are counted together is
 * by a secret of each greylist_open(): few are, and nobody can find who is with whom.
 *
 * Kept in a database (greylist_db.h), as hashes without a secret. No path stands in it, but who has
 * it can try: all networks of IPv4 in seconds, and whether two paths that he knows have come from a
 * network that he knows. The clock is the caller's, in seconds since the epoch.
 */
#ifndef POSTERN_WORKER_QUEUE_GREYLIST_H
#define POSTERN_WORKER_QUEUE_GREYLIST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/master_queue.h"

struct greylist;

enum greylist_verdict {
	GREYLIST_WAIT,   /* for .seconds more */
	GREYLIST_WAITED, /* it has, for .seconds */
	GREYLIST_SEEN,   /* it did so before */
	GREYLIST_KNOWN,  /* its network has passed often */
	GREYLIST_BROKEN, /* the database: nobody waits. greylist_error() */
};
struct greylist_answer {
	enum greylist_verdict verdict;
	uint32_t seconds;
	bool now_known; /* and its network is known from now on */
};

/* NULL with ERR filled. */
struct greylist *greylist_open(const struct greylist_rules *, int64_t now, struct error *);
void greylist_close(struct greylist *); /* NULL is fine */

/* Letters of paths count the same in upper and lower case. SENDER "" is the null reverse-path. */
struct greylist_answer greylist_ask(struct greylist *, const struct in6_addr *, const char *sender,
				    const char *recipient, int64_t now);

/* Something is to be committed. */
bool greylist_is_dirty(const struct greylist *);
/* Forgets what is too old, and makes the rest last. 0, or -1: greylist_error(). */
int greylist_commit(struct greylist *, int64_t now);
const char *greylist_error(const struct greylist *);

/* The network of an address: the first bits of it that count. */
void greylist_network(const struct greylist_rules *, const struct in6_addr *, struct in6_addr *);

#endif
