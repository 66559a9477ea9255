/* SPDX-License-Identifier: ISC */
/*
 * account_keys - which clients' certificates an account has, as a change of accounts.conf names
 * them: client_fingerprint or client_subject. Pure functions.
 */
#ifndef POSTERN_CTL_ACCOUNT_KEYS_H
#define POSTERN_CTL_ACCOUNT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/accounts_file.h"

struct account_keys {
	char kind;     /* 'F': fingerprints, 'S': subjects; 0: nothing is changed */
	char *block;   /* as struct account has certificates */
	size_t length; /* of the block */
	size_t count;
	char *value; /* for the text of the file: an array of strings */
};

/*
 * Takes COUNT texts, none to have none any more. Returns 0 (free with account_keys_free()), or -1
 * with ERR saying which is not one and why.
 */
int account_keys_take(struct account_keys *, char kind, char *const *texts, size_t count,
		      struct error *);
void account_keys_free(struct account_keys *);

/* The key of accounts.conf: "client_fingerprint" or "client_subject". */
const char *account_keys_name(const struct account_keys *);

/* Has ACCOUNT the certificates of OLD (NULL: none), but for KEYS (NULL: without a change)? */
bool account_keys_match(const struct account *, const struct account *old,
			const struct account_keys *);

#endif
