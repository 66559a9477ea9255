/* SPDX-License-Identifier: ISC */
/* dkim_crypto - SHA-256 and public keys, by OpenSSL's EVP. No I/O. */
#ifndef POSTERN_WORKER_FILTER_DKIM_CRYPTO_H
#define POSTERN_WORKER_FILTER_DKIM_CRYPTO_H

#include <openssl/types.h>

#include "worker/filter/dkim_signature.h"

/* Loads what is used later: after the sandbox no file can be opened. -1 if OpenSSL has it not. */
int dkim_crypto_open(void);

/* A hash in pieces; NULL without memory. */
EVP_MD_CTX *dkim_hash_begin(void);
void dkim_hash_add(EVP_MD_CTX *, const void *octets, size_t length);
void dkim_hash_end(EVP_MD_CTX *, uint8_t out[DKIM_HASH_SIZE]); /* frees it */
void dkim_hash_drop(EVP_MD_CTX *);                             /* NULL is fine */

enum dkim_match {
	DKIM_MATCHES,
	DKIM_DIFFERS,    /* the signature is of something else */
	DKIM_NO_KEY,     /* the octets are none of that kind */
	DKIM_WEAK_KEY,   /* RSA with less than 1024 bits (RFC 8301 3.2) */
	DKIM_STRONG_KEY, /* with more than 4096, which costs too much */
	DKIM_NO_MEMORY,  /* nobody knows */
};
/* Is the signature's b= of HASH, that of the canonical header, by that key? */
enum dkim_match dkim_verify(const struct dkim_signature *, const struct dkim_key *,
			    const uint8_t hash[DKIM_HASH_SIZE]);

#endif
