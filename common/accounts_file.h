/* SPDX-License-Identifier: ISC */
/*
 * accounts_file - accounts.conf(5): who has a mailbox, and the hashes of their passwords.
 *
 * The parser is a pure function over the file's bytes, shared by the accounts role, which serves
 * from its result, and by posternctl, which checks its own edits with it.
 */
#ifndef POSTERN_COMMON_ACCOUNTS_FILE_H
#define POSTERN_COMMON_ACCOUNTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/types.h"
#include "common/scram.h"

#define ACCOUNTS_FILE_MAX (256u * 1024 * 1024) /* bytes */
#define ACCOUNTS_MAX 10000000u

struct account {
	const char *address; /* local@domain, lower case */
	const char *hash;    /* what a password is compared with: as crypt(3) made it, or if
			      * there is no such a verifier of scram */
	const char *scram[SCRAM_HASH_COUNT]; /* verifiers (scram.h), or NULL */
	uint64_t quota;                      /* bytes; 0: none of its own */
	uint32_t quota_messages;             /* likewise */
	struct submit_limits limits;         /* 0: none of its own */
	bool enabled;
	unsigned line; /* where its group begins */

	/* Which clients' certificates are its own: CERTIFICATE_COUNT strings, one behind the other,
	 * each 'F' and a fingerprint as account_fingerprint() makes it, or 'S' and a subject. */
	const char *certificates;
	size_t certificate_count;

	/* What it may send as beside its own: strings one behind the other, lower case, each an
	 * address or "@domain". */
	const char *senders;
	size_t sender_count;
};

struct accounts;
struct aliases;

/*
 * Parses LENGTH bytes (TEXT[LENGTH] is a NUL that does not count). Returns the accounts, for
 * accounts_free(), or NULL with ERR saying what is wrong and what to do, and the line of it in
 * *LINE (from 1; 0 where there is none).
 */
struct accounts *accounts_parse(const char *text, size_t length, unsigned *line, struct error *);

/*
 * Reads the regular file behind FD from its start, and parses it. As accounts_parse(); the text is
 * wiped from memory.
 */
struct accounts *accounts_read(int fd, unsigned *line, struct error *);

void accounts_free(struct accounts *); /* wipes the hashes; NULL is fine */

size_t accounts_count(const struct accounts *);
/* In the order of the file; INDEX < count. */
const struct account *accounts_at(const struct accounts *, size_t index);
/* ADDRESS: lower case, as account_address() makes it. NULL if there is none. */
const struct account *accounts_find(const struct accounts *, const char *address);

/* The aliases of the file (common/aliases.h); never NULL. */
const struct aliases *accounts_aliases(const struct accounts *);

/* Who has listed this certificate (SHA-256 of its DER), or this subject. NULL: nobody. */
const struct account *accounts_find_fingerprint(const struct accounts *,
						const uint8_t fingerprint[FINGERPRINT_SIZE]);
const struct account *accounts_find_subject(const struct accounts *, const char *subject);

/*
 * What can be the address of an account: local@domain in at most ADDRESS_SIZE - 1 bytes, where the
 * local part is a Dot-string (RFC 5321 4.1.2) of ASCII without "/", since it names a directory.
 * Writes it in lower case to OUT (ADDRESS_SIZE bytes). Returns 0, or -1 with ERR saying why not.
 */
int account_address(const char *text, char *out, struct error *);

/* Parses "500M", "2G" (powers of 1024: K, M, G, T; none: bytes). 0, or -1 with ERR. */
int account_quota(const char *text, uint64_t *bytes, struct error *);

/*
 * Parses a SHA-256 in hex, with colons between the bytes or without, in either case; what stands in
 * front of a "=" is skipped ("sha256 Fingerprint=AB:CD:..."). Writes it in lower case without
 * colons. 0, or -1 with ERR.
 */
#define FINGERPRINT_TEXT_SIZE (2 * FINGERPRINT_SIZE + 1)
int account_fingerprint(const char *text, char out[FINGERPRINT_TEXT_SIZE], struct error *);

/* Can this be a certificate's subject as RFC 2253 writes it ("CN=Bob,O=Example")? 0, or -1. */
#define SUBJECT_MAX 1024 /* bytes */
int account_subject(const char *text, struct error *);

/*
 * Whether HASH is one to verify a password with: libcrypt knows it, or it is a verifier of SCRAM.
 * 0, or -1 with ERR saying what is wrong with it.
 */
int account_hash(const char *hash, struct error *);

#endif
