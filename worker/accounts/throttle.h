/* SPDX-License-Identifier: ISC */
/*
 * throttle - slows the guessing of passwords. A pure module: the clock is the caller's, in
 * milliseconds that never go back.
 *
 * What is counted, and for whom:
 *
 * - Failures of an address (IPv4: each, IPv6: its /64). Three are free. From the fourth on, the
 *   next attempt from there waits 1, 2, 4, ... 30 seconds, one after the other, however many
 *   connections ask at once; from the twentieth on it is refused. One failure a minute is
 *   forgotten. What was refused was no guess and is not counted: a forgotten mail program with an
 *   old password does not keep its household out for ever.
 *
 * - At most eight attempts from one address are under way at a time, the others wait for them:
 *   one address cannot fill the queue of the hashing threads, nor try a hundred passwords before
 *   the first failure is known.
 *
 * - Failures at an account, from all addresses (an account that does not exist counts alike). When
 *   they are many, attempts from addresses that have failures of their own take turns with growing
 *   pauses. An address without failures is not held up; if the failures came from many different
 *   addresses (guessing spread over a botnet), it waits five seconds, and is never refused. So a
 *   guesser has one guess an address, and the owner is slowed but never locked out. At most sixteen
 *   of these are under way at a time: one account's botnet does not keep the threads from the
 *   logins of all others.
 *
 * - An address from which somebody has logged in to an account is known to that account: failures
 *   there are counted for the two of them alone, so that neither the botnet nor a guesser behind
 *   the same NAT delays the owner. A success elsewhere does not forgive an address its failures:
 *   a guesser with an account of his own would reset his count with it.
 *
 * Each table is bounded; the entry unused longest goes first.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_THROTTLE_H
#define POSTERN_WORKER_ACCOUNTS_THROTTLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"

#define THROTTLE_ENTRIES 16384 /* a table, three of them; about 150 bytes an entry */
#define THROTTLE_WAIT_MAX \
	30000 /* ms: no attempt waits longer than this (and one turn of hashing) */

struct throttle;

/* One attempt to log in, from its arrival to its end; the caller keeps it. */
struct throttle_attempt {
	struct in6_addr address; /* of which the prefix counts is left */
	char account[ADDRESS_SIZE];
	int64_t since;
	bool known;      /* where it is counted; decided once it may go */
	bool at_account; /* it is counted as under way there */
};

enum throttle_verdict {
	THROTTLE_GO,     /* verify the password, then call throttle_done() */
	THROTTLE_WAIT,   /* ask again after *WAIT milliseconds */
	THROTTLE_REFUSE, /* too many failures: answer "no" without looking */
	THROTTLE_BUSY,   /* too many attempts under way from there: answer "not now" */
};

enum throttle_result {
	THROTTLE_RIGHT,
	THROTTLE_WRONG,
	THROTTLE_UNDECIDED, /* the attempt ended without an answer */
};

/* ENTRIES: bound of each table; SEED: any secret number. NULL with errno set. */
struct throttle *throttle_new(size_t entries, uint64_t seed);
void throttle_free(struct throttle *);

/* ACCOUNT: as resolve_login() made it, whether there is such an account or not. */
void throttle_begin(struct throttle_attempt *, const struct in6_addr *, const char *account,
		    int64_t now);
enum throttle_verdict throttle_ask(struct throttle *, struct throttle_attempt *, int64_t now,
				   int64_t *wait);
/* After THROTTLE_GO, once. */
void throttle_done(struct throttle *, const struct throttle_attempt *, enum throttle_result,
		   int64_t now);

/* For the tests: entries in all tables. */
size_t throttle_size(const struct throttle *);

#endif
