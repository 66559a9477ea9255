/* SPDX-License-Identifier: ISC */
/*
 * admission - asks the master for every connection, so that limits hold across gates, and gives
 * back what it granted: exactly one MG_GONE for every OK, whatever becomes of the connection
 * meanwhile.
 */
#ifndef POSTERN_WORKER_GATE_ADMISSION_H
#define POSTERN_WORKER_GATE_ADMISSION_H

#include "worker/gate/gate.h"

struct admission;

/* Before the first. 0, or -1 with ERR filled. */
int admission_open(struct gate *, struct error *);

/*
 * Asks; conn_admitted() is called with the answer unless admission_end() comes first. Returns NULL
 * when it could not be asked.
 */
struct admission *admission_ask(struct gate *, struct conn *, uint32_t listener,
				const struct in6_addr *);

/* The connection ends (taken). NULL is fine. */
void admission_end(struct admission *);

#endif
