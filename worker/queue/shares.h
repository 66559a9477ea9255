/* SPDX-License-Identifier: ISC */
/*
 * shares - how much of a gate's memory for addresses each of its clients has: all that strangers
 * send comes over one channel, and none of them is to have what is there for all.
 */
#ifndef POSTERN_WORKER_QUEUE_SHARES_H
#define POSTERN_WORKER_QUEUE_SHARES_H

#include <netinet/in.h>
#include <sys/tree.h>

#include <stddef.h>

struct share {
	RB_ENTRY(share) by_address;
	struct in6_addr address; /* as it counts (scores.h) */
	size_t transactions;     /* it is gone with the last one */
	size_t bytes;
};
RB_HEAD(shares, share);

/* One more transaction of that client. NULL without memory. */
struct share *share_join(struct shares *, const struct in6_addr *client);
void share_leave(struct shares *, struct share *);

#endif
