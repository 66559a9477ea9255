/* SPDX-License-Identifier: ISC */
/*
 * chosen - which of a transaction's recipients get a delivery: each mailbox has one, however many
 * forward-paths lead to it; and what is kept in memory of the others.
 *
 * What the gate has named stays: filter knows it by its number. A further one, which an alias leads
 * to beside the named one, is only kept while it is chosen: else a few aliases with many accounts
 * would fill the memory of all with what is the same.
 */
#ifndef POSTERN_WORKER_QUEUE_CHOSEN_H
#define POSTERN_WORKER_QUEUE_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recipient;
struct transaction;

/*
 * A new one, in no list, without a question; NULL if that is too much, which the transaction has
 * noted as its failure.
 */
struct recipient *recipient_new(struct transaction *, const char *path, uint32_t notify,
				const char *orcpt, bool further);
/* With its question. */
void recipient_free(struct recipient *);
/* The same for a further one that is in no list, with its part of the account; else nothing. */
void recipient_drop(struct recipient *);

/* So much less is held of addresses. */
void chosen_release(struct transaction *, size_t bytes);

/*
 * Its mailbox is that. True if it has a delivery by its own path; else another one's is it too, or
 * the transaction has failed. A further one is put into its transaction's list, or is gone.
 */
bool recipient_choose(struct recipient *, const char *mailbox);

#endif
