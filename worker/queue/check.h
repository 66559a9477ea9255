/* SPDX-License-Identifier: ISC */
/*
 * check - has filter look at a mail before it becomes durable (queue_filter.h).
 *
 * A transaction whose body has come goes through here or not (check_wanted()). What filter says is
 * checked field by field. Checks that a filter's death interrupts wait for its successor, once;
 * those of one that was told to end, always. What can't be checked is put off or goes on as it is,
 * as the configuration says.
 */
#ifndef POSTERN_WORKER_QUEUE_CHECK_H
#define POSTERN_WORKER_QUEUE_CHECK_H

#include <stdbool.h>

#include "common/error.h"

struct queue;
struct transaction;
struct checker;
struct check;

struct checker *checker_new(struct queue *);
void checker_free(struct checker *);

/* Takes a new channel to filter in place of the old one. */
int checker_open(struct checker *, int fd);

/* Is this one looked at? */
bool check_wanted(const struct transaction *);

/*
 * Begins; the transaction is in CHECK, with its body. It ends from the loop: by
 * transaction_checked(), transaction_discard(), transaction_fail() or transaction_refuse().
 */
void check_begin(struct transaction *);

/* The transaction goes: filter is told, and its file is removed. NULL is fine. */
void check_drop(struct check *);

#endif
