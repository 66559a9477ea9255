/* SPDX-License-Identifier: ISC */
/*
 * trust - which listeners check their clients' certificates alike. A trust is a number for
 * authorities, CRL and depth, the same in every generation that says the same; it is what gates
 * name to accounts, and accounts to the verifier. What no listener says any more stays known, but
 * no new gate may name it.
 */
#ifndef POSTERN_MASTER_TRUST_H
#define POSTERN_MASTER_TRUST_H

#include "master/conf.h"

struct master;
struct process;

/* Of a listener, 0 if it asks no client (or without memory: then nobody is vouched for). */
uint32_t trust_of(struct master *, const struct conf_listener *);
/* Those of a configuration's listeners, each once. Returns how many. */
size_t trust_list(struct master *, const struct configuration *, uint32_t out[TRUSTS_MAX]);
/* Tells the verifier all of the configuration in force, with their files. */
void trust_send(struct master *, struct process *verifier);
/* A file of one has changed: sends all again. */
void trust_changed(struct master *);
void trust_free_all(struct master *);

#endif
