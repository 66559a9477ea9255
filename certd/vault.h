/* SPDX-License-Identifier: ISC */
/*
 * vault - all pairs of the certs folder, by name.
 *
 * What is once in the vault stays: a pair that is removed from the folder, or broken there, is kept
 * in force, and a log line says so. A key that is replaced signs for a little while longer, for the
 * handshakes that are under way with its certificate.
 */
#ifndef POSTERN_CERTD_VAULT_H
#define POSTERN_CERTD_VAULT_H

#include <sys/tree.h>

#include "certd/pair.h"

#define VAULT_MAX 1024 /* names */

struct vault;

struct vault_entry {
	RB_ENTRY(vault_entry) entry;
	char name[CERT_NAME_SIZE];
	struct pair *pair;
	struct pair *previous;    /* its key was another; NULL after vault_retire() */
	uint16_t generation;      /* counts keys */
	unsigned previous_rounds; /* of vault_retire() it has seen */
	bool seen;                /* in the folder, this time */
};

/* Empty. NULL with errno. */
struct vault *vault_new(void);
void vault_free(struct vault *); /* wipes all keys; NULL is fine */

/* The certs folder (DIRECTORY stays the caller's) and who must own what is in it. */
void vault_set_folder(struct vault *, int directory, uid_t owner);

/* Called for each entry that is new or has changed. */
typedef void vault_changed_fn(const struct vault_entry *, void *arg);

/*
 * Reads the folder, after recovering it from a crash (folder.h). A bad pair is logged and doesn't
 * stop the others. Returns 0, or -1 with ERR: the folder itself is wrong, nothing has been read.
 */
int vault_load(struct vault *, vault_changed_fn *, void *arg, struct error *);

/* Reads one pair. 0, or -1 with ERR filled. */
int vault_load_one(struct vault *, const char *name, vault_changed_fn *, void *arg, struct error *);

const struct vault_entry *vault_find(const struct vault *, const char *name);

/* Call once a minute: wipes replaced keys that have seen a whole minute. */
void vault_retire(struct vault *);

#endif
