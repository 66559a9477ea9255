/* SPDX-License-Identifier: ISC */
/* reload - a new configuration for a running server (SIGHUP, posternctl reload). */
#ifndef POSTERN_MASTER_RELOAD_H
#define POSTERN_MASTER_RELOAD_H

#include "common/error.h"

struct master;

/* 0, or -1 without memory. */
int reload_init(struct master *);
void reload_free(struct master *);

/*
 * Reads, checks and binds; if all is well puts the new configuration in force and starts gates for
 * it. The result goes to the log and to control_reloaded(), at once or when the gates are ready.
 * While the server is starting it waits until it has started.
 */
void reload_begin(struct master *);
/* A child became ready: perhaps the last that the reload waits for. */
void reload_progress(struct master *);

#endif
