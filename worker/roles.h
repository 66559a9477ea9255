/* SPDX-License-Identifier: ISC */
/*
 * The roles (design section 2), each defined in its folder. Gate and relay are programs of their
 * own, postern-gate and postern-relay, for they speak TLS; so is filter, which checks signatures.
 * The others are one, postern-worker, which links no OpenSSL.
 */
#ifndef POSTERN_WORKER_ROLES_H
#define POSTERN_WORKER_ROLES_H

#include "common/child.h"

extern const struct child_role gate_role;     /* worker/gate/gate.c */
extern const struct child_role accounts_role; /* worker/accounts/accounts.c */
extern const struct child_role session_role;  /* worker/session/session.c */
extern const struct child_role queue_role;    /* worker/queue/queue.c */
extern const struct child_role relay_role;    /* worker/relay/relay.c */
extern const struct child_role filter_role;   /* worker/filter/filter.c */
extern const struct child_role lookup_role;   /* worker/lookup/lookup.c; posternctl's */

/* Those of postern-worker; ends with NULL. */
extern const struct child_role *const worker_roles[];

#endif
