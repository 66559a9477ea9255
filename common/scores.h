/* SPDX-License-Identifier: ISC */
/*
 * scores - counts by address that fade: of errors, of connections. A pure module: the clock is the
 * caller's, in milliseconds that never go back.
 *
 * Of an IPv6 address the first 64 bits count: a host owns them all (RFC 4291 2.5.1). The table is
 * bounded; the entry unused longest goes first.
 */
#ifndef POSTERN_COMMON_SCORES_H
#define POSTERN_COMMON_SCORES_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct scores;

/* Which count: of whom, in which group (the caller's numbers), and how fast it fades. */
struct score {
	struct in6_addr address;
	uint32_t group;
	int64_t forget; /* milliseconds, greater than 0, in which one is forgotten */
};

/* MAX: of entries, at least 1. NULL with errno set. */
struct scores *scores_new(size_t max);
void scores_free(struct scores *); /* NULL is fine */

/* What it is at NOW. */
uint32_t scores_get(struct scores *, const struct score *, int64_t now);
/* One more. Returns what it is then; 1 where there is no memory to count. */
uint32_t scores_add(struct scores *, const struct score *, int64_t now);

/* For the tests: how many entries there are. */
size_t scores_size(const struct scores *);

/*
 * What an address counts as: itself if it is of IPv4 or the loopback's, else its network of 64
 * bits, of which one client has all.
 */
struct in6_addr counted_address(const struct in6_addr *);

#endif
