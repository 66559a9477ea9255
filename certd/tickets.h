/* SPDX-License-Identifier: ISC */
/*
 * tickets - the keys of session tickets: made here, never on disk, TICKET_KEYS generations of them.
 * The newest encrypts, all decrypt.
 */
#ifndef POSTERN_CERTD_TICKETS_H
#define POSTERN_CERTD_TICKETS_H

#include "common/error.h"
#include "common/proto/gate_certd.h"

#define TICKETS_ROTATE 3600 /* seconds a key encrypts */

/* In the secure heap; without a key until the first tickets_rotate(). NULL: no memory. */
struct gc_ticket_keys *tickets_new(void);
void tickets_free(struct gc_ticket_keys *); /* wipes; NULL is fine */

/*
 * Puts a new key in front; the oldest, if there are TICKET_KEYS, is overwritten. Returns 0, or -1
 * with ERR filled and nothing changed (there was no randomness to be had).
 */
int tickets_rotate(struct gc_ticket_keys *, struct error *);

#endif
