/* SPDX-License-Identifier: ISC */
/* pack - what leaves certd: certificates, and a private key with them, as PEM or PKCS#12. */
#ifndef POSTERN_CERTD_PACK_H
#define POSTERN_CERTD_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/error.h"

/*
 * How often a pass phrase is hashed before it is a key (RFC 8018 4.2), so that guessing is slow. It
 * takes certd some 50 ms, in which no handshake is signed; Windows reads up to 600,000.
 */
#define PACK_ITERATIONS 100000

/* Bytes in libcrypto's memory: locked here, and wiped by packed_free(). */
struct packed {
	char *bytes;
	size_t length;
};
void packed_free(struct packed *); /* also good for one that is all zero */

/* A chain as pair.h has it: DER, one after the other, the leaf first. */
struct der_chain {
	const uint8_t *bytes;
	size_t length;
};

/* The certificates, PEM. Returns 0, or -1 with ERR filled. */
int pack_chain(const struct der_chain *, struct packed *, struct error *);

/*
 * The key as PKCS#8, PEM: encrypted with AES-256 under PASSPHRASE (PBES2 with PBKDF2 and
 * HMAC-SHA-256, RFC 8018), or, if that is NULL, as it is. Returns 0, or -1 with ERR filled.
 */
int pack_key(EVP_PKEY *, const char *passphrase, struct packed *, struct error *);

/*
 * How a PKCS#12 file is encrypted. Clients from about 2018 on (Windows), 2022 on (Apple's) read the
 * first, all read the second, which is far easier to break by guessing.
 */
enum pack_cipher {
	PACK_AES,    /* PBES2 with AES-256, MAC with SHA-256 */
	PACK_LEGACY, /* PKCS#12's own scheme (RFC 7292 appendix B) with 3DES, MAC with SHA-1 */
};

/*
 * Key and certificates as PKCS#12 (RFC 7292), DER. LABEL: what a client calls it in its list.
 * Returns 0, or -1 with ERR filled.
 */
int pack_pkcs12(EVP_PKEY *, const struct der_chain *, const char *label, const char *passphrase,
		enum pack_cipher, struct packed *, struct error *);

#endif
