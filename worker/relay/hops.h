/* SPDX-License-Identifier: ISC */
/*
 * hops - where a message has been: how many servers it has passed, by its Received: fields (RFC
 * 5321 6.3), and which addresses that led elsewhere, by Delivered-To:, which who forwards adds.
 * Pure.
 */
#ifndef POSTERN_WORKER_RELAY_HOPS_H
#define POSTERN_WORKER_RELAY_HOPS_H

#include <stdbool.h>
#include <stddef.h>

/* MESSAGE from its start; what is behind its header counts for nothing. */
unsigned hops_count(const char *message, size_t length);

/* Whether it has come through ADDRESS before. */
bool hops_has_been(const char *message, size_t length, const char *address);

#endif
