/* SPDX-License-Identifier: ISC */
/*
 * slots - the keys that a channel may use, or could.
 *
 * A handle is the place of a key in this list, and the generation of the key, so it means nothing
 * on another channel, and a handshake that began with a replaced certificate ends with that
 * certificate's key. Slots are never removed, so that no handle comes twice.
 */
#ifndef POSTERN_CERTD_SLOTS_H
#define POSTERN_CERTD_SLOTS_H

#include "certd/custody.h"
#include "certd/vault.h"

struct slot {
	char name[CERT_NAME_SIZE];
	const struct vault_entry
	    *entry;      /* NULL: not in the vault, or not this channel's any more */
	uint16_t offset; /* of generations: an entry that comes anew counts on */
	bool named;      /* by the configuration */
	struct uses uses;
};

struct slots {
	size_t count;
	size_t size;
	struct slot *list;
};

/* That of NAME, a new one if there is none. NULL without memory, or if there are too many. */
struct slot *slots_for(struct slots *, const char *name);
bool slots_have(const struct slots *, const struct vault_entry *);

/* Of the key that is in force at a slot that has an entry. Never 0. */
uint32_t slots_handle(const struct slots *, const struct slot *);
/*
 * The slot of a handle and the pair to sign with; NULL if it names no key of the channel, or a weak
 * one without WEAK.
 */
struct slot *slots_find(struct slots *, uint32_t handle, bool weak, struct pair **);

/* It is not the channel's any more: its handles are of no use again. */
void slot_withdraw(struct slot *);

#endif
