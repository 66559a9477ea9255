/* SPDX-License-Identifier: ISC */
/*
 * key - a private key in memory, and its signatures. The only place where a private key is used.
 */
#ifndef POSTERN_CERTD_KEY_H
#define POSTERN_CERTD_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "certd/compose.h"
#include "common/error.h"

struct key;

/*
 * Takes a reference of its own. NULL with ERR filled for a key that certd doesn't sign with: RSA
 * below 1024 or above 8192 bits, another algorithm or curve.
 */
struct key *key_new(EVP_PKEY *, struct error *);
void key_free(struct key *); /* NULL is fine */

/* RSA below 2048 bits: only for listeners that say `weak = true` (postern.conf(5)). */
bool key_is_weak(const struct key *);

enum key_kind key_kind(const struct key *);
EVP_PKEY *key_pkey(const struct key *); /* the caller gets no reference */

/*
 * Signs what compose.h made. SIGNATURE has SIGNATURE_MAX bytes, *LENGTH is set. Returns 0, or -1
 * with ERR filled: the library failed.
 */
int key_sign(struct key *, const struct composed *, uint8_t *signature, size_t *length,
	     struct error *);

/*
 * A pem_password_cb(3) for whoever reads PEM: there is nobody to type a pass phrase, and OpenSSL's
 * own callback would look for a terminal, which the sandbox kills.
 */
int key_no_passphrase(char *buffer, int size, int writing, void *arg);

/* Fills ERR with the library's own reason and clears its queue. Returns -1. */
int key_library_error(struct error *, const char *what);

#endif
