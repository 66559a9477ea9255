/* SPDX-License-Identifier: ISC */
/*
 * generation - a configuration in force, with the sockets bound for it. A reload makes a new one;
 * the old one lives until the last gate that serves it is gone.
 */
#ifndef POSTERN_MASTER_GENERATION_H
#define POSTERN_MASTER_GENERATION_H

#include "master/conf.h"

/* One listening socket: a listener of the configuration has one for each of its addresses. */
struct bound {
	struct endpoint endpoint;
	const struct conf_listener *conf;
	int fd;
	uint32_t group; /* what counts its connections (admit.h): the listener */
};

/* A socket that the init system bound for us (sd_listen_fds(3)). */
struct activated {
	struct endpoint endpoint;
	int fd; /* -1: taken */
	bool both_families;
};

struct generation {
	unsigned references;
	uint32_t number; /* 1 is the first */
	struct configuration *conf;
	struct bound *bound;
	size_t bound_count;
};

/*
 * Binds all that CONF says. Sockets that OLD (or NULL) has for the same address and port are
 * shared with it, and so are their listeners' counts. ACTIVATED ones that match are taken; COUNT
 * may be 0. *NEXT_GROUP numbers new groups. Returns a generation with one reference, which owns
 * CONF; or NULL, with the problems told and CONF still the caller's.
 */
struct generation *generation_bind(struct configuration *conf, const struct generation *old,
				   struct activated *activated, size_t count, uint32_t *next_group,
				   struct conf_problems *);
struct generation *generation_hold(struct generation *);
void generation_release(struct generation *); /* NULL is fine */

/* Closes the sockets: those that no other generation shares are closed for good. */
void generation_close(struct generation *);

#endif
