/* SPDX-License-Identifier: ISC */
/* accept - listeners, and who gets in. */
#ifndef POSTERN_WORKER_GATE_ACCEPT_H
#define POSTERN_WORKER_GATE_ACCEPT_H

#include "worker/gate/gate.h"

/* Before any listener. 0, or -1 with ERR filled. */
int accept_open(struct gate *, struct error *);

/*
 * Adds a listener: SETTINGS and NETWORKS as MG_LISTENER brings them, FD is taken (also on
 * failure). Nothing is accepted before accept_update(). NULL with ERR filled.
 */
struct listener *listener_new(struct gate *, const struct mg_listener *,
			      const struct network *networks, int fd, struct error *);

/* Accepts, or not, as the gate's state wants it; called whenever that changed. */
void accept_update(struct gate *);

/* Never again: closes the listening sockets. Connections keep their listener's settings. */
void accept_stop(struct gate *);

#endif
