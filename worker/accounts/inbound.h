/* SPDX-License-Identifier: ISC */
/* inbound - domains that are not ours, to which everybody may send all the same: a route says where
 * their mail goes. Pure. */
#ifndef POSTERN_WORKER_ACCOUNTS_INBOUND_H
#define POSTERN_WORKER_ACCOUNTS_INBOUND_H

#include <stdbool.h>
#include <stddef.h>

struct inbound {
	char **names; /* lower case, A-labels */
	size_t count;
};

/* -1 without memory. */
int inbound_add(struct inbound *, const char *domain);
bool inbound_has(const struct inbound *, const char *domain);
void inbound_clear(struct inbound *);

#endif
