/* SPDX-License-Identifier: ISC */
/*
 * vault - all pairs of the certs folder, by name.
 *
 * What is once in the vault stays: a pair whose files vanish from the folder, or break there, is
 * kept in force, and a log line says so. A key that is replaced signs for a little while longer,
 * for the handshakes that are under way with its certificate.
 */
#ifndef POSTERN_CERTD_VAULT_H
#define POSTERN_CERTD_VAULT_H

#include <sys/tree.h>

#include "certd/pair.h"
#include "certd/refusals.h"

#define VAULT_MAX 1024   /* names */
#define VAULT_PREVIOUS 8 /* replaced keys that sign on, a name */

struct vault;

struct vault_entry {
	RB_ENTRY(vault_entry) entry;
	char name[CERT_NAME_SIZE];
	struct pair *pair;
	/* Earlier keys, the latest first: PREVIOUS[0] is of GENERATION - 1. */
	struct vault_previous {
		struct pair *pair; /* NULL after vault_retire() */
		unsigned rounds;   /* of vault_retire() it has seen */
	} previous[VAULT_PREVIOUS];
	uint16_t generation; /* counts keys */
	bool seen;           /* in the folder, this time */
	bool gone;           /* is being removed */
};

/* Empty. NULL with errno. */
struct vault *vault_new(void);
void vault_free(struct vault *); /* wipes all keys; NULL is fine */

/* The certs folder (DIRECTORY stays the caller's) and who must own what is in it. */
void vault_set_folder(struct vault *, int directory, uid_t owner);

/* Called for each entry that is new or has changed, or is being removed (GONE). */
typedef void vault_changed_fn(const struct vault_entry *, void *arg);

/*
 * Reads the folder, after recovering it from a crash (folder.h). A bad pair is logged and doesn't
 * stop the others. Returns 0, or -1 with ERR: the folder itself is wrong, nothing has been read.
 */
int vault_load(struct vault *, vault_changed_fn *, void *arg, struct error *);

/* Reads one pair. 0, or -1 with ERR filled. */
int vault_load_one(struct vault *, const char *name, vault_changed_fn *, void *arg, struct error *);

/* The same; what is wrong is among what was refused, and in the log. */
void vault_load_name(struct vault *, const char *name, vault_changed_fn *, void *arg);

/*
 * Forgets NAME at once, which an administrator has removed from the folder: CHANGED is told, then
 * the key is wiped. An unknown name is fine.
 */
void vault_remove(struct vault *, const char *name, vault_changed_fn *, void *arg);

/*
 * What was refused when it was last read: names that are not in the vault, and entries whose files
 * are no longer what is in force.
 */
const struct refusals *vault_refusals(const struct vault *);

size_t vault_count(const struct vault *);
/* All, by name: NULL begins, NULL ends. */
const struct vault_entry *vault_next(const struct vault *, const struct vault_entry *);
const struct vault_entry *vault_find(const struct vault *, const char *name);

/* Call once a minute: wipes replaced keys that have seen a whole minute. */
void vault_retire(struct vault *);

#endif
