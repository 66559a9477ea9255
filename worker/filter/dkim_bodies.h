/* SPDX-License-Identifier: ISC */
/*
 * dkim_bodies - the hashes of a message's body in the canonical forms that its signatures ask for,
 * piece by piece in the event loop, so that a long one holds nobody else's up.
 */
#ifndef POSTERN_WORKER_FILTER_DKIM_BODIES_H
#define POSTERN_WORKER_FILTER_DKIM_BODIES_H

#include "worker/filter/dkim_canon.h"
#include "worker/filter/dkim_crypto.h"
#include "worker/filter/message.h"

struct event_base;
struct dkim_bodies;

#define DKIM_BODIES_MAX 8

/* NULL without memory. */
struct dkim_bodies *dkim_bodies_new(struct event_base *, const struct message *);
/* A form that is wanted (limited: l=). Its number, the same for the same; -1 without memory. */
int dkim_bodies_want(struct dkim_bodies *, enum dkim_canon, bool limited, uint64_t limit);
/*
 * Reads the body; DONE is called from the loop, unless dkim_bodies_free() comes first. FAILED: it
 * can't be read. -1 without memory.
 */
typedef void dkim_bodies_fn(bool failed, void *arg);
int dkim_bodies_start(struct dkim_bodies *, dkim_bodies_fn *done, void *arg);
/* Afterwards: the hash of a form; *SIZE is how many canonical octets the whole body has. */
const uint8_t *dkim_bodies_hash(const struct dkim_bodies *, int number, uint64_t *size);
/* NULL is fine. */
void dkim_bodies_free(struct dkim_bodies *);

#endif
