/* SPDX-License-Identifier: ISC */
/*
 * provider_parse - takes apart what OpenSSL wants signed.
 *
 * libssl hands a provider the bytes to sign. certd signs no bytes, it composes what it signs from
 * typed requests (design section 5); so they are parsed here, and whatever is not one of the two
 * structures a TLS server signs, or one of the two of a client, has no request that could carry it.
 *
 * Pure functions: no I/O, no allocation, no OpenSSL.
 */
#ifndef POSTERN_WORKER_TLS_PROVIDER_PARSE_H
#define POSTERN_WORKER_TLS_PROVIDER_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "common/proto/relay_certd.h"

/* What a private key can be, as far as signature schemes go. */
enum key_kind { KEY_KIND_RSA, KEY_KIND_P256, KEY_KIND_P384, KEY_KIND_P521, KEY_KIND_ED25519 };

enum key_padding {
	KEY_PADDING_PKCS1, /* what RSA does unless told; other keys have none and say this too */
	KEY_PADDING_PSS,   /* with a salt as long as the digest, RFC 8446 4.2.3 */
};

/*
 * The SignatureScheme (RFC 8446 4.2.3) of a key, a digest's OpenSSL name (NULL or "" for Ed25519)
 * and a padding. 0 if there is none we speak: SHA-1, or an ECDSA digest that isn't the curve's.
 */
uint16_t signature_scheme(enum key_kind, const char *digest, enum key_padding);

/* A request to certd; the key's handle is filled in by who sends it. */
struct sign_request {
	uint16_t type; /* GC_TLS13_SERVER, GC_TLS12_SERVER, RC_TLS13_CLIENT or RC_TLS12_CLIENT */
	union {
		struct gc_tls13_server tls13;
		struct gc_tls12_server tls12;
		struct rc_tls13_client tls13_client;
		struct rc_tls12_client tls12_client;
	} as;
	const uint8_t *transcript; /* of RC_TLS12_CLIENT: what was parsed, not a copy */
	size_t transcript_length;
};

typedef int sign_request_parse_fn(const uint8_t *tbs, size_t length, uint16_t scheme,
				  struct sign_request *);

/*
 * Parses TBS into *OUT. 0, or -1 if it is neither a server's CertificateVerify content (RFC 8446
 * 4.4.3) nor the signed part of a ServerKeyExchange with a named curve (RFC 8422 5.4), or if the
 * scheme doesn't go with it (PKCS#1 v1.5 in TLS 1.3). *OUT is all set, or untouched.
 */
sign_request_parse_fn sign_request_parse;

/*
 * The same for a client: its CertificateVerify content, or in TLS 1.2 the handshake messages so far
 * (RFC 5246 7.4.8), of which only the first is looked at: certd looks at all.
 */
sign_request_parse_fn client_request_parse;

#endif
