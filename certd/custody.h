/* SPDX-License-Identifier: ISC */
/*
 * custody - what each key was used for: counted by channel, listener and purpose, and how fast a
 * channel may ask.
 */
#ifndef POSTERN_CERTD_CUSTODY_H
#define POSTERN_CERTD_CUSTODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/gate_certd.h"

/* The service of what is at no listener: relay's connections to other servers. */
#define USE_OUTGOING SERVICE_COUNT

enum use_kind { USE_TLS13, USE_TLS12, USE_REFUSED, USE_KINDS };

/* A key's uses at one listener of one channel. */
struct use {
	struct gc_listener listener;
	bool known;                 /* false: the gate named a listener that is not one of its */
	uint64_t total[USE_KINDS];  /* since certd began */
	uint64_t recent[USE_KINDS]; /* since the last summary in the log */
};

/* A key's uses on one channel. At most one for each listener, and one for what is none. */
struct uses {
	struct use *list;
	size_t count;
};

/* Counts one; LISTENER is NULL for one that the channel hasn't. Without memory it is not counted.
 */
void uses_count(struct uses *, const struct gc_listener *, enum use_kind);
/* Adds FROM's totals. */
void uses_add(struct uses *, const struct uses *from);
void uses_free(struct uses *); /* what is in it */

/* "pop3:995", "relay", "unknown". OUT of USE_LABEL_SIZE bytes; returned. */
#define USE_LABEL_SIZE 24
const char *use_label(const struct use *, char *out);

/*
 * How fast one channel may ask. A gate is one thread, and a full handshake, which needs one
 * request, takes it 330 microseconds or more of its processor (tests/bench/handshakes, P-256):
 * 3,000 a second at most; resumed ones need none. A limit of more than three times that is not met
 * by a gate that works, on a faster machine neither. It bounds how many signatures a captured one
 * gets.
 */
#define RATE_PER_SECOND 10000
#define RATE_BURST RATE_PER_SECOND

struct rate {
	int64_t tokens; /* thousandths of a request */
	int64_t last;   /* monotonic_milliseconds(); 0: never */
};

/* May another one come at NOW? Pure. */
bool rate_take(struct rate *, int64_t now);

#endif
