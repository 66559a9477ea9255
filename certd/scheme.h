/* SPDX-License-Identifier: ISC */
/*
 * scheme - the signature schemes certd knows (RFC 8446 4.2.3), as one table: for which keys and
 * which version of TLS each may be used. What isn't in it is not signed. No SHA-1.
 */
#ifndef POSTERN_CERTD_SCHEME_H
#define POSTERN_CERTD_SCHEME_H

#include <stddef.h>
#include <stdint.h>

/* As bits, so that a scheme can name several. */
enum key_kind {
	KEY_RSA = 1,
	KEY_P256 = 2,
	KEY_P384 = 4,
	KEY_P521 = 8,
	KEY_ED25519 = 16,
};

enum padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };

struct scheme {
	uint16_t id; /* SignatureScheme */
	const char *name;
	const char *digest; /* NULL: the algorithm has its own */
	enum padding padding;
	unsigned tls13; /* enum key_kind bits that may use it in a CertificateVerify */
	unsigned tls12; /* ... in a ServerKeyExchange */
};

#define SCHEME_COUNT 10
extern const struct scheme schemes[SCHEME_COUNT];

/* NULL if there is none. */
const struct scheme *scheme_find(uint16_t id);

/* The scheme certd tries a key with; every kind has one. */
const struct scheme *scheme_default(enum key_kind);

/* "RSA", "P-256", ... */
const char *key_kind_name(enum key_kind);

#endif
