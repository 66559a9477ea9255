/* SPDX-License-Identifier: ISC */
/* password - a new password from whoever runs posternctl, and its hashes. */
#ifndef POSTERN_CTL_PASSWORD_H
#define POSTERN_CTL_PASSWORD_H

#include <crypt.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/accounts_file.h"
#include "common/error.h"

/* Which hashes a password gets, as bits. */
enum password_kinds {
	PASSWORD_CRYPT = 1,
	PASSWORD_SCRAM = 2, /* shifted left by enum scram_hash */
};
#define PASSWORD_SCRAM_OF(hash) ((unsigned)PASSWORD_SCRAM << (hash))
#define PASSWORD_KINDS \
	(PASSWORD_CRYPT | PASSWORD_SCRAM_OF(SCRAM_SHA_256)) /* unless told otherwise */

/* What --scram says: "sha-256", "all", "only", "none". 0, or -1 with ERR filled. */
int password_kinds(const char *word, unsigned *kinds, struct error *);
/* Those that ACCOUNT has, if there are verifiers of SCRAM among them; else PASSWORD_KINDS. */
unsigned password_kinds_of(const struct account *);

/* The hashes of one password; "" where there is none. Whoever has them wipes them. */
#define PASSWORD_VALUE_SIZE (CRYPT_OUTPUT_SIZE + SCRAM_HASH_COUNT * SCRAM_VERIFIER_SIZE + 32)
struct password_hashes {
	char crypt[CRYPT_OUTPUT_SIZE];
	char scram[SCRAM_HASH_COUNT][SCRAM_VERIFIER_SIZE];
	char value[PASSWORD_VALUE_SIZE]; /* for the text of accounts.conf */
};

/*
 * From a terminal: prompts twice, without echo. Else: the first line of standard input, without its
 * line end. OUT: SIZE bytes, for the caller to wipe. Returns 0, or -1 with ERR filled.
 */
int password_read(const char *address, char *out, size_t size, struct error *);

/*
 * Hashes with yescrypt (crypt(5)) at its default cost, and for SCRAM with a random salt. 0, or
 * -1 with ERR filled.
 */
int password_hash(const char *password, unsigned kinds, struct password_hashes *, struct error *);

/* Are the hashes of ACCOUNT these, and no others? */
bool password_is(const struct account *, const struct password_hashes *);

#endif
