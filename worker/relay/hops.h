/* SPDX-License-Identifier: ISC */
/* hops - how many servers a message has passed, by its Received: fields (RFC 5321 6.3). Pure. */
#ifndef POSTERN_WORKER_RELAY_HOPS_H
#define POSTERN_WORKER_RELAY_HOPS_H

#include <stddef.h>

#define HOPS_MAX 50 /* what has passed more goes round in circles */

/* MESSAGE from its start; what is behind its header counts for nothing. */
unsigned hops_count(const char *message, size_t length);

#endif
