/* SPDX-License-Identifier: ISC */
/*
 * relays - the channels to relay (relay_certd.h), and the keys with which it is a client of other
 * servers: those that postern.conf names for it, and none else. RSA below 2048 bits is none.
 */
#ifndef POSTERN_CERTD_RELAYS_H
#define POSTERN_CERTD_RELAYS_H

#include "certd/custody.h"
#include "certd/vault.h"

struct event_base;
struct relays;

/* VAULT stays the caller's. NULL without memory. */
struct relays *relays_new(struct event_base *, const struct vault *);
void relays_free(struct relays *); /* NULL is fine */

/* The keys of these names (copied) are relay's from now on, and no others; at most 256. */
void relays_set_keys(struct relays *, const char *const *names, size_t count);
/* Is it one of them? */
bool relays_have(const struct relays *, const char *name);

/* Takes FD, a channel to relay: others go on until their relays end. -1 with ERR filled. */
int relays_add_channel(struct relays *, int fd, struct error *);

/* The vault is loaded: the channel, and one to come, gets its certificates. */
void relays_open(struct relays *);
/* A vault_changed_fn: tells relay if the key is its. */
void relays_announce(const struct vault_entry *, void *relays);

/* Writes the summaries of the audit log. */
void relays_audit(struct relays *);
/* What the key NAME was used for since certd began; NULL: relay never had it. */
const struct uses *relays_uses(const struct relays *, const char *name);

#endif
