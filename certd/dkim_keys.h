/* SPDX-License-Identifier: ISC */
/*
 * dkim_keys - the keys that sign mail, in certs/dkim/: a file each, SELECTOR._domainkey.DOMAIN, as
 * its record in DNS is called. Its first line says when it signs; then comes the key (PKCS#8, PEM).
 *
 * They are good for nothing else: no name of a certificate leads into that folder, so none of them
 * is ever used for TLS or exported; and no request for a DKIM signature reaches another key.
 */
#ifndef POSTERN_CERTD_DKIM_KEYS_H
#define POSTERN_CERTD_DKIM_KEYS_H

#include <sys/queue.h>

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"

#define DKIM_KEYS_MAX 1000

struct dkim_entry {
	TAILQ_ENTRY(dkim_entry) entry;
	char domain[HOST_NAME_SIZE];
	char selector[DKIM_SELECTOR_SIZE];
	bool ed25519;  /* else RSA */
	int64_t from;  /* seconds since the epoch: it signs from then */
	int64_t until; /* to then; 0: without an end */
	EVP_PKEY *pkey;
	uint64_t used; /* since the last line in the log */
};
TAILQ_HEAD(dkim_list, dkim_entry);

struct dkim_keys {
	int certs; /* the certs folder; stays the caller's */
	uid_t owner;
	uint32_t count;
	struct dkim_list list; /* by domain, then by selector */
};

/* Reads the folder; what is wrong with single keys is logged. */
void dkim_keys_load(struct dkim_keys *, int certs, uid_t owner);
void dkim_keys_free(struct dkim_keys *);

struct dkim_entry *dkim_keys_find(struct dkim_keys *, const char *domain, const char *selector);

/* Signs it at NOW? */
bool dkim_entry_in_force(const struct dkim_entry *, int64_t now);

/*
 * Adds a key, durably. A reference of PKEY is taken. 0, or -1 with ERR filled: also if there is one
 * of the name, or the names are none.
 */
int dkim_keys_add(struct dkim_keys *, const char *domain, const char *selector, EVP_PKEY *pkey,
		  int64_t from, struct error *);
/* Changes when it signs, durably. */
int dkim_keys_set(struct dkim_keys *, struct dkim_entry *, int64_t from, int64_t until,
		  struct error *);
/* Removes it, and wipes it. */
int dkim_keys_remove(struct dkim_keys *, struct dkim_entry *, struct error *);

/* The TXT record's text (RFC 6376 3.6.1, RFC 8463 4). False without memory. */
bool dkim_entry_record(const struct dkim_entry *, char out[DKIM_RECORD_SIZE]);

/* Signs HASH. SIGNATURE has SIGNATURE_OCTETS_MAX bytes. 0, or -1 with ERR filled. */
int dkim_entry_sign(struct dkim_entry *, const uint8_t hash[32], uint8_t *signature, size_t *length,
		    struct error *);

#endif
