/* SPDX-License-Identifier: ISC */
/*
 * message_names - the fields that came with a message, by their names: who looks for one after
 * another, as strangers' signatures say, does not go through the whole header for each.
 */
#ifndef POSTERN_WORKER_FILTER_MESSAGE_NAMES_H
#define POSTERN_WORKER_FILTER_MESSAGE_NAMES_H

#include "worker/filter/message.h"

/* Sorts the fields of a message that has just been split. 0, or -1 without memory. */
int message_names_open(struct message *);

/*
 * How many fields called NAME came; they are names[*FIRST] and those behind it, from the top, also
 * those that have been removed since. As many comparisons as halving takes.
 */
size_t message_named(const struct message *, struct mime_text name, size_t *first);

#endif
