/* SPDX-License-Identifier: ISC */
/*
 * greylister - answers gates that ask whether it is too soon for a stranger's mail (greylist.h),
 * and commits what it has learned some seconds later.
 *
 * It is no wall: a gate that is owned asks for what it wants, or not at all. What it says fills no
 * more than the bounds of the database. Where that fails, mail comes in without waiting, and the
 * log says so.
 */
#ifndef POSTERN_WORKER_QUEUE_GREYLISTER_H
#define POSTERN_WORKER_QUEUE_GREYLISTER_H

#include "worker/queue/queue.h"

struct ipc_message;

/* In the current directory. NULL without memory; off, or without a database, all may come in. */
struct greylister *greylister_new(struct queue *);
void greylister_free(struct greylister *); /* NULL is fine */

/* GQ_GREYLIST came. 0, or -1 if the gate breaks the rules. */
int greylister_take(struct greylister *, struct ipc_channel *, const struct ipc_message *);

/* What was learned is not to be lost. */
void greylister_commit(struct greylister *);

/* For the fuzzer: is that a forward-path, a NUL, and a reverse-path or nothing? */
bool greylister_is_question(const char *tail, size_t length);

#endif
