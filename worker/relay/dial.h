/* SPDX-License-Identifier: ISC */
/*
 * dial - a TCP connection to whichever of a host's addresses answers first (RFC 8305): the next one
 * is tried when the one before has failed, or has not answered for a moment. There is one
 * connection in the end; those that come later are closed, and have heard nothing.
 */
#ifndef POSTERN_WORKER_RELAY_DIAL_H
#define POSTERN_WORKER_RELAY_DIAL_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct dial;
struct event_base;

#define DIAL_MAX 2        /* addresses: one of each family */
#define DIAL_DELAY_MS 250 /* RFC 8305 5: the Connection Attempt Delay */

/* In the order of preference. Of IPv4 as mapped ones. */
struct dial_plan {
	size_t count; /* 1 to DIAL_MAX */
	struct in6_addr addresses[DIAL_MAX];
	struct in6_addr sources[DIAL_MAX]; /* where from; all zero: any */
	uint16_t port;
};

/*
 * FD is connected to the address WHICH, and the callee's; or it is -1, for the reason WHY. Called
 * from the loop, once, unless dial_drop() comes first. The dial is gone then.
 */
typedef void dial_done_fn(int fd, size_t which, const char *why, void *arg);

/* There is no time limit but the system's. NULL without memory. */
struct dial *dial_start(struct event_base *, const struct dial_plan *, dial_done_fn *done,
			void *arg);
void dial_drop(struct dial *); /* NULL is fine */

#endif
