/* SPDX-License-Identifier: ISC */
/*
 * envelope - RESOLVE: what milters have made of a mail's sender and recipients becomes the
 * transaction's. All recipients, those that stay too, go the way of those that a client names: to
 * accounts, for where they lead may follow from the sender (SRS), and who is removed takes along
 * what an alias made of him.
 */
#ifndef POSTERN_WORKER_QUEUE_ENVELOPE_H
#define POSTERN_WORKER_QUEUE_ENVELOPE_H

#include "worker/queue/check_envelope.h"

struct transaction;

/*
 * It is in CHECK, and ends as check_begin() says. Recipients that can't be delivered to are left
 * out if a milter has added them, and put the mail off if the client named them; so does a mail
 * that is left without any, unless a milter has removed all of them: that one is thrown away, as
 * the milter wishes.
 */
void envelope_change(struct transaction *, const struct envelope_change *);

/* For recipients.c: all questions are answered. It may be gone when this returns. */
void envelope_resolved(struct transaction *);

#endif
