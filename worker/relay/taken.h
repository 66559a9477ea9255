/* SPDX-License-Identifier: ISC */
/*
 * taken - what next hosts have taken of late. Queue may die before it has written a result down;
 * its successor then asks for the same mail again, and is told from here instead of sending it
 * twice. The oldest is forgotten for the newest: while queue is away none comes. Pure.
 */
#ifndef POSTERN_WORKER_RELAY_TAKEN_H
#define POSTERN_WORKER_RELAY_TAKEN_H

#include <stddef.h>
#include <stdint.h>

#include "worker/relay/client.h"

struct taken;

/* Of so many recipients at most. NULL without memory. */
struct taken *taken_new(size_t max);
void taken_free(struct taken *);

/* Those of message ID that are DELIVERED; without memory they are not remembered. */
void taken_add(struct taken *, uint64_t id, const struct client_mail *);

/* Those of it that were remembered are DELIVERED, with the reply of then. How many. */
size_t taken_apply(struct taken *, uint64_t id, struct client_mail *);

#endif
